import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApiKeyService } from "../../src/api-keys/service.ts";
import { openChangeFeed } from "../../src/db/change-feed.ts";
import { openDatabase } from "../../src/db/database.ts";
import { databaseSource } from "../../src/import/formbricks/read-database.ts";
import { fileSource } from "../../src/import/formbricks/read-file.ts";
import { formatReport } from "../../src/import/formbricks/report.ts";
import { newId } from "../../src/shared/ids.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { addContact, type Dump, dump2025, dump2026, LEGACY_KEY, MODERN_SECRET, type Row } from "./dumps.ts";
import { countsOf, createDatabase, createTarget, findingsOf, type ImportTarget, secretBox } from "./target.ts";

let target: ImportTarget;
const folder = makeTemporaryFolder();
afterAll(() => folder.remove());

beforeEach(async () => {
  target = await createTarget();
});

afterEach(() => target.drop());

const CREATED = new Date("2025-03-01T10:00:00.123Z");
const UPDATED = new Date("2025-03-02T10:00:00.000Z");
const TIMES = { createdAt: CREATED, updatedAt: UPDATED };

describe("a dump of 2026", () => {
  it("comes over whole, with its ids and times", async () => {
    const report = await target.importFile(dump2026());
    const dump = dump2026();
    for (const [table, [read, written, there, left]] of Object.entries(countsOf(report))) {
      expect([table, read, there]).toEqual([table, dump[table]?.length, 0]);
      expect([table, written, left]).toEqual(table === "SurveyAttributeFilter" ? [table, 0, 1] : [table, read, 0]);
    }
    expect(report.ignored).toEqual([{ table: "Session", rows: 2 }]);
    expect(report.notes).toEqual([{ text: "Passwords of users: Mortar has no sign-in", count: 1 }]);
    expect(report.changed).toEqual([]);
  });

  it("makes a project and its production environment, both under the workspace's id", async () => {
    await target.importFile(dump2026());
    expect(await target.rows(`select * from projects`)).toEqual([
      {
        ...{ id: "wsp1", ...TIMES, organizationId: "org1", name: "App", recontactDays: 3, clickOutsideClose: true },
        ...{ overlay: "dark", placement: "center", inAppSurveyBranding: true, linkSurveyBranding: true },
        ...{ styling: { allowStyleOverwrite: false }, config: {}, logo: null, customHeadScripts: null },
      },
    ]);
    expect(await target.rows(`select * from environments`)).toEqual([
      {
        id: "wsp1",
        ...TIMES,
        projectId: "wsp1",
        type: "production",
        legacyId: "env1",
        appSetupCompleted: true,
        identifySecret: null,
        previousIdentifySecret: null,
      },
    ]);
  });

  it("makes one row of a contact and its attributes", async () => {
    const dump = dump2026();
    dump.ContactAttributeKey?.push(
      { ...dump.ContactAttributeKey[0], id: "key-age", key: "age", dataType: "number" },
      { ...dump.ContactAttributeKey[0], id: "key-score", key: "score", dataType: "number" },
      { ...dump.ContactAttributeKey[0], id: "key-since", key: "since", dataType: "date" },
      { ...dump.ContactAttributeKey[0], id: "key-until", key: "until", dataType: "date" },
      { ...dump.ContactAttributeKey[0], id: "key-zip", key: "zip", dataType: "string" },
    );
    const more = { created_at: "2025-03-01T10:00:00.000", contactId: "con1" };
    dump.ContactAttribute?.push(
      { ...more, attributeKeyId: "key-age", value: "ignored", valueNumber: 36.5 },
      { ...more, attributeKeyId: "key-score", value: "1e2", valueNumber: null },
      { ...more, attributeKeyId: "key-since", value: "ignored", valueDate: "2025-01-01T00:00:00" },
      { ...more, attributeKeyId: "key-until", value: "2026-02-28", valueDate: null },
      { ...more, attributeKeyId: "key-zip", value: "01234", valueNumber: 1234 },
    );
    await target.importFile(dump);
    expect(await target.rows(`select * from contacts`)).toEqual([
      {
        ...{
          environmentId: "wsp1",
          id: "con1",
          ...TIMES,
          firstSeenAt: CREATED,
          lastSeenAt: UPDATED,
          userId: "ada",
          email: null,
          companyId: null,
          visitorId: expect.any(String), // made up for each contact
          attributeTimes: {},
        },
        attributes: {
          ...{ plan: "pro", age: 36.5, score: 100, zip: "01234" },
          ...{ since: "2025-01-01T00:00:00.000Z", until: "2026-02-28T00:00:00.000Z" },
        },
      },
    ]);
  });

  it("keeps of a survey what is no column in its document, under the source's names", async () => {
    await target.importFile(dump2026());
    const [survey] = await target.rows(`select * from surveys`);
    expect(survey).toMatchObject({
      ...{ environmentId: "wsp1", id: "sur1", ...TIMES, name: "Survey sur1", type: "app", status: "inProgress" },
      ...{ createdBy: "usr1", segmentId: "seg1", slug: null, archivedAt: null },
    });
    expect(survey?.document).toEqual({
      ...{
        questions: [],
        blocks: dump2026().Survey?.[0]?.blocks,
        endings: [],
        welcomeCard: { enabled: false },
        hiddenFields: { enabled: false },
        variables: [],
      },
      ...{ displayOption: "displayOnce", delay: 0, displayPercentage: 12.5, publishOn: "2025-04-01T00:00:00.000Z" },
    });
  });

  it("lets the API keys go on working, with what they were granted", async () => {
    await target.importFile(dump2026());
    const log = pino({ level: "silent" });
    const db = openDatabase({ url: target.url, poolSize: 1, log });
    const changes = await openChangeFeed({ url: target.url, log });
    try {
      const { authenticate } = createApiKeyService({ db, changes, newId, now: Date.now });
      expect(await authenticate(`fbk_${MODERN_SECRET}`)).toMatchObject({
        ...{ apiKeyId: "apk1", organizationId: "org1", createdBy: "usr1", organizationAccess: { read: true, write: false } },
        permissions: new Map([["wsp1", "manage"]]),
      });
      expect(await authenticate(LEGACY_KEY)).toMatchObject({ apiKeyId: "apk2", permissions: new Map([["wsp1", "read"]]) });
    } finally {
      await changes.close();
      await db.close();
    }
  });

  it("seals the secrets of webhooks", async () => {
    await target.importFile(dump2026());
    const [webhook] = await target.session.query<{ secret: string }>(`select secret from webhooks`);
    expect(secretBox.open(webhook?.secret ?? "")).toBe("whsec_c2VjcmV0");
    expect(webhook?.secret).not.toContain("c2VjcmV0");
  });

  it("may have its tables in any order", async () => {
    const report = await target.importFile(Object.fromEntries(Object.entries(dump2026()).reverse()));
    expect(report.left.map(({ table }) => table)).toEqual(["SurveyAttributeFilter"]);
  });
});

describe("a dump of 2025", () => {
  it("keeps the project and its environments", async () => {
    const report = await target.importFile(dump2025());
    expect(report.left.map(({ table }) => table)).toEqual(["SurveyAttributeFilter"]);
    expect(await target.rows(`select id, name, overlay from projects`)).toEqual([{ id: "prj1", name: "App", overlay: "dark" }]);
    expect(
      await target.rows(`select id, "projectId", type, "legacyId", "appSetupCompleted" from environments order by id`),
    ).toEqual([
      { id: "env1", projectId: "prj1", type: "production", legacyId: null, appSetupCompleted: true },
      { id: "env2", projectId: "prj1", type: "development", legacyId: null, appSetupCompleted: false },
    ]);
  });

  it("gives each environment a copy of the project's languages", async () => {
    await target.importFile(dump2025());
    expect(await target.rows(`select "environmentId", id, code from languages order by 1`)).toEqual([
      { environmentId: "env1", id: "lan1", code: "en-US" },
      { environmentId: "env2", id: "lan1", code: "en-US" },
    ]);
    expect(await target.rows(`select "environmentId", "surveyId", "languageId" from survey_languages`)).toEqual([
      { environmentId: "env1", surveyId: "sur1", languageId: "lan1" },
    ]);
  });

  it("knows from when an e-mail address was verified, and what a key may do where", async () => {
    await target.importFile(dump2025());
    expect(await target.rows(`select id, email, "emailKey", "emailVerifiedAt" from users order by id`)).toEqual([
      { id: "usr1", email: "Ann@Example.com", emailKey: "ann@example.com", emailVerifiedAt: new Date("2025-01-05T00:00:00Z") },
      { id: "usr2", email: "bob@example.com", emailKey: "bob@example.com", emailVerifiedAt: null },
    ]);
    expect(await target.rows(`select permissions from api_keys order by id`)).toEqual([
      { permissions: { env1: "write", env2: "manage" } },
      { permissions: {} },
    ]);
  });
});

describe("a second run", () => {
  it("changes nothing", async () => {
    await target.importFile(dump2025());
    const before = await snapshot();
    const report = await target.importFile(dump2025());
    for (const [table, [read, written, there, left]] of Object.entries(countsOf(report)))
      expect([table, written, there, left]).toEqual(
        table === "SurveyAttributeFilter" ? [table, 0, 0, 1] : [table, 0, table === "Language" ? 2 : read, 0],
      );
    expect(await snapshot()).toEqual(before);
  });

  it("brings over what is new and leaves what was changed here", async () => {
    await target.importFile(dump2026());
    await target.session.execute(`update contacts set attributes = '{"plan":"changed here"}'`);
    const dump = dump2026();
    addContact(dump, "con2", "2025-05-01T00:00:00", { userId: "bea" });
    const { Contact, ContactAttribute } = countsOf(await target.importFile(dump));
    expect({ Contact, ContactAttribute }).toEqual({ Contact: [2, 1, 1, 0], ContactAttribute: [3, 1, 2, 0] });
    expect(await target.rows(`select id, "userId", attributes from contacts order by id`)).toEqual([
      { id: "con1", userId: "ada", attributes: { plan: "changed here" } },
      { id: "con2", userId: "bea", attributes: {} },
    ]);
  });

  it("finds the parents of rows in the database when the source does not have them", async () => {
    await target.importFile(dump2026());
    const { Response = [] } = dump2026();
    const report = await target.importFile({ Response: [{ ...Response[0], id: "res2", displayId: null }] });
    expect(countsOf(report)).toEqual({ Response: [1, 1, 0, 0] });
  });

  async function snapshot() {
    const tables = await target.session.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_name not like '\\_%' order by 1`,
    );
    const rows: Record<string, unknown> = {};
    for (const { name } of tables) rows[name] = await target.rows(`select * from "${name}" t order by t::text`);
    return rows;
  }
});

describe("bad rows", () => {
  it("are left and named, and their neighbours come over", async () => {
    const dump = dump2026();
    const [display = {}] = dump.Display ?? [];
    dump.Display?.push(
      { ...display, id: "dis2", surveyId: "nobody" },
      { ...display, id: "dis3", contactId: "nobody" },
      { ...display, id: "dis4", created_at: "yesterday" },
      { ...display, id: null },
      { ...display, id: "dis1" },
      { ...display, id: "dis6", contactId: null },
    );
    const report = await target.importFile(dump);
    expect(countsOf(report).Display).toEqual([7, 2, 0, 5]);
    expect(findingsOf(report.left.filter(({ table }) => table === "Display"))).toEqual({
      "Display: column created_at is not a time": ["dis4"],
      "Display: column id is null": ["sur1/con1"],
      "Display: its Survey is not there": ["dis2 (nobody)"],
      "Display: its Contact is not there": ["dis3 (nobody)"],
      "Display: the same key is in the source twice": ["dis1"],
    });
  });

  it.each<[string, string, Row, string]>([
    [
      "an unknown value of an enum",
      "Survey",
      { status: "scheduled" },
      "column status is none of draft, inProgress, paused, completed",
    ],
    [
      "a NUL",
      "Response",
      { data: { q1: "a\u0000b" } },
      "column data holds a NUL or an unpaired surrogate, which PostgreSQL cannot store",
    ],
    [
      "half a surrogate pair",
      "Tag",
      { name: "\ud800" },
      "column name holds a NUL or an unpaired surrogate, which PostgreSQL cannot store",
    ],
    ["a missing column", "Survey", { name: undefined }, "column name is missing"],
    ["a column of another type", "Response", { finished: "yes" }, "column finished is not a boolean"],
    [
      "a key that cannot be recognized",
      "ApiKey",
      { lookupHash: null, hashedKey: "$2b$" },
      "column hashedKey is not a SHA-256 in hex, so the key cannot be recognized",
    ],
  ])("may have %s", async (_fault, table, change, reason) => {
    const dump = dump2026();
    dump[table]?.push({ ...dump[table][0], id: "bad1", ...change });
    const report = await target.importFile(dump);
    expect(findingsOf(report.left.filter((finding) => finding.table === table))).toEqual({ [`${table}: ${reason}`]: ["bad1"] });
    expect(countsOf(report)[table]?.[3]).toBe(1);
  });

  it("are named one by one when only the database finds their fault", async () => {
    const dump = dump2026();
    for (const id of ["tag2", "tag3", "tag4"])
      dump.Tag?.push({ ...dump.Tag[0], id, name: id, created_at: id === "tag3" ? "0000-01-01T00:00:00" : "2025-01-01T00:00:00" });
    const report = await target.importFile(dump);
    expect(countsOf(report).Tag).toEqual([4, 3, 0, 1]);
    expect(findingsOf(report.left)).toMatchObject({
      "Tag: the database refuses a value": ['tag3 (date/time field value out of range: "0000-01-01T00:00:00.000Z")'],
    });
  });

  it("take what hangs on them along, but not a display away from its response", async () => {
    const dump = dump2026();
    dump.Display = [{ ...dump.Display?.[0], created_at: null }];
    const report = await target.importFile(dump);
    expect(countsOf(report).Response).toEqual([1, 1, 0, 0]);
    expect(findingsOf(report.changed)).toEqual({ "Response: lost its displayId: that Display is not there": ["res1"] });
    expect(await target.rows(`select id, "displayId" from responses`)).toEqual([{ id: "res1", displayId: null }]);
  });

  it("of attributes are kept as text when they do not fit the type of their key", async () => {
    const dump = dump2026();
    dump.ContactAttributeKey?.push({ ...dump.ContactAttributeKey[0], id: "key-age", key: "age", dataType: "number" });
    dump.ContactAttribute?.push({ contactId: "con1", attributeKeyId: "key-age", value: "old" });
    dump.ContactAttribute?.push({ contactId: "con1", attributeKeyId: "key-gone", value: "x" });
    const report = await target.importFile(dump);
    expect(findingsOf(report.changed)).toEqual({
      "ContactAttribute: kept as text: the value is no number, which its key asks for": ["con1/age"],
    });
    expect(findingsOf(report.left)).toMatchObject({
      "ContactAttribute: its ContactAttributeKey is not there": ["con1/key-gone"],
    });
    expect(await target.rows(`select attributes from contacts`)).toEqual([{ attributes: { plan: "pro", age: "old" } }]);
  });

  it("never let a key reach into another organization", async () => {
    const dump = dump2026();
    dump.Organization?.push({ ...dump.Organization[0], id: "org2" });
    dump.Workspace?.push({ ...dump.Workspace[0], id: "wsp2", organizationId: "org2", legacyEnvironmentId: null });
    dump.ApiKeyWorkspace?.push({ ...dump.ApiKeyWorkspace[0], workspaceId: "wsp2" });
    const report = await target.importFile(dump);
    expect(findingsOf(report.left)).toMatchObject({
      "ApiKeyWorkspace: the environment is another organization's": ["apk1/wsp2"],
    });
    expect(await target.rows(`select permissions from api_keys where id = 'apk1'`)).toEqual([
      { permissions: { wsp1: "manage" } },
    ]);
  });
});

describe("duplicates", () => {
  it("of a contact's userId or e-mail leave the value to the older contact, and every contact its answers", async () => {
    const dump = dump2026();
    addContact(dump, "young", "2025-06-01T00:00:00", { userId: "same", email: "young@example.com", plan: "free" });
    addContact(dump, "old", "2025-05-01T00:00:00", { userId: "same", email: "old@example.com" });
    addContact(dump, "third", "2025-07-01T00:00:00", { userId: "third", email: "old@example.com" });
    dump.Display?.push({ ...dump.Display[0], id: "dis2", contactId: "young" });
    const report = await target.importFile(dump);
    expect(findingsOf(report.changed)).toEqual({
      "Contact: lost its userId, which another row has": ["young (old has it)"],
      "Contact: lost its email, which another row has": ["third (old has it)"],
    });
    expect(await target.rows(`select id, "userId", email, attributes from contacts where id <> 'con1' order by id`)).toEqual([
      { id: "old", userId: "same", email: "old@example.com", attributes: {} },
      { id: "third", userId: "third", email: null, attributes: {} },
      { id: "young", userId: null, email: "young@example.com", attributes: { plan: "free" } },
    ]);
    expect(await target.rows(`select "contactId" from displays where id = 'dis2'`)).toEqual([{ contactId: "young" }]);
  });

  it("of an address in another case leave the younger user and its memberships", async () => {
    const dump = dump2026();
    dump.User?.push({ ...dump.User[0], id: "usr0", email: "ANN@example.com", created_at: "2025-08-01T00:00:00" });
    dump.Membership?.push({ organizationId: "org1", userId: "usr0", accepted: true, role: "member" });
    const report = await target.importFile(dump);
    expect(findingsOf(report.left)).toMatchObject({
      "User: another row has its e-mail address": ["usr0 (usr1 has it)"],
      "Membership: its User is not there": ["org1/usr0 (usr0)"],
    });
    expect(await target.rows(`select id from users order by id`)).toEqual([{ id: "usr1" }, { id: "usr2" }]);
  });
});

describe("a source that cannot be read", () => {
  it.each([
    [
      '{"Organization":[{"id":"org9","created_at":"2025-01-01T00:00:00Z","name":"O"}],\n"User":[{]}',
      /line 2, column 9 \(byte \d+\): a row of table User is not valid JSON/,
    ],
    [
      '{"Organization":[{"id":"org9","created_at":"2025-01-01T00:00:00Z","name":"O"}]',
      /the file ends too early, in table Organization/,
    ],
    ['{"Whatever":[]}', /none of Formbricks' tables/],
    ["[]", /line 1, column 1 \(byte 0\): expected "\{"/],
  ])("is refused with its position, and nothing is written: %s", async (content, message) => {
    await expect(target.importFile(content)).rejects.toThrow(message);
    expect(await target.rows(`select id from organizations`)).toEqual([]);
  });
});

/** Without what is made up for each row. */
const rowsOf = async (target: Awaited<ReturnType<typeof createTarget>>, table: string) =>
  (await target.rows(`select * from ${table} order by id`)).map((row) => ({ ...row, visitorId: undefined }));

describe("a running database as the source", () => {
  it("gives the same as its dump", async () => {
    const source = await createDatabase({ migrated: false });
    try {
      await createTables(source.session, dump2026());
      const report = await target.importFrom(databaseSource(source.url));
      const counts = countsOf(report);
      const other = await createTarget();
      try {
        expect(counts).toEqual(countsOf(await other.importFile(dump2026())));
        for (const table of ["contacts", "surveys", "responses", "api_keys"])
          expect(await rowsOf(target, table)).toEqual(await rowsOf(other, table));
      } finally {
        await other.drop();
      }
      expect(report.ignored).toEqual([{ table: "Session", rows: null }]);
    } finally {
      await source.drop();
    }
  });

  it("is refused without its address when it cannot be reached", async () => {
    const attempt = target.importFrom(databaseSource("postgresql://reader:secret@127.0.0.1:1/none"));
    await expect(attempt).rejects.toThrow(/^cannot connect to the source database: (?!.*secret)/);
  });

  async function createTables(session: ImportTarget["session"], dump: Dump): Promise<void> {
    for (const [table, rows] of Object.entries(dump)) {
      const columns = new Set(rows.flatMap((row) => Object.keys(row)));
      const typed = [...columns].map(
        (column) => `"${column}" ${typeOf(rows.find((row) => (row[column] ?? null) !== null)?.[column])}`,
      );
      await session.execute(`create table "${table}" (${typed.join(", ")})`);
      await session.execute(`insert into "${table}" select * from json_populate_recordset(null::"${table}", $1)`, [
        JSON.stringify(rows),
      ]);
    }
  }

  function typeOf(value: unknown): string {
    if (typeof value === "boolean") return "boolean";
    if (typeof value === "number") return "double precision";
    if (Array.isArray(value)) return value.every((item) => typeof item === "string") && value.length > 0 ? "text[]" : "jsonb";
    if (typeof value === "object" && value !== null) return "jsonb";
    return typeof value === "string" && /^\d{4}-\d{2}-\d{2}T/.test(value) ? "timestamp(3)" : "text";
  }
});

describe("a survey that the survey model refuses", () => {
  it("comes over as it is, with the reason beside it", async () => {
    const dump = dump2026();
    dump.Survey?.push({ ...dump.Survey[0], id: "sur2", pin: "12", blocks: null, redirectUrl: null });
    const report = await target.importFile(dump);
    expect(findingsOf(report.changed)).toEqual({
      "Survey: kept as it is, although it breaks a rule": [expect.stringMatching(/^sur2 \(pin: Must be a 4 digit number/)],
    });
    expect(await target.rows(`select id, refusal, document->>'pin' as pin from surveys order by id`)).toEqual([
      { id: "sur1", refusal: null, pin: null },
      { id: "sur2", refusal: expect.stringContaining("pin: Must be a 4 digit number"), pin: "12" },
    ]);
  });
});

describe("a large dump", () => {
  it("comes over a piece at a time", async () => {
    const dump = dump2026();
    for (let i = 0; i < 20_000; i++) addContact(dump, `many${i}`, "2025-05-01T00:00:00", { userId: `user-${i}`, plan: "free" });
    const path = join(folder.path, "large.json");
    writeFileSync(path, JSON.stringify(dump));
    const source = fileSource(path);
    let largest = 0;
    const report = await target.importFrom({
      async *read(isWanted) {
        for await (const batch of source.read(isWanted)) {
          largest = Math.max(largest, JSON.stringify(batch.rows).length);
          yield batch;
        }
      },
    });
    expect(countsOf(report)).toMatchObject({ Contact: [20_001, 20_001, 0, 0], ContactAttribute: [40_002, 40_002, 0, 0] });
    expect(
      await target.rows(`select count(*)::int from contacts where "userId" is not null and attributes->>'plan' = 'free'`),
    ).toEqual([{ count: 20_000 }]);
    expect(statSync(path).size).toBeGreaterThan(8_000_000);
    expect(largest).toBeLessThan(1_100_000);
  });
});

describe("the report", () => {
  it("ends with a table and says what was left and why", async () => {
    const dump = dump2026();
    for (let i = 0; i < 25; i++) dump.Tag?.push({ ...dump.Tag[0], id: `tag-${i}`, workspaceId: "nowhere" });
    const text = formatReport(await target.importFile(dump));
    expect(text).toMatch(/^table +read +written +already there +left\n/);
    expect(text).toMatch(/\nTag +26 +1 +0 +25\n/);
    expect(text).toMatch(
      /Tag: 25 × its Workspace or Environment is not there: tag-0 \(nowhere\), .*tag-19 \(nowhere\), and 5 more\n/,
    );
    expect(text).toContain("Tables of which Mortar keeps nothing:\n  Session (2 rows)");
  });
});
