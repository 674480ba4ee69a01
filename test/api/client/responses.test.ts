import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createSingleUseLinks } from "../../../src/responses/single-use.ts";
import { createGateTokens } from "../../../src/responses/tokens.ts";
import { newId } from "../../../src/shared/ids.ts";
import { buildContact, buildSurvey, buildTenant, buildWebhook, type Tenant } from "../../support/build.ts";
import { ANSWERABLE, makeDisplay, readOutbox, readResponses } from "../../support/responses.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const INCORRECT = "Fields are missing or incorrectly formatted";
const KEY = "an encryption key for tests only, 0123456789";
const tokens = createGateTokens({ encryptionKey: KEY, now: Date.now });
const links = createSingleUseLinks({ encryptionKey: KEY });

let server: TestServer;
let tenant: Tenant;
let environmentId: string;
let surveyId: string;

beforeAll(async () => {
  server = await startTestServer({ RECAPTCHA_SITE_KEY: "site", RECAPTCHA_SECRET_KEY: "secret" });
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
  await buildWebhook(server.db, { ...tenant, triggers: ["responseCreated", "responseUpdated", "responseFinished"] });
  ({ environmentId } = tenant);
  ({ id: surveyId } = await buildSurvey(server.db, { environmentId, document: ANSWERABLE }));
});

const path = (version: string, id = environmentId) => `/api/${version}/client/${id}/responses`;

/** A response of the test's survey; `body` may replace any of its members. */
const post = (body: object = {}, { version = "v2", id = environmentId } = {}) =>
  server.request.post(path(version, id)).send({ surveyId, finished: false, data: {}, ...body });

const put = (id: string, body: unknown, { version = "v1", environment = environmentId } = {}) =>
  server.request.put(`${path(version, environment)}/${id}`).send(body as object);

const create = async (body?: object): Promise<string> => (await post(body).expect(200)).body.data.id;
const stored = () => readResponses(server, environmentId);
const surveyWith = async (survey: Omit<Parameters<typeof buildSurvey>[1], "environmentId">) =>
  (await buildSurvey(server.db, { environmentId, ...survey })).id;

describe.each(["v1", "v2"])("POST /api/%s/client/{environmentId}/responses", (version) => {
  const raw = (text: string, id = environmentId) =>
    server.request.post(path(version, id)).set("content-type", "text/plain").send(text);

  test("stores a response of nobody and answers 200", async () => {
    const { body, headers } = await post(
      {
        finished: true,
        data: { q1: "Great", plan: "pro", many: ["a", "b"], grid: { row: "1" }, score: 4 },
        variables: { score: 3, label: "x" },
        ttc: { q1: 1200, long: 90_000_000, back: -5 },
        language: "de",
        endingId: "cending",
        meta: { source: "test", url: "https://app.example/x", action: "click", country: "XX", ipAddress: "1.2.3.4", other: 1 },
        createdAt: "2020-01-01",
      },
      { version },
    )
      .set(
        "user-agent",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
      )
      .set("cf-ipcountry", "DE")
      .expect(200);
    expect(body).toEqual({ data: { id: ID, quotaFull: false } });
    expect(headers["cache-control"]).toBe("private, no-store");
    const [row] = await stored();
    expect(row).toMatchObject({
      id: body.data.id,
      surveyId,
      contactId: null,
      displayId: null,
      finished: true,
      endingId: "cending",
      language: "de-DE",
      data: { q1: "Great", plan: "pro", many: ["a", "b"], grid: { row: "1" }, score: 4 },
      variables: { score: 3, label: "x" },
      ttc: { q1: 1200, long: 86_400_000, back: 0, _total: 86_401_200 },
      contactAttributes: null,
      singleUseId: null,
    });
    expect(row?.meta).toEqual({
      source: "test",
      url: "https://app.example/x",
      action: "click",
      userAgent: { browser: "Chrome", os: "macOS", device: "desktop" },
      country: "DE",
    });
    expect(Date.now() - (row?.createdAt.getTime() ?? 0)).toBeLessThan(60_000);
  });

  test("captures the address only where the survey does", async () => {
    const capturing = await surveyWith({ document: { isCaptureIpEnabled: true } });
    await post({ surveyId: capturing, meta: { ipAddress: "1.2.3.4" } }, { version }).expect(200);
    await post({}, { version }).expect(200);
    const metas = (await stored()).map(({ meta }) => meta);
    expect(metas).toEqual([{ ipAddress: "127.0.0.1", userAgent: { device: "desktop" } }, { userAgent: { device: "desktop" } }]);
  });

  test("knows the environment by its legacy id", async () => {
    const legacyId = `cl${environmentId.slice(2)}`;
    await server.db.prisma.environment.update({ where: { id: environmentId }, data: { legacyId } });
    await post({}, { version, id: legacyId }).expect(200);
    expect(await stored()).toHaveLength(1);
  });

  test.each([
    [{ surveyId: "Nope!" }, { surveyId: "Invalid cuid2" }],
    [{ surveyId: undefined }, { surveyId: "Invalid input: expected string, received undefined" }],
    [{ finished: "true" }, { finished: "Invalid input: expected boolean, received string" }],
    [{ data: [] }, { data: "Invalid input: expected record, received array" }],
    [{ data: { q1: null } }, { "data.q1": "Invalid input" }],
    [{ data: { q1: true } }, { "data.q1": "Invalid input" }],
    [{ data: { q1: { a: 1 } } }, { "data.q1": "Invalid input" }],
    [{ variables: [] }, { variables: "Invalid input: expected record, received array" }],
    [{ ttc: { q1: "x" } }, { "ttc.q1": "Invalid input: expected number, received string" }],
    [{ meta: "x" }, { meta: "Invalid input: expected object, received string" }],
    [{ meta: { url: 5 } }, { "meta.url": "Invalid input: expected string, received number" }],
    [{ language: null }, { language: "Invalid input: expected string, received null" }],
    [{ createdAt: "x" }, { createdAt: "Invalid input: expected date, received Date" }],
    [{ singleUseId: "s".repeat(256) }, { singleUseId: "Too big: expected string to have <=255 characters" }],
    [{ data: { q1: "a\u0000" } }, { "data.q1": "Invalid input: NUL or an unpaired surrogate" }],
    [{ data: { "q\u0000": "a" } }, { data: "Invalid input: NUL or an unpaired surrogate" }],
    [{ meta: { url: "\ud800" } }, { "meta.url": "Invalid input: NUL or an unpaired surrogate" }],
    [{ variables: { v: "\u0000" } }, { "variables.v": "Invalid input: NUL or an unpaired surrogate" }],
    [{ language: "\u0000" }, { language: "Invalid input: NUL or an unpaired surrogate" }],
    [{ endingId: "\u0000" }, { endingId: "Invalid input: NUL or an unpaired surrogate" }],
    [{ displayId: "\u0000" }, { displayId: "Invalid input: NUL or an unpaired surrogate" }],
  ])("answers 400 to %j", async (given, details) => {
    const { body } = await post(given, { version }).expect(400);
    expect(body).toEqual({ code: "bad_request", message: INCORRECT, details });
    expect(await stored()).toEqual([]);
  });

  test("takes any JSON but an object for an empty object", async () => {
    for (const text of ["null", '"x"', "[]"])
      expect((await raw(text).expect(400)).body.details).toEqual({
        surveyId: "Invalid input: expected string, received undefined",
        finished: "Invalid input: expected boolean, received undefined",
        data: "Invalid input: expected record, received undefined",
      });
  });

  test("answers 400 to what is not JSON, in v1 before the environment is looked for", async () => {
    const message = version === "v1" ? "Malformed JSON input, please check your request body" : "Invalid JSON in request body";
    const { body } = await raw("{").expect(400);
    expect(body).toEqual({ code: "bad_request", message, details: { error: expect.any(String) } });
    await raw("").expect(400);
    await raw("{", newId()).expect(version === "v1" ? 400 : 404);
  });

  test("answers 413 to a body over 2 MiB", async () => {
    await raw("x".repeat(2_097_153)).expect(413);
  });

  test("takes ten thousand answers", async () => {
    const data = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`q${index}`, `answer ${index}`]));
    await post({ data }, { version }).expect(200);
    expect(Object.keys((await stored())[0]?.data as object)).toHaveLength(10_000);
  });

  test.each([newId(), "Not-A-Cuid", "%00"])("answers 404 to the environment %s", async (id) => {
    expect((await post({}, { version, id }).expect(404)).body).toEqual({
      code: "not_found",
      message: "Workspace not found",
      details: { resource_id: decodeURIComponent(id), resource_type: "Workspace" },
    });
  });

  test("answers 404 to a survey that is not there and 400 to another environment's", async () => {
    const unknown = newId();
    expect((await post({ surveyId: unknown }, { version }).expect(404)).body).toEqual({
      code: "not_found",
      message: "Survey not found",
      details: { resource_id: unknown, resource_type: "Survey" },
    });
    const other = await buildTenant(server.db);
    for (const owner of [other.environmentId, tenant.developmentId]) {
      const { id } = await buildSurvey(server.db, { environmentId: owner });
      expect((await post({ surveyId: id }, { version }).expect(400)).body).toEqual({
        code: "bad_request",
        message: "Survey is part of another workspace",
        details: { workspaceId: environmentId },
      });
    }
  });

  test.each(["draft", "paused", "completed"] as const)("answers 403 to a survey that is %s", async (status) => {
    const id = await surveyWith({ status });
    expect((await post({ surveyId: id }, { version }).expect(403)).body).toEqual({
      code: "forbidden",
      message: "Survey is not accepting submissions",
      details: { surveyId: id },
    });
  });

  test("answers 400 to answers that break the survey's rules", async () => {
    const { body } = await post({ data: { mail: "nope" } }, { version }).expect(400);
    expect(body).toEqual({
      code: "bad_request",
      message: "Validation failed",
      details: { "response.data.mail": "Please enter a valid email address" },
    });
  });

  test("answers 400 to files that were not uploaded to the element", async () => {
    for (const file of ["skipped", ["/etc/passwd"], [`/storage/${newId()}/private/surveys/${surveyId}/elements/file/a.png`]])
      expect((await post({ data: { file } }, { version }).expect(400)).body).toEqual({
        code: "bad_request",
        message: "Invalid file upload response",
        details: {},
      });
    const own = `/storage/${environmentId}/private/surveys/${surveyId}/elements/file/a--fid--1.png`;
    await post({ data: { file: [own] } }, { version }).expect(200);
  });

  test("has a length for texts of respondents' own in v2", async () => {
    const answered = await post({ data: { pick: "z".repeat(251) } }, { version });
    expect(answered.status).toBe(version === "v1" ? 200 : 400);
    if (version === "v2")
      expect(answered.body).toEqual({
        code: "bad_request",
        message: "Response exceeds character limit",
        details: { questionId: "pick" },
      });
  });

  test("OPTIONS may be cached, other methods answer 405", async () => {
    const { body, headers } = await server.request.options(path(version)).expect(200);
    expect(body).toEqual({ data: {} });
    expect(headers["cache-control"]).toBe("public, s-maxage=3600, max-age=3600");
    expect((await server.request.get(path(version)).expect(405)).text).toBe("");
  });
});

describe("the respondent", () => {
  test("is a contact whose attributes are kept as text", async () => {
    const contact = await buildContact(server.db, {
      environmentId,
      userId: "u",
      email: "u@example.com",
      attributes: { plan: "pro", seats: 3, admin: true },
    });
    await post({ contactId: contact.id }).expect(200);
    await post({ userId: "u" }, { version: "v1" }).expect(200);
    const attributes = { userId: "u", email: "u@example.com", plan: "pro", seats: "3", admin: "true" };
    expect(await stored()).toMatchObject([
      { contactId: contact.id, contactAttributes: attributes },
      { contactId: contact.id, contactAttributes: attributes },
    ]);
    const state = await server.request.post(`/api/v2/client/${environmentId}/user`).send({ userId: "u" }).expect(200);
    expect(state.body.data.state.data.responses).toEqual([surveyId, surveyId]);
  });

  test("is nobody when there is no such contact in the environment, and none is made", async () => {
    const other = await buildTenant(server.db);
    const foreign = await buildContact(server.db, { environmentId: other.environmentId, userId: "u" });
    await post({ contactId: foreign.id }).expect(200);
    await post({ contactId: null, userId: "u" }).expect(200);
    await post({ userId: "u", contactId: "ignored" }, { version: "v1" }).expect(200);
    await post({ userId: null }, { version: "v1" }).expect(200);
    expect((await stored()).map(({ contactId }) => contactId)).toEqual([null, null, null, null]);
    expect(await server.db.prisma.contact.count({ where: { environmentId } })).toBe(0);
  });

  test("is named by a well-formed id in v2", async () => {
    expect((await post({ contactId: "Nope!" }).expect(400)).body.details).toEqual({ contactId: "Invalid cuid2" });
  });
});

describe("the display of a response", () => {
  const refusal = async (displayId: string, body: object = {}) => {
    const answer = await post({ displayId, ...body }).expect(400);
    expect(answer.body).toEqual({ code: "bad_request", message: expect.any(String), details: {} });
    return answer.body.message;
  };

  test("is kept, and tells of the response", async () => {
    const displayId = await makeDisplay(server, { environmentId, surveyId });
    const id = await create({ displayId });
    expect(await stored()).toMatchObject([{ id, displayId }]);
    const { body } = await server.request.get(`/api/v1/client/${environmentId}/displays/${displayId}/response`).expect(200);
    expect(body).toEqual({ data: { responseId: id } });
  });

  test("must be one of this environment, survey and contact", async () => {
    const unknown = newId();
    expect(await refusal(unknown)).toBe(`Display ${unknown} not found`);
    const other = await buildTenant(server.db);
    const survey = await buildSurvey(server.db, { environmentId: other.environmentId });
    const foreign = await makeDisplay(server, { environmentId: other.environmentId, surveyId: survey.id });
    expect(await refusal(foreign)).toBe(`Display ${foreign} belongs to a different workspace`);
    const elsewhere = await makeDisplay(server, { environmentId, surveyId: await surveyWith({}) });
    expect(await refusal(elsewhere)).toBe(`Display ${elsewhere} is associated with a different survey`);
    const [mine, theirs] = await Promise.all(["a", "b"].map((userId) => buildContact(server.db, { environmentId, userId })));
    const display = await makeDisplay(server, { environmentId, surveyId, contactId: mine?.id ?? "" });
    for (const contactId of [theirs?.id, null, newId()])
      expect(await refusal(display, { contactId })).toBe(`Display ${display} belongs to a different contact`);
    await post({ displayId: display, contactId: mine?.id }).expect(200);
    expect(await stored()).toHaveLength(1);
  });

  test.each(["v1", "v2"])("is named by a well-formed id in %s", async (version) => {
    const { body } = await post({ displayId: "Nope!" }, { version }).expect(400);
    expect(body).toEqual({ code: "bad_request", message: "Validation failed: Invalid cuid2", details: {} });
  });
});

describe("gates", () => {
  test("a PIN asks for its token, of this survey, at every write", async () => {
    const pinned = await surveyWith({ type: "link", document: { pin: "1234" } });
    const refused = { code: "forbidden", message: "Survey is protected by a PIN", details: { surveyId: pinned } };
    for (const pinAuthToken of [undefined, null, "bad", tokens.issuePin(surveyId), tokens.issueEmail(pinned, "a@b.co")])
      expect((await post({ surveyId: pinned, pinAuthToken }).expect(403)).body).toEqual(refused);
    const pinAuthToken = tokens.issuePin(pinned);
    const id = await create({ surveyId: pinned, pinAuthToken });
    expect((await put(id, { data: { q1: "x" } }).expect(403)).body).toEqual(refused);
    await put(id, { data: { q1: "x" }, pinAuthToken }).expect(200);
  });

  test("a verified e-mail address comes from the link and cannot be set", async () => {
    const verified = await surveyWith({ type: "link", document: { isVerifyEmailEnabled: true } });
    const link = (token: string) => ({ url: `https://x.example/s/1?verify=${encodeURIComponent(token)}` });
    const forged = { surveyId: verified, data: { verifiedEmail: "forged@b.co" } };
    for (const meta of [{}, link("bad"), link(tokens.issueEmail(surveyId, "a@b.co"))])
      expect((await post({ ...forged, meta }).expect(403)).body).toEqual({
        code: "forbidden",
        message: "Survey requires email verification",
        details: { surveyId: verified },
      });
    const id = await create({ ...forged, meta: link(tokens.issueEmail(verified, "a@b.co")) });
    await put(id, { data: { q1: "x", verifiedEmail: "forged@b.co" } }).expect(200);
    expect(await stored()).toMatchObject([{ data: { q1: "x", verifiedEmail: "a@b.co" } }]);
  });

  test.each([
    ["v1", "environmentId"],
    ["v2", "workspaceId"],
  ])("a single-use link lets in one response, in %s", async (version, owner) => {
    const single = await surveyWith({ type: "link", document: { singleUse: { enabled: true, isEncrypted: false } } });
    const details = { surveyId: single, [owner]: environmentId };
    const urlOf = (id: string, isEncrypted = false) =>
      `https://x.example/?${new URLSearchParams(links.buildQuery(single, id, isEncrypted))}`;
    const send = (singleUseId: string | undefined, url?: string) =>
      post({ surveyId: single, finished: true, singleUseId, meta: url === undefined ? {} : { url } }, { version });
    const refused = async (message: string, singleUseId?: string, url?: string) =>
      expect((await send(singleUseId, url).expect(400)).body).toMatchObject({ code: "bad_request", message, details });
    await refused("Missing single use id");
    await refused("Missing or invalid URL in response metadata", "s1");
    await refused("Invalid URL in response metadata", "s1", "not a url");
    await refused("Missing single use id", "s1", "https://x.example/");
    await refused("Invalid single use id", "s2", urlOf("s1"));
    const [one, two] = await Promise.all([send("s1", urlOf("s1")), send("s1", urlOf("s1"))]);
    expect([one.status, two.status].sort()).toEqual([200, 409]);
    expect((await send("s1", urlOf("s1")).expect(409)).body).toEqual({
      code: "conflict",
      message: "Response already submitted for this single-use link",
      details: {},
    });
    expect(await stored()).toMatchObject([{ singleUseId: "s1" }]);
    const sealed = await surveyWith({ type: "link", document: { singleUse: { enabled: true, isEncrypted: true } } });
    const url = `https://x.example/?${new URLSearchParams(links.buildQuery(sealed, "s1", true))}`;
    await post({ surveyId: sealed, singleUseId: "s1", meta: { url } }, { version }).expect(200);
  });

  test("the unreadable address of a single-use link is explained in v2", async () => {
    const single = await surveyWith({ type: "link", document: { singleUse: { enabled: true, isEncrypted: false } } });
    const errorOf = async (version: string) =>
      (await post({ surveyId: single, singleUseId: "s", meta: { url: "no url" } }, { version }).expect(400)).body.details.error;
    expect([await errorOf("v1"), await errorOf("v2")]).toEqual([undefined, "Invalid URL"]);
  });

  describe("reCAPTCHA", () => {
    let guarded: string;
    const refused = (message: string) => ({
      code: "bad_request",
      message,
      details: { code: "recaptcha_verification_failed" },
    });
    beforeEach(async () => {
      guarded = await surveyWith({ document: { recaptcha: { enabled: true, threshold: 0.5 } } });
      return () => vi.unstubAllGlobals();
    });
    const googleSays = (answer: object) => {
      const fetch = vi.fn(async () => Response.json(answer));
      vi.stubGlobal("fetch", fetch);
      return fetch;
    };

    test("asks for a token", async () => {
      const fetch = googleSays({ success: true, score: 1 });
      for (const recaptchaToken of [undefined, null, ""])
        expect((await post({ surveyId: guarded, recaptchaToken }).expect(400)).body).toEqual(refused("Missing recaptcha token"));
      expect(fetch).not.toHaveBeenCalled();
    });

    test("lets humans in and nobody else", async () => {
      googleSays({ success: true, score: 0.4 });
      expect((await post({ surveyId: guarded, recaptchaToken: "t" }).expect(400)).body).toEqual(
        refused("reCAPTCHA verification failed"),
      );
      googleSays({ success: true, score: 0.5 });
      await post({ surveyId: guarded, recaptchaToken: "t" }).expect(200);
      expect(await stored()).toHaveLength(1);
    });

    test("does not spend the token of a request that is sent again", async () => {
      const displayId = await makeDisplay(server, { environmentId, surveyId: guarded });
      const fetch = googleSays({ success: true, score: 0.9 });
      const id = await create({ surveyId: guarded, displayId, recaptchaToken: "t" });
      googleSays({ success: false });
      expect(await create({ surveyId: guarded, displayId, recaptchaToken: "t" })).toBe(id);
      expect(fetch).toHaveBeenCalledTimes(1);
    });
  });
});

describe.each(["v1", "v2"])("PUT /api/%s/client/{environmentId}/responses/{responseId}", (version) => {
  const change = (id: string, body: unknown) => put(id, body, { version });

  test("merges data, variables and times, and finishes", async () => {
    const id = await create({ data: { q1: "a", plan: "pro" }, variables: { score: 1 }, ttc: { q1: 700 } });
    expect((await change(id, { data: { q1: "b", mail: "a@b.co" }, ttc: { mail: 500 } }).expect(200)).body).toEqual({
      data: { id, quotaFull: false },
    });
    await change(id, { finished: true, variables: { label: "x" }, endingId: "cend", language: "de" }).expect(200);
    expect(await stored()).toMatchObject([
      {
        finished: true,
        endingId: "cend",
        language: "de-DE",
        data: { q1: "b", mail: "a@b.co", plan: "pro" },
        variables: { score: 1, label: "x" },
        ttc: { q1: 700, mail: 500, _total: 1200 },
      },
    ]);
  });

  test("leaves what is absent, clears the ending, ignores everything else", async () => {
    const id = await create({ data: { q1: "a" }, endingId: "cend", language: "en" });
    await change(id, {}).expect(200);
    await change(id, { contactId: newId(), displayId: "x", meta: { url: "y" }, surveyId: "z" }).expect(200);
    expect(await stored()).toMatchObject([{ finished: false, endingId: "cend", language: "en-US", displayId: null }]);
    await change(id, { endingId: null }).expect(200);
    expect(await stored()).toMatchObject([{ endingId: null, data: { q1: "a" } }]);
  });

  test("answers 400 to a finished response", async () => {
    const id = await create({ finished: true });
    expect((await change(id, { finished: true, data: { q1: "again" } }).expect(400)).body).toEqual({
      code: "bad_request",
      message: "Response is already finished",
      details: { code: "response_already_finished" },
    });
  });

  test("answers 404 to a response that is not there or another environment's", async () => {
    const id = await create();
    const unknown = newId();
    expect((await change(unknown, {}).expect(404)).body).toEqual({
      code: "not_found",
      message: "Response not found",
      details: { resource_id: unknown, resource_type: "Response" },
    });
    await put(id, { data: { q1: "x" } }, { version, environment: tenant.developmentId }).expect(404);
    await put(id, {}, { version, environment: newId() }).expect(404);
    expect(await stored()).toMatchObject([{ data: {} }]);
  });

  test("answers 403 when the survey was closed meanwhile", async () => {
    const id = await create();
    await server.db.prisma.survey.updateMany({ where: { id: surveyId }, data: { status: "paused" } });
    server.services.environments.forget(environmentId);
    expect((await change(id, { finished: true }).expect(403)).body.message).toBe("Survey is not accepting submissions");
  });

  test.each([
    [{ finished: "yes" }, { finished: "Invalid input: expected boolean, received string" }],
    [{ data: "x" }, { data: "Invalid input: expected record, received string" }],
    [{ data: { q1: null } }, { "data.q1": "Invalid input" }],
    [{ language: null }, { language: "Invalid input: expected string, received null" }],
    [[], { "": "Invalid input: expected object, received array" }],
    [{ data: { q1: "\u0000" } }, { "data.q1": "Invalid input: NUL or an unpaired surrogate" }],
  ])("answers 400 to %j", async (given, details) => {
    const id = await create();
    expect((await change(id, given).expect(400)).body).toEqual({ code: "bad_request", message: INCORRECT, details });
  });

  test("answers 400 to ids that can be none, and to what is not JSON", async () => {
    for (const id of ["Not-A-Cuid", `${newId()}%20`, "%00"])
      expect((await change(id, {}).expect(400)).body).toEqual({
        code: "bad_request",
        message: "Validation failed: Invalid cuid2",
        details: {},
      });
    const url = `${path(version)}/${newId()}`;
    const { body } = await server.request.put(url).set("content-type", "text/plain").send("{").expect(400);
    expect(body).toMatchObject({ message: "Malformed JSON in request body", details: { error: expect.any(String) } });
    await server.request.put(url).send("x".repeat(2_097_153)).expect(413);
  });

  test("checks the answers with those that are stored", async () => {
    const id = await create({ data: { q1: "a" } });
    expect((await change(id, { data: { mail: "nope" } }).expect(400)).body.message).toBe("Validation failed");
    expect((await change(id, { data: { file: "skipped" } }).expect(400)).body.message).toBe("Invalid file upload response");
    await change(id, { data: { pick: "z".repeat(251) } }).expect(200);
  });

  test("has a length for texts of respondents' own in surveys of questions", async () => {
    const { blocks } = ANSWERABLE;
    const questions = await surveyWith({ document: { questions: blocks[0]?.elements ?? [] } });
    const id = await create({ surveyId: questions });
    expect((await change(id, { data: { pick: "z".repeat(251) } }).expect(400)).body).toEqual({
      code: "bad_request",
      message: "Response exceeds character limit",
      details: { questionId: "pick" },
    });
  });

  test("answers 413 when the answers that came together are over 2 MiB", async () => {
    const id = await create({ data: { a: "x".repeat(1_500_000) } });
    await change(id, { data: { b: "x".repeat(1_500_000) } }).expect(413);
  });

  test("loses no answer of changes that arrive at once", async () => {
    const id = await create();
    await Promise.all(Array.from({ length: 60 }, (_, index) => change(id, { data: { [`q${index}`]: "x" } }).expect(200)));
    expect(Object.keys((await stored())[0]?.data as object)).toHaveLength(60);
  });

  test("OPTIONS is not cached, other methods answer 405", async () => {
    const url = `${path(version)}/${newId()}`;
    const { body, headers } = await server.request.options(url).expect(200);
    expect(body).toEqual({ data: {} });
    expect(headers["cache-control"]).toBe("private, no-store");
    expect((await server.request.patch(url).send({}).expect(405)).text).toBe("");
    await server.request.get(url).expect(405);
  });
});

describe("the outbox", () => {
  test("has an event for every write, with the response as it was then", async () => {
    const contact = await buildContact(server.db, { environmentId, userId: "u", attributes: { plan: "pro" } });
    const displayId = await makeDisplay(server, { environmentId, surveyId });
    const id = await create({ contactId: contact.id, displayId, data: { q1: "a" }, variables: { v: 1 }, ttc: { q1: 5 } });
    await put(id, { finished: true, data: { q1: "b" }, language: "de" }).expect(200);
    const outbox = await readOutbox(server, environmentId);
    expect(outbox.map(({ type }) => type)).toEqual(["responseCreated", "responseUpdated", "responseFinished"]);
    const first = {
      id,
      createdAt: ISO,
      updatedAt: ISO,
      surveyId,
      displayId,
      finished: false,
      endingId: null,
      data: { q1: "a" },
      variables: { v: 1 },
      ttc: { q1: 5 },
      meta: { userAgent: { device: "desktop" } },
      contact: { id: contact.id, userId: "u" },
      contactAttributes: { userId: "u", plan: "pro" },
      singleUseId: null,
      language: null,
      tags: [],
      survey: { title: `Survey ${surveyId}`, type: "app", status: "inProgress", createdAt: ISO, updatedAt: ISO },
    };
    expect(outbox[0]?.payload).toEqual(first);
    const last = { ...first, finished: true, data: { q1: "b" }, language: "de-DE", ttc: { q1: 5, _total: 5 } };
    expect(outbox.slice(1).map(({ payload }) => payload)).toEqual([last, last]);
  });

  test("tells of a finished response of nobody in the order of what happened", async () => {
    await create({ finished: true });
    const outbox = await readOutbox(server, environmentId);
    expect(outbox.map(({ type }) => type)).toEqual(["responseCreated", "responseFinished"]);
    expect(outbox[0]?.payload).toMatchObject({ contact: null, contactAttributes: null, displayId: null });
  });

  test("has the tags of a changed response", async () => {
    const id = await create();
    const tag = await server.db.prisma.tag.create({ data: { environmentId, id: newId(), name: "vip" } });
    await server.db.prisma.responseTag.create({ data: { environmentId, responseId: id, tagId: tag.id } });
    await put(id, { data: { q1: "x" } }).expect(200);
    expect((await readOutbox(server, environmentId))[1]?.payload).toMatchObject({
      tags: [{ id: tag.id, name: "vip", createdAt: ISO, updatedAt: ISO }],
    });
  });

  test("has nothing of what was refused", async () => {
    await post({ displayId: newId() }).expect(400);
    await post({ data: { mail: "nope" } }).expect(400);
    expect(await readOutbox(server, environmentId)).toEqual([]);
  });
});

test("responses are limited per address when limits are on", async () => {
  const limited = await startTestServer({ RATE_LIMIT: true });
  let last = 0;
  for (let sent = 0; sent < 202 && last !== 429; sent++)
    last = (await limited.request.post(path("v2")).send({ surveyId, finished: false, data: {} })).status;
  await limited.close();
  expect(last).toBe(429);
});
