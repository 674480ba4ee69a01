import { defineConfig } from "vitest/config";

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    projects: [
      { test: { name: "unit", include: ["src/**/*.test.ts"] } },
      {
        test: {
          name: "integration",
          include: ["test/**/*.test.ts"],
          globalSetup: "test/support/database.ts",
          testTimeout: 30_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 10_000 } },
          // It imports what only a phone has; test/clients/phone.ts stands in for that.
          server: { deps: { inline: ["@formbricks/react-native"] } },
        },
      },
    ],
  },
});
