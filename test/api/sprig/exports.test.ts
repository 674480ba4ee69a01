/** `GET /v1/surveys`, `/v1/responses` and `/v1/themes`. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildSurvey } from "../../support/build.ts";
import { ERROR, type OpenTenant, openTenant, startTestServer, type TestServer } from "./support.ts";

const DOCUMENT = {
  autoComplete: 50,
  blocks: [
    {
      id: "b1",
      name: "Block",
      elements: [
        { id: "why", type: "openText", headline: { default: "Why?", de: "Warum?" }, required: false },
        {
          id: "which",
          type: "multipleChoiceMulti",
          headline: { default: "Which?" },
          choices: ["a", "b", "c"].map((id) => ({ id, label: { default: `Choice ${id}` } })),
        },
      ],
    },
  ],
};

let server: TestServer;
let tenant: OpenTenant;
let surveyId: string;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await openTenant(server);
  ({ id: surveyId } = await buildSurvey(server.db, { environmentId: tenant.environmentId, document: DOCUMENT }));
});

const get = async (path: string) => (await tenant.call("get", path, "Bearer").expect(200)).body;

async function respond(id: string, data: object, more: { contactId?: string; createdAt?: Date } = {}): Promise<void> {
  const { environmentId } = tenant;
  const meta = { url: "https://x.io/p", source: "mail" };
  await server.db.prisma.response.create({
    data: { environmentId, id, surveyId, finished: true, data: { ...data }, meta, ...more },
  });
}

describe("GET /v1/surveys", () => {
  it("lists the surveys of the environment with their questions, under numbers that stay", async () => {
    const { environmentId, developmentId } = tenant;
    await buildSurvey(server.db, { environmentId: developmentId });
    const { data, ...rest } = await get("/v1/surveys");
    expect(rest).toEqual({});
    expect(data).toEqual([
      {
        id: expect.any(Number),
        name: `Survey ${surveyId}`,
        type: "app",
        status: "IN_PROGRESS",
        platform: "web",
        createdAt: expect.any(Number),
        updatedAt: expect.any(Number),
        launchedAt: null,
        completedAt: null,
        totalResponseLimit: 50,
        constraints: [],
        questions: [
          expect.objectContaining({ id: expect.any(Number), type: "openText", questionText: "Why?", options: [] }),
          expect.objectContaining({ questionText: "Which?", options: ["Choice a", "Choice b", "Choice c"] }),
        ],
      },
    ]);
    expect(Number.isSafeInteger(data[0].id)).toBe(true);
    expect((await get("/sprig/v1/surveys")).data).toEqual(data);
    expect((await get(`/v1/surveys?sid=${data[0].id}`)).data).toHaveLength(1);
    expect(await get("/v1/surveys?sid=5")).toEqual({ data: [] });
    await server.db.prisma.survey.update({
      where: { environmentId_id: { environmentId, id: surveyId } },
      data: { archivedAt: new Date() },
    });
    expect((await get("/v1/surveys?status=ARCHIVED")).data).toHaveLength(1);
  });

  it("filters by status and time, page by page", async () => {
    const { environmentId } = tenant;
    await buildSurvey(server.db, { environmentId, status: "draft" });
    await buildSurvey(server.db, { environmentId, status: "paused" });
    const statuses = async (query: string) =>
      (await get(`/v1/surveys?${query}`)).data.map(({ status }: { status: string }) => status).sort();
    expect(await statuses("status=PAUSED,NEW")).toEqual(["DRAFT", "PAUSED"]);
    expect(await statuses("status=PAUSED&status=DRAFT")).toEqual(["DRAFT", "PAUSED"]);
    expect(await statuses("status[]=COMPLETED")).toEqual([]);
    expect(await statuses(`start=${Date.now() + 60_000}`)).toEqual([]);
    expect(await statuses("end=5")).toEqual([]);
    const seen: number[] = [];
    let cursor: string | undefined = "";
    for (let pages = 0; cursor !== undefined; pages++) {
      const page = await get(`/v1/surveys?limit=1&cursor=${encodeURIComponent(cursor)}`);
      seen.push(...page.data.map(({ id }: { id: number }) => id));
      cursor = page.cursor;
      expect(pages).toBeLessThan(3);
    }
    expect(new Set(seen).size).toBe(3);
  });

  it.each(["limit=0", "limit=1001", "limit=x", "start=x", "sid=x", "status=OPEN", "cursor=x"])(
    "answers 400 to %s",
    async (query) => {
      for (const path of ["surveys", "responses"])
        expect((await tenant.call("get", `/v1/${path}?${query}`).expect(400)).body).toEqual(ERROR);
    },
  );
});

describe("GET /v1/responses", () => {
  it("gives a row for each answer", async () => {
    await tenant.post("/v2/users", { userId: "u" }).expect(202);
    const contact = await tenant.contact("u");
    await respond("r1", { why: "because", which: ["Choice c", "a"], hidden: "x" }, { contactId: contact?.id ?? "" });
    const [survey] = (await get("/v1/surveys")).data;
    const row = {
      createdAt: expect.any(Number),
      updatedAt: expect.any(Number),
      externalUserId: "u",
      responseGroupUid: "r1",
      surveyId: survey.id,
      visitorId: expect.any(Number),
      visitorUuid: contact?.visitorId,
    };
    const [why, which] = survey.questions;
    const answers = [
      { ...row, questionId: why.id, questionText: "Why?", questionType: "openText", response: "because" },
      {
        ...row,
        questionId: which.id,
        questionText: "Which?",
        questionType: "multipleChoiceMulti",
        response: ["Choice c", "a"],
        selectedIndexes: [0, 2],
      },
    ];
    expect(await get("/v1/responses")).toEqual({ data: answers });
    const [first] = (await get(`/v1/responses?with_urls=true&with_meta=true&with_snapshots=true&sid=${survey.id}`)).data;
    expect(first).toEqual({ ...answers[0], url: "https://x.io/p", meta: { url: "https://x.io/p", source: "mail" } });
    expect(await get("/v1/responses?status=PAUSED")).toEqual({ data: [] });
    expect(await get("/v1/responses?sid=5")).toEqual({ data: [] });
    expect(await get("/v1/responses?end=5")).toEqual({ data: [] });
    await tenant.call("get", "/v1/responses?with_urls=perhaps").expect(400);
  });

  it("gives every row once, page by page, of persons unknown too", async () => {
    for (let n = 0; n < 5; n++)
      await respond(`r${n}`, n === 2 ? {} : { why: `w${n}`, which: ["Choice a"] }, { createdAt: new Date(1_000_000 + n) });
    for (const limit of [1, 3, 4, 8, 100]) {
      const seen: string[] = [];
      let cursor: string | undefined = "";
      while (cursor !== undefined) {
        const page = await get(`/v1/responses?limit=${limit}&cursor=${encodeURIComponent(cursor)}`);
        expect(page.data.length).toBeLessThanOrEqual(limit);
        for (const { responseGroupUid, questionText, visitorUuid } of page.data) {
          seen.push(`${responseGroupUid} ${questionText}`);
          expect(visitorUuid).toBeNull();
        }
        cursor = page.cursor;
      }
      expect(seen).toEqual(["r0", "r1", "r3", "r4"].flatMap((id) => [`${id} Why?`, `${id} Which?`]));
    }
  });
});

describe("GET /v1/themes", () => {
  it("is always empty", async () => {
    expect(await get("/v1/themes?limit=5")).toEqual({ data: [] });
  });
});
