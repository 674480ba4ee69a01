import { describe, expect, it } from "vitest";
import type { ResponseUpdate } from "./response-queue.ts";
import { createResponseSender } from "./response-sender.ts";
import type { Reply, SurveyApi } from "./survey-api.ts";

const update = (data: ResponseUpdate["data"], finished = false): ResponseUpdate => ({ finished, data, ttc: {}, variables: {} });
const ok = (data: object): Reply => ({ status: 200, body: { data } });
const refusal = (status: number, body: object = {}): Reply => ({ status, body: { ...body } });

function startSender(
  replies: Reply[],
  { display = ok({ id: "d1" }), token = null }: { display?: Reply; token?: string | null } = {},
) {
  const requests: [string, unknown][] = [];
  const answer = (name: string, body: object) => {
    requests.push([name, body]);
    return Promise.resolve(replies.shift() ?? null);
  };
  const api: SurveyApi = {
    createDisplay: async () => display,
    createResponse: (body) => answer("POST", body),
    updateResponse: (id, body) => answer(`PUT ${id}`, body),
    requestUpload: async () => null,
  };
  const sender = createResponseSender({
    api,
    display: { surveyId: "s" },
    response: { surveyId: "s", contactId: "k" },
    pinAuthToken: null,
    getRecaptchaToken: async () => token,
  });
  return { sender, requests };
}

const created = ok({ id: "r1", quotaFull: false });
const acceptedAs = (responseId: string | null, endedByQuota: object | null = null) => ({
  outcome: "accepted",
  accepted: { responseId, endedByQuota },
});

describe("createResponseSender", () => {
  it("makes a response with the display's id, and changes it from then on", async () => {
    const { sender, requests } = startSender([created, ok({ id: "r1", quotaFull: false })], { token: "human" });
    expect(await sender.display()).toBe(true);
    expect(await sender.send(update({ a: "1" }))).toEqual(acceptedAs("r1"));
    await sender.send(update({ b: "2" }, true));
    expect(requests).toEqual([
      [
        "POST",
        { surveyId: "s", contactId: "k", displayId: "d1", pinAuthToken: null, recaptchaToken: "human", ...update({ a: "1" }) },
      ],
      ["PUT r1", { ...update({ b: "2" }, true), pinAuthToken: null }],
    ]);
  });

  it("goes on without a display that was refused", async () => {
    const { sender, requests } = startSender([created], { display: refusal(403) });
    expect(await sender.display()).toBe(false);
    await sender.send(update({ a: "1" }));
    expect(requests[0]?.[1]).toMatchObject({ displayId: null });
  });

  it.each([null, ...[401, 404, 408, 425, 429, 500, 503].map((status) => refusal(status))])(
    "may try again after %j",
    async (reply) => {
      const { sender } = startSender([reply]);
      expect(await sender.send(update({ a: "1" }))).toEqual({ outcome: "retry" });
    },
  );

  it.each([
    [refusal(400), "other"],
    [refusal(403), "other"],
    [refusal(400, { details: { code: "recaptcha_verification_failed" } }), "recaptcha"],
    [refusal(409), "finished"],
    [refusal(400, { details: { code: "response_already_finished" } }), "finished"],
    [refusal(400, { message: "Response is already finished" }), "finished"],
  ])("takes %j as final: %s", async (reply, reason) => {
    const { sender } = startSender([reply]);
    expect(await sender.send(update({ a: "1" }))).toEqual({ outcome: "refused", reason });
  });

  it("takes a finish that is finished already as accepted: the first answer was lost", async () => {
    const { sender } = startSender([created, null, refusal(400, { details: { code: "response_already_finished" } })]);
    await sender.send(update({ a: "1" }));
    const last = update({ b: "2" }, true);
    expect([await sender.send(last), await sender.send(last)]).toEqual([{ outcome: "retry" }, acceptedAs(null)]);
  });

  it("makes a response anew when a change that went unanswered finds it gone", async () => {
    const { sender, requests } = startSender([created, null, refusal(404), ok({ id: "r2" })]);
    await sender.send(update({ a: "1" }));
    const change = update({ b: "2" });
    await sender.send(change);
    expect(await sender.send(change)).toEqual(acceptedAs("r2"));
    expect(requests.at(-1)).toMatchObject(["POST", { data: { a: "1", b: "2" } }]);
  });

  it("tells the ending of a quota that is full and ends the survey", async () => {
    const full = (action: string) => ok({ id: "r1", quotaFull: true, quota: { id: "q", action, endingCardId: "e2" } });
    const { sender } = startSender([full("endSurvey")]);
    expect(await sender.send(update({}))).toEqual(acceptedAs("r1", { endingId: "e2" }));
    const other = startSender([full("continueSurvey")]);
    expect(await other.sender.send(update({}))).toEqual(acceptedAs("r1"));
  });
});
