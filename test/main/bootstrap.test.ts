import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureInstallation } from "../../src/bootstrap/install.ts";
import { createBootstrapService } from "../../src/bootstrap/service.ts";
import { readConfig } from "../../src/config/env.ts";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { newId } from "../../src/shared/ids.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const log = pino({ level: "silent" });

describe("the installation of an empty database", () => {
  const folder = makeTemporaryFolder();
  let empty: EmptyDatabase;
  let db: Database;
  beforeAll(async () => {
    empty = await createEmptyDatabase();
    await migrate({ url: empty.url, log });
    db = openDatabase({ url: empty.url, poolSize: 8, log });
  });
  afterAll(async () => {
    await db.close();
    await empty.drop();
    folder.remove();
  });

  it("does not come into being when its key cannot be kept", async () => {
    const service = createBootstrapService({ db, newId });
    const keep = () => {
      throw new Error("disk full");
    };
    await expect(service.install({ organizationName: "Acme", ownerEmail: "o@example.com" }, keep)).rejects.toThrow("disk full");
    expect(await db.prisma.organization.count()).toBe(0);
  });

  it("is made once when six processes start at once, with the values that were given", async () => {
    const configs = Array.from({ length: 6 }, (_, index) =>
      readConfig({
        DATA_DIR: join(folder.path, String(index)),
        BOOTSTRAP_API_KEY: "fbk_0123456789abcdefghij",
        BOOTSTRAP_ENVIRONMENT_ID: "production1234567890",
        BOOTSTRAP_ORGANIZATION_NAME: "Acme",
        BOOTSTRAP_OWNER_EMAIL: "Olga@Example.com",
      }),
    );
    const results = await Promise.all(configs.map((config) => ensureInstallation({ db, config })));
    const made = results.filter((result) => result.made !== null);
    expect(made).toHaveLength(1);
    expect(results.every(({ environmentId }) => environmentId === "production1234567890")).toBe(true);
    expect(results.filter(({ file }) => existsSync(file))).toEqual(made);
    const [{ file, made: installation } = { file: "", made: null }] = made;
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(installation);
    expect(installation?.apiKey).toBe("fbk_0123456789abcdefghij");
  });

  it("has an owner, both environments with their attribute keys and language, and a key for everything", async () => {
    const organizations = await db.prisma.organization.findMany({
      select: {
        name: true,
        memberships: { select: { role: true, accepted: true, user: { select: { id: true, email: true, emailKey: true } } } },
        projects: {
          select: {
            environments: {
              orderBy: { type: "asc" },
              select: {
                id: true,
                type: true,
                attributeKeys: {
                  orderBy: { key: "asc" },
                  select: { key: true, name: true, type: true, dataType: true, isUnique: true },
                },
                languages: { select: { code: true } },
              },
            },
          },
        },
      },
    });
    const key = (name: string, label: string, isUnique = false) => ({
      key: name,
      name: label,
      type: "default",
      dataType: "string",
      isUnique,
    });
    const defaults = {
      attributeKeys: [
        key("email", "Email", true),
        key("firstName", "First Name"),
        key("language", "Language"),
        key("lastName", "Last Name"),
        key("userId", "User Id", true),
      ],
      languages: [{ code: "en-US" }],
    };
    const development = organizations[0]?.projects[0]?.environments[1]?.id;
    expect(organizations).toEqual([
      {
        name: "Acme",
        memberships: [
          {
            role: "owner",
            accepted: true,
            user: { id: expect.any(String), email: "Olga@Example.com", emailKey: "olga@example.com" },
          },
        ],
        projects: [
          {
            environments: [
              { id: "production1234567890", type: "production", ...defaults },
              { id: development, type: "development", ...defaults },
            ],
          },
        ],
      },
    ]);
    const keys = await db.prisma.apiKey.findMany({ select: { createdBy: true, permissions: true, organizationAccess: true } });
    expect(keys).toEqual([
      {
        createdBy: organizations[0]?.memberships[0]?.user.id,
        permissions: { production1234567890: "manage", [String(development)]: "manage" },
        organizationAccess: { accessControl: { read: true, write: true } },
      },
    ]);
  });

  it("is left alone when the database is not empty, with or without bootstrap.json", async () => {
    const config = readConfig({ DATA_DIR: join(folder.path, "another") });
    const { made, file, environmentId } = await ensureInstallation({ db, config });
    expect({ made, environmentId, isWritten: existsSync(file) }).toEqual({
      made: null,
      environmentId: "production1234567890",
      isWritten: false,
    });
    expect(await db.prisma.organization.count()).toBe(1);
  });
});
