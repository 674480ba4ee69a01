import { expect, test } from "vitest";
import { readSetupOptions } from "./setup-options.ts";

test.each([
  [{ appUrl: "https://a.example", workspaceId: "w" }, "w"],
  [{ appUrl: "https://a.example/", environmentId: "e" }, "e"],
  [{ appUrl: "https://a.example//", workspaceId: "w", environmentId: "e" }, "w"],
  [{ apiHost: " https://a.example ", environmentId: "e" }, "e"],
])("%j is understood", (given, workspaceId) => {
  expect(readSetupOptions(given)).toMatchObject({ appUrl: "https://a.example", workspaceId });
});

test("the user of older loaders is passed on", () => {
  const given = { apiHost: "https://a.example", environmentId: "e", userId: "u1", attributes: { plan: "pro" } };
  expect(readSetupOptions(given)).toMatchObject({ userId: "u1", attributes: { plan: "pro" } });
});

test.each([
  [undefined, "appUrl is required"],
  [{ workspaceId: "w" }, "appUrl is required"],
  [{ appUrl: "https://a.example", workspaceId: "" }, "workspaceId or environmentId is required"],
])("%j lacks something", (given, message) => {
  expect(readSetupOptions(given)).toBe(message);
});
