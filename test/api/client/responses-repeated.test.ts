import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createSingleUseLinks } from "../../../src/responses/single-use.ts";
import { newId } from "../../../src/shared/ids.ts";
import { buildContact, buildSurvey, buildTenant, buildWebhook } from "../../support/build.ts";
import { ANSWERABLE, makeDisplay, readOutbox, readResponses } from "../../support/responses.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
let environmentId: string;
let surveyId: string;
let displayId: string;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  ({ environmentId } = await buildTenant(server.db));
  await buildWebhook(server.db, { environmentId, triggers: ["responseCreated", "responseUpdated", "responseFinished"] });
  ({ id: surveyId } = await buildSurvey(server.db, { environmentId, document: ANSWERABLE }));
  displayId = await makeDisplay(server, { environmentId, surveyId });
});

const post = (body: object, { version = "v2", key = "" } = {}) =>
  server.request
    .post(`/api/${version}/client/${environmentId}/responses`)
    .set(key === "" ? {} : { "idempotency-key": key })
    .send({ surveyId, finished: false, data: {}, ...body });
const put = (id: string, body: object) => server.request.put(`/api/v1/client/${environmentId}/responses/${id}`).send(body);

const create = async (body: object, options?: Parameters<typeof post>[1]): Promise<string> =>
  (await post(body, options).expect(200)).body.data.id;
const stored = () => readResponses(server, environmentId);
const events = async () => (await readOutbox(server, environmentId)).map(({ type }) => type);

const LINKED = () => ({ code: "bad_request", message: `Display ${displayId} is already linked to a response`, details: {} });
const FINISHED = { code: "bad_request", message: "Response is already finished", details: { code: "response_already_finished" } };

describe.each(["v1", "v2"])("a new response of a display, sent again to %s", (version) => {
  test("is answered with the first one's id, and nothing is stored", async () => {
    const body = { displayId, data: { q1: "a" }, ttc: { q1: 1027.39 }, meta: { url: "https://a.example" } };
    const first = await post(body, { version }).expect(200);
    expect((await post(body, { version }).expect(200)).body).toEqual(first.body);
    expect(await stored()).toHaveLength(1);
    expect(await events()).toEqual(["responseCreated"]);
  });

  test("is one response when both arrive at once", async () => {
    const body = { displayId, data: { q1: "a" } };
    const ids = await Promise.all(Array.from({ length: 20 }, () => create(body, { version })));
    expect(new Set(ids).size).toBe(1);
    expect(await stored()).toHaveLength(1);
    expect(await events()).toEqual(["responseCreated"]);
  });

  test("is answered with its id also when it was finished, at once or meanwhile", async () => {
    const body = { displayId, finished: true, data: { q1: "a" } };
    expect(await create(body, { version })).toBe(await create(body, { version }));
    expect(await events()).toEqual(["responseCreated", "responseFinished"]);
    const other = { displayId: await makeDisplay(server, { environmentId, surveyId }), data: { q1: "a" } };
    const id = await create(other, { version });
    await put(id, { finished: true, data: { q1: "b" } }).expect(200);
    expect(await create(other, { version })).toBe(id);
    expect(await stored()).toHaveLength(2);
  });
});

describe("another response of a display", () => {
  test("goes on with the unfinished one, so that no answer is lost", async () => {
    const id = await create({ displayId, data: { q1: "a" }, language: "de", endingId: "cend" });
    const more = { displayId, finished: true, data: { mail: "a@b.co" } };
    expect(await create(more)).toBe(id);
    expect(await create(more)).toBe(id);
    expect(await stored()).toMatchObject([
      { finished: true, data: { q1: "a", mail: "a@b.co" }, language: "de-DE", endingId: "cend" },
    ]);
    expect(await events()).toEqual(["responseCreated", "responseUpdated", "responseFinished"]);
  });

  test("is refused when the first one is finished", async () => {
    await create({ displayId, finished: true, data: { q1: "a" } });
    expect((await post({ displayId, finished: true, data: { q1: "b" } }).expect(400)).body).toEqual(LINKED());
    expect(await stored()).toMatchObject([{ data: { q1: "a" } }]);
  });

  test("is refused to another contact, and allowed to the same", async () => {
    const [one, two] = await Promise.all(["a", "b"].map((userId) => buildContact(server.db, { environmentId, userId })));
    const id = await create({ displayId, contactId: one?.id, data: { q1: "a" } });
    for (const contactId of [two?.id, undefined])
      expect((await post({ displayId, contactId, data: { q1: "b" } }).expect(400)).body).toEqual(LINKED());
    expect(await create({ displayId, contactId: one?.id, data: { q1: "c" } })).toBe(id);
    expect(await create({ displayId, userId: "a", data: { q1: "d" } }, { version: "v1" })).toBe(id);
    expect(await stored()).toMatchObject([{ data: { q1: "d" } }]);
  });
});

describe("a new response without a display, sent again", () => {
  test("is two responses, for nothing tells it from another person's", async () => {
    const body = { finished: true, data: { q1: "a" }, ttc: { q1: 900 } };
    expect(await create(body)).not.toBe(await create(body));
    expect(await stored()).toHaveLength(2);
  });

  test("is one response when a time in it was measured in fractions of a millisecond", async () => {
    const body = { finished: true, data: { q1: "a" }, ttc: { q1: 1027.3999999 } };
    const ids = await Promise.all(Array.from({ length: 10 }, () => create(body)));
    expect(new Set(ids).size).toBe(1);
    await create({ ...body, data: { q1: "b" } });
    expect(await stored()).toHaveLength(2);
  });

  test("is one response under one Idempotency-Key, which names no other", async () => {
    const body = { finished: true, data: { q1: "a" } };
    const ids = await Promise.all(Array.from({ length: 10 }, () => create(body, { key: "k" })));
    expect(new Set(ids).size).toBe(1);
    expect((await post({ ...body, data: { q1: "b" } }, { key: "k" }).expect(409)).body).toEqual({
      code: "conflict",
      message: "The Idempotency-Key was used for another response",
      details: {},
    });
    await create(body, { key: "other" });
    expect(await stored()).toHaveLength(2);
  });

  test("is a conflict where the link was for one response, unless it has a key", async () => {
    const links = createSingleUseLinks({ encryptionKey: "an encryption key for tests only, 0123456789" });
    const document = { singleUse: { enabled: true, isEncrypted: false } };
    const { id: single } = await buildSurvey(server.db, { environmentId, type: "link", document });
    const url = `https://a.example/?${new URLSearchParams(links.buildQuery(single, "s", false))}`;
    const body = { surveyId: single, singleUseId: "s", meta: { url } };
    const [one, two] = await Promise.all([post(body, { key: "k" }), post(body, { key: "k" })]);
    expect([one.body, one.status]).toEqual([two.body, 200]);
    await post(body).expect(409);
  });
});

describe("a change, sent again", () => {
  test("is answered as before when it finished the response; another one is refused", async () => {
    const id = await create({ displayId });
    const last = { finished: true, data: { q1: "a" }, ttc: { q1: 10.5 }, endingId: "cend" };
    const first = await put(id, last).expect(200);
    expect((await put(id, last).expect(200)).body).toEqual(first.body);
    expect((await put(id, { ...last, data: { q1: "b" } }).expect(400)).body).toEqual(FINISHED);
    expect((await put(id, { finished: true }).expect(400)).body).toEqual(FINISHED);
    expect(await events()).toEqual(["responseCreated", "responseUpdated", "responseFinished"]);
  });

  test("is made once when it arrives twice at once", async () => {
    const id = await create({ displayId });
    await Promise.all(Array.from({ length: 10 }, () => put(id, { finished: true, data: { q1: "a" } }).expect(200)));
    expect(await events()).toEqual(["responseCreated", "responseUpdated", "responseFinished"]);
  });

  test("is made once when it did not finish, and again when something else came between", async () => {
    const id = await create({ displayId });
    for (const q1 of ["a", "a", "b", "a"]) await put(id, { data: { q1 } }).expect(200);
    expect(await stored()).toMatchObject([{ data: { q1: "a" } }]);
    expect(await events()).toHaveLength(4);
    await server.db.prisma.response.updateMany({ where: { environmentId }, data: { data: { q1: "edited" } } });
    await put(id, { data: { q1: "a" } }).expect(200);
    expect(await stored()).toMatchObject([{ data: { q1: "a" } }]);
  });
});

describe("a survey that ends itself", () => {
  const surveyOf = async (autoComplete: number) => {
    const { id } = await buildSurvey(server.db, { environmentId, document: { ...ANSWERABLE, autoComplete } });
    return id;
  };
  const statusOf = async (id: string) => (await server.db.prisma.survey.findFirstOrThrow({ where: { id } })).status;

  test("is completed by its last finished response, which may be sent again", async () => {
    const id = await surveyOf(2);
    await create({ surveyId: id });
    await create({ surveyId: id, finished: true });
    expect(await statusOf(id)).toBe("inProgress");
    const display = await makeDisplay(server, { environmentId, surveyId: id });
    const last = { surveyId: id, displayId: display, finished: true };
    const response = await create(last);
    expect(await statusOf(id)).toBe("completed");
    expect(await create(last)).toBe(response);
    await post({ surveyId: id }).expect(403);
    await server.request.post(`/api/v2/client/${environmentId}/displays`).send({ surveyId: id }).expect(403);
  });

  test("is completed by a change, which may be sent again", async () => {
    const id = await surveyOf(1);
    const [one, two] = [await create({ surveyId: id }), await create({ surveyId: id })];
    await put(one, { finished: true }).expect(200);
    expect(await statusOf(id)).toBe("completed");
    await put(one, { finished: true }).expect(200);
    await put(two, { finished: true }).expect(403);
  });

  test("is completed when its last responses arrive at once", async () => {
    const id = await surveyOf(20);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post({ surveyId: id, finished: true })));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(await statusOf(id)).toBe("completed");
  });
});

describe("quotas", () => {
  const isRed = {
    id: "c1",
    leftOperand: { type: "element", value: "pick" },
    operator: "equals",
    rightOperand: { type: "static", value: "red" },
  };
  const quota = async (given: {
    limit: number;
    action?: "endSurvey" | "continueSurvey";
    endingCardId?: string;
    countPartialSubmissions?: boolean;
  }): Promise<string> => {
    const id = newId();
    const logic = { connector: "and", conditions: [isRed] };
    await server.db.prisma.surveyQuota.create({
      data: { environmentId, id, surveyId, name: id, action: "endSurvey", logic, ...given },
    });
    return id;
  };
  const linksOf = async (quotaId: string) => {
    const links = await server.db.prisma.responseQuotaLink.findMany({ where: { environmentId, quotaId } });
    return links.map(({ responseId, status }) => ({ responseId, status }));
  };
  const red = { data: { pick: "Red" } };
  const answer = async (body: object) => (await post(body).expect(200)).body.data;

  test("let in as many as they have room for, however many arrive at once", async () => {
    const id = await quota({ limit: 10 });
    const answers = await Promise.all(Array.from({ length: 100 }, () => answer({ finished: true, ...red })));
    expect(answers.filter(({ quotaFull }) => !quotaFull)).toHaveLength(10);
    const statuses = (await linksOf(id)).map(({ status }) => status);
    expect(statuses.filter((status) => status === "screenedIn")).toHaveLength(10);
    expect(statuses.filter((status) => status === "screenedOut")).toHaveLength(90);
    expect(await stored()).toHaveLength(100);
  });

  test("end a response when they are full, which is an event", async () => {
    const id = await quota({ limit: 1, endingCardId: "cend" });
    await answer({ finished: true, ...red });
    const ended = await answer({ ...red, ttc: { pick: 5 } });
    expect(ended).toEqual({
      id: expect.any(String),
      quotaFull: true,
      quota: { id, action: "endSurvey", endingCardId: "cend" },
    });
    expect((await stored())[1]).toMatchObject({ finished: true, endingId: "cend", ttc: { pick: 5, _total: 5 } });
    const outbox = (await readOutbox(server, environmentId)).slice(2);
    expect(outbox).toMatchObject([
      { type: "responseCreated", payload: { id: ended.id, finished: true, endingId: "cend" } },
      { type: "responseFinished", payload: { id: ended.id, finished: true, endingId: "cend" } },
    ]);
  });

  test("let a response go on when they say so", async () => {
    const id = await quota({ limit: 1, action: "continueSurvey" });
    await answer({ finished: true, ...red });
    const full = await answer({ finished: true, ...red });
    expect(full).toEqual({ id: expect.any(String), quotaFull: true, quota: { id, action: "continueSurvey" } });
    expect(await linksOf(id)).toContainEqual({ responseId: full.id, status: "screenedOut" });
  });

  test("look at changes, and let go of a response that no longer meets them", async () => {
    const id = await quota({ limit: 1, countPartialSubmissions: true, endingCardId: "cend" });
    const [one, two] = [await create({ data: { q1: "x" } }), await create({ data: { q1: "x" } })];
    await put(one, red).expect(200);
    expect(await linksOf(id)).toEqual([{ responseId: one, status: "screenedIn" }]);
    await put(one, { data: { pick: "something else" } }).expect(200);
    expect(await linksOf(id)).toEqual([]);
    await put(one, red).expect(200);
    const { body } = await put(two, red).expect(200);
    expect(body.data).toEqual({ id: two, quotaFull: true, quota: { id, action: "endSurvey", endingCardId: "cend" } });
    expect((await put(two, red).expect(200)).body).toEqual(body);
    expect((await put(two, { data: { q1: "y" } }).expect(400)).body).toEqual(FINISHED);
    expect((await stored())[1]).toMatchObject({ finished: true, endingId: "cend" });
    expect(await events()).toEqual([
      "responseCreated",
      "responseCreated",
      "responseUpdated",
      "responseUpdated",
      "responseUpdated",
      "responseUpdated",
      "responseFinished",
    ]);
  });

  test("let in as many changes as they have room for", async () => {
    const id = await quota({ limit: 5 });
    const ids = await Promise.all(Array.from({ length: 30 }, () => create({})));
    const answers = await Promise.all(ids.map((response) => put(response, { finished: true, ...red }).expect(200)));
    expect(answers.filter(({ body }) => !body.data.quotaFull)).toHaveLength(5);
    expect((await linksOf(id)).filter(({ status }) => status === "screenedIn")).toHaveLength(5);
  });

  test("answer a request that is sent again as before, and count it once", async () => {
    const id = await quota({ limit: 1, endingCardId: "cend" });
    const body = { displayId, finished: true, ...red };
    const first = await answer(body);
    expect(first.quotaFull).toBe(false);
    expect(await answer(body)).toEqual(first);
    const other = { ...body, finished: false, displayId: await makeDisplay(server, { environmentId, surveyId }) };
    const full = await answer(other);
    expect(full.quotaFull).toBe(true);
    expect(await answer(other)).toEqual(full);
    expect(await linksOf(id)).toHaveLength(2);
  });
});
