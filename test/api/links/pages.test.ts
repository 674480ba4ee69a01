import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createContactLinkTokens } from "../../../src/contact-links/token.ts";
import { createSingleUseLinks } from "../../../src/responses/single-use.ts";
import { createGateTokens } from "../../../src/responses/tokens.ts";
import { newId } from "../../../src/shared/ids.ts";
import { buildContact, buildSurvey, buildTenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

const encryptionKey = "an encryption key for tests only, 0123456789";
const DAY_MS = 86_400_000;

let server: TestServer;
let environmentId: string;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  ({ environmentId } = await buildTenant(server.db));
});

const link = async (document: object = {}, survey: { type?: "link" | "app"; status?: "draft" | "paused" | "completed" } = {}) =>
  (await buildSurvey(server.db, { environmentId, type: "link", document: JSON.parse(JSON.stringify(document)), ...survey })).id;
const dataOf = (html: string) =>
  JSON.parse(/<script type="application\/json" id="mortar-link">(.*?)<\/script>/s.exec(html)?.[1] ?? "null");
const respond = (body: object) =>
  server.request.post(`/api/v2/client/${environmentId}/responses`).send({ data: {}, finished: true, ...body });

describe("GET /s/{surveyId}", () => {
  it("answers 200 with a page that loads nothing from elsewhere, is framed by nobody else and is found by no search", async () => {
    const id = await link({
      metadata: { title: { default: "Your <visit>" }, description: { default: "Two minutes" } },
      welcomeCard: { enabled: true, headline: { default: "</script><script>alert(1)</script>" } },
    });
    const { text, headers } = await server.request.get(`/s/${id}`).expect(200).expect("content-type", "text/html; charset=utf-8");
    const policy = String(headers["content-security-policy"]);
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
    expect(policy).toBe(
      `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src 'self' data:; media-src 'self'; ` +
        "font-src 'self'; connect-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
    );
    expect(headers).toMatchObject({
      "cache-control": "private, no-store",
      "referrer-policy": "no-referrer",
      "x-robots-tag": "noindex, nofollow",
      "x-content-type-options": "nosniff",
      "x-frame-options": "SAMEORIGIN",
    });
    expect(text).toContain("<title>Your &lt;visit&gt;</title>");
    expect(text).toContain('<meta property="og:description" content="Two minutes">');
    expect(text.match(/<script/g)).toHaveLength(3);
    expect(dataOf(text)).toMatchObject({ survey: { id }, environmentId, languageCode: "default", contactId: null });
    const again = await server.request.get(`/s/${id}`);
    expect(again.headers["content-security-policy"]).not.toBe(policy);
  });

  it("lets any page frame it when it is to be embedded, and loads pictures from where the survey has them", async () => {
    const image = "https://pictures.acme.test/1.png";
    const id = await link({ blocks: [{ id: "b1", elements: [{ id: "q1", type: "openText", imageUrl: image }] }] });
    const { headers } = await server.request.get(`/s/${id}?embed=true`).expect(200);
    expect(headers["content-security-policy"]).toContain("img-src 'self' data: https://pictures.acme.test;");
    expect(headers["content-security-policy"]).toContain("frame-ancestors *");
    expect(headers).not.toHaveProperty("x-frame-options");
  });

  it("lets no picture's address add a rule to the policy", async () => {
    const elements = ["https://a;script-src-elem", "https://evil.test/1.png", "https://b,c.test/2.png"].map((imageUrl, at) => ({
      ...{ id: `q${at}`, type: "openText", imageUrl },
    }));
    const { headers } = await server.request.get(`/s/${await link({ blocks: [{ id: "b1", elements }] })}`).expect(200);
    expect(headers["content-security-policy"]).toContain(
      "img-src 'self' data: https://evil.test; media-src 'self' https://evil.test;",
    );
  });

  it("answers 404 for an unknown survey, a draft, an app survey and an archived one", async () => {
    const archived = await link();
    await server.db.prisma.survey.updateMany({ where: { id: archived }, data: { archivedAt: new Date() } });
    for (const id of [newId(), await link({}, { status: "draft" }), await link({}, { type: "app" }), archived, "%00"])
      expect((await server.request.get(`/s/${id}`)).status).toBe(404);
  });

  it("says of a survey that is paused or completed that it is, in the survey's own words if it has some", async () => {
    const paused = await server.request.get(`/s/${await link({}, { status: "paused" })}`).expect(200);
    expect(paused.text).toContain("This survey is paused");
    expect(dataOf(paused.text)).toBeNull();
    const words = { surveyClosedMessage: { enabled: true, heading: "Too late & over", subheading: "See you next year" } };
    const completed = await server.request.get(`/s/${await link(words, { status: "completed" })}`).expect(200);
    expect(completed.text).toContain("<h1>Too late &amp; over</h1><p>See you next year</p>");
  });

  it("finds the language by its code or alias, else takes the survey's own", async () => {
    const id = await link();
    const language = await server.db.prisma.language.create({
      data: { id: newId(), environmentId, code: "de-DE", alias: "deutsch" },
    });
    await server.db.prisma.surveyLanguage.create({
      data: { environmentId, surveyId: id, languageId: language.id, default: false, enabled: true },
    });
    const codes = await Promise.all(
      ["de-de", "Deutsch", "de", "fr"].map(
        async (lang) => dataOf((await server.request.get(`/s/${id}?lang=${lang}`)).text).languageCode,
      ),
    );
    expect(codes).toEqual(["de-DE", "de-DE", "de-DE", "default"]);
  });

  it("speaks the language the survey is shown in, also where the survey is not shown", async () => {
    const id = await link({ pin: "4711" });
    for (const [code, isDefault] of [
      ["sv-SE", true],
      ["ar-EG", false],
    ] as const) {
      const { id: languageId } = await server.db.prisma.language.create({ data: { id: newId(), environmentId, code } });
      await server.db.prisma.surveyLanguage.create({
        data: { environmentId, surveyId: id, languageId, default: isDefault, enabled: true },
      });
    }
    const german = { "accept-language": "de" }; // what the survey is in counts for more
    const { text: swedish } = await server.request.get(`/s/${id}`).set(german).expect(200);
    expect(swedish).toContain('<html lang="sv-SE" dir="ltr">');
    expect(swedish).toContain("<button>Fortsätt</button>");
    const arabic = await server.request.post(`/s/${id}?lang=ar`).set(german).send("pin=1234").expect(403);
    expect(arabic.text).toContain('<html lang="ar-EG" dir="rtl">');
    expect(arabic.text).toContain("ليس هذا رمز PIN الخاص بهذا الاستبيان.");
    await server.db.prisma.survey.updateMany({ where: { id }, data: { status: "completed" } });
    const { text: closed } = await server.request.get(`/s/${id}?lang=ar-EG`).expect(200);
    expect(closed).toContain("<h1>هذا الاستبيان مغلق</h1>");
  });

  it.each([
    ["", "fr;q=0.3, de-AT, *;q=0.1", "de-AT", "Diese Umfrage gibt es nicht"],
    ["?lang=zh-TW", "de", "zh-TW", "此問卷不存在"],
    ["", 'da, "><b>, xx;q=0', "en", "This survey does not exist"],
  ])("speaks one that the browser asks for where there is no survey: %s %s", async (query, asked, tag, heading) => {
    const { text } = await server.request.get(`/s/${newId()}${query}`).set("accept-language", asked).expect(404);
    expect(text).toContain(`<html lang="${tag}" dir="ltr">`);
    expect(text).toContain(`<h1>${heading}</h1>`);
  });

  describe("of a survey for single use", () => {
    const links = createSingleUseLinks({ encryptionKey });

    it.each([true, false])("is shown for a link that we made, once (encrypted: %s)", async (isEncrypted) => {
      const id = await link({ singleUse: { enabled: true, isEncrypted } });
      const query = new URLSearchParams(links.buildQuery(id, "once", isEncrypted));
      const url = `${server.baseUrl}/s/${id}?${query}`;
      const { text } = await server.request.get(`/s/${id}?${query}`).expect(200);
      expect(dataOf(text)).toMatchObject({ singleUseId: "once", responseId: null });
      const answer = { surveyId: id, singleUseId: "once", meta: { url } };
      const answers = await Promise.all([1, 2, 3].map((n) => respond({ ...answer, ttc: { n } })));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
      const used = await server.request.get(`/s/${id}?${query}`).expect(410);
      expect(used.text).toContain("This link was used already");
    });

    it("goes on with the response that it was begun with", async () => {
      const id = await link({ singleUse: { enabled: true, isEncrypted: true } });
      const query = new URLSearchParams(links.buildQuery(id, "once", true));
      const url = `${server.baseUrl}/s/${id}?${query}`;
      const { body } = await respond({ surveyId: id, singleUseId: "once", finished: false, meta: { url } }).expect(200);
      const { text } = await server.request.get(`/s/${id}?${query}`).expect(200);
      expect(dataOf(text).responseId).toBe(body.data.id);
    });

    it("answers 403 without an id, with another survey's and with one that was altered", async () => {
      const id = await link({ singleUse: { enabled: true, isEncrypted: true, heading: "No", subheading: "Not like this" } });
      const foreign = links.buildQuery(newId(), "once", true).suId;
      for (const query of ["", `?suId=${foreign}`, "?suId=once", "?suId="]) {
        const { text } = await server.request.get(`/s/${id}${query}`).expect(403);
        expect(text).toContain("<h1>No</h1><p>Not like this</p>");
      }
    });
  });

  it("answers 501 where an address must be verified, for there is no mail, unless the link verifies it", async () => {
    const id = await link({ isVerifyEmailEnabled: true });
    await server.request.get(`/s/${id}`).expect(501);
    const verify = createGateTokens({ encryptionKey, now: Date.now }).issueEmail(id, "ida@acme.test");
    await server.request.get(`/s/${id}?verify=${verify}`).expect(200);
    await server.request.get(`/s/${id}?verify=${verify}x`).expect(501);
  });

  it("asks for the PIN, and shows the survey to who has it", async () => {
    const id = await link({ pin: "4711", blocks: [{ id: "b1", elements: [{ id: "secret", type: "openText" }] }] });
    const asked = await server.request.get(`/s/${id}`).expect(200);
    expect(asked.text).toContain('inputmode="numeric"');
    expect(asked.text).not.toContain("secret");
    const wrong = await server.request.post(`/s/${id}`).type("form").send({ pin: "4712" }).expect(403);
    expect(wrong.text).toContain("That is not the PIN");
    const right = await server.request.post(`/s/${id}`).type("form").send({ pin: "4711" }).expect(200);
    const { pinAuthToken } = dataOf(right.text);
    await respond({ surveyId: id, pinAuthToken: null }).expect(403);
    await respond({ surveyId: id, pinAuthToken }).expect(200);
  });

  it("answers another method 405, a slash at the end 308, and a body that is no form as a wrong PIN", async () => {
    await server.request.put(`/s/${newId()}`).expect(405);
    await server.request.get("/s/abc/").expect(308).expect("location", "/s/abc");
    await server.request
      .post(`/s/${await link({ pin: "4711" })}`)
      .send({ pin: "4711" })
      .expect(403);
  });

  it("answers what cannot be read with a page too", async () => {
    const { text } = await server.request.post(`/s/${newId()}`).type("form").send("x".repeat(2_000)).expect(413);
    expect(text).toContain("<h1>This page cannot be shown</h1>");
  });
});

describe("GET /c/{token}", () => {
  const tokensAt = (now: number) => createContactLinkTokens({ encryptionKey, now: () => now });

  it("shows the survey to its contact, whose response is theirs, until they have answered", async () => {
    const surveyId = await link();
    const contact = await buildContact(server.db, { environmentId, userId: "ida" });
    const token = tokensAt(Date.now()).issue({ contactId: contact.id, surveyId }, null);
    const { text } = await server.request.get(`/c/${token}`).expect(200);
    const { contactId } = dataOf(text);
    expect(contactId).toBe(contact.id);
    await respond({ surveyId, contactId }).expect(200);
    const answered = await server.request.get(`/c/${token}`).expect(410);
    expect(answered.text).toContain("You have answered already");
  });

  it("answers 410 when it has expired, and 404 when it was altered or the contact or the survey is gone", async () => {
    const surveyId = await link();
    const contact = await buildContact(server.db, { environmentId });
    const subject = { contactId: contact.id, surveyId };
    const expired = tokensAt(Date.now() - 2 * DAY_MS).issue(subject, new Date(Date.now() - DAY_MS));
    expect((await server.request.get(`/c/${expired}`).expect(410)).text).toContain("This link has expired");
    const token = tokensAt(Date.now()).issue(subject, null);
    await server.request.get(`/c/${token}x`).expect(404);
    await server.request.get(`/c/${tokensAt(Date.now()).issue({ ...subject, surveyId: newId() }, null)}`).expect(404);
    await server.db.prisma.contact.deleteMany({ where: { id: contact.id } });
    await server.request.get(`/c/${token}`).expect(404);
  });

  it("leads to the contact that took its own over", async () => {
    const surveyId = await link();
    const contact = await buildContact(server.db, { environmentId, userId: "kept" });
    const merged = { contactId: newId(), surveyId };
    await server.db.prisma.contactAlias.create({
      data: { environmentId, id: merged.contactId, contactId: contact.id, visitorId: randomUUID() },
    });
    const token = tokensAt(Date.now()).issue(merged, null);
    const { contactId } = dataOf((await server.request.get(`/c/${token}`).expect(200)).text);
    await respond({ surveyId, contactId }).expect(200);
    await server.request.get(`/c/${token}`).expect(410);
  });

  it("takes the single-use id that it was made with", async () => {
    const { apiKey, environmentId: home } = await buildTenant(server.db);
    environmentId = home;
    const surveyId = await link({ singleUse: { enabled: true, isEncrypted: true } });
    const contact = await buildContact(server.db, { environmentId });
    const { body } = await server.request
      .get(`/api/v2/management/surveys/${surveyId}/contact-links/contacts/${contact.id}`)
      .set("x-api-key", apiKey)
      .expect(200);
    const { pathname, search } = new URL(body.data.surveyUrl);
    const { text } = await server.request.get(pathname + search).expect(200);
    expect(dataOf(text)).toMatchObject({ contactId: contact.id, singleUseId: expect.any(String) });
    await server.request.get(pathname).expect(403);
  });
});
