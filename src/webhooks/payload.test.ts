import { describe, expect, it } from "vitest";
import { buildBody, type ResponseSnapshot } from "./payload.ts";

const AT = "2026-01-12T12:00:00.000Z";
const SNAPSHOT: ResponseSnapshot = {
  id: "cresponse",
  createdAt: AT,
  updatedAt: "2026-01-12T12:00:40.000Z",
  surveyId: "csurvey",
  finished: true,
  endingId: "end1",
  data: { feel: 5, why: "Docs were clear" },
  variables: {},
  ttc: { feel: 2100, why: 5400, _total: 7500 },
  meta: { url: "https://forms.acme.test/s/csurvey", country: "NO" },
  contact: null,
  contactAttributes: null,
  singleUseId: null,
  language: "default",
  displayId: null,
  tags: [],
  survey: { title: "Onboarding pulse", type: "link", status: "inProgress", createdAt: AT, updatedAt: AT },
};
const build = (payload: Partial<ResponseSnapshot> = {}): string =>
  buildBody({
    webhookId: "chook",
    environmentId: "cenvironment",
    event: "responseFinished",
    payload: { ...SNAPSHOT, ...payload },
    publicUrl: "https://mortar.example",
  });

describe("buildBody", () => {
  it("is compact JSON in the order of the specification", () => {
    expect(build()).toBe(
      `{"webhookId":"chook","event":"responseFinished","data":{"id":"cresponse","createdAt":"${AT}","updatedAt":"2026-01-12T12:00:40.000Z","surveyId":"csurvey","finished":true,"endingId":"end1","data":{"feel":5,"why":"Docs were clear"},"variables":{},"ttc":{"feel":2100,"why":5400,"_total":7500},"meta":{"url":"https://forms.acme.test/s/csurvey","country":"NO"},"contact":null,"contactAttributes":null,"singleUseId":null,"language":"default","displayId":null,"tags":[],"survey":{"title":"Onboarding pulse","type":"link","status":"inProgress","createdAt":"${AT}","updatedAt":"${AT}"}}}`,
    );
  });

  it("leaves out a user id that the contact does not have", () => {
    const contactOf = (userId: string | null) => JSON.parse(build({ contact: { id: "c1", userId } })).data.contact;
    expect(contactOf("user-42")).toEqual({ id: "c1", userId: "user-42" });
    expect(contactOf(null)).toEqual({ id: "c1" });
  });

  it("names the environment in tags by both generations' names", () => {
    const tag = { id: "ctag", name: "vip", createdAt: AT, updatedAt: AT };
    expect(JSON.parse(build({ tags: [tag] })).data.tags).toEqual([
      { ...tag, workspaceId: "cenvironment", environmentId: "cenvironment" },
    ]);
  });

  it("makes the addresses of stored files absolute, and nothing else", () => {
    const file = "/storage/cenvironment/private/surveys/csurvey/elements/file/a b--fid--1.pdf";
    const data = {
      file: [file, "https://elsewhere.example/storage/x/private/y"],
      old: "/storage/cenvironment/public/logo.png",
      text: `see ${file}`,
      path: "/storage",
      grid: { row: file },
      score: 3,
    };
    expect(JSON.parse(build({ data })).data.data).toEqual({
      ...data,
      file: [`https://mortar.example${file}`, "https://elsewhere.example/storage/x/private/y"],
      old: "https://mortar.example/storage/cenvironment/public/logo.png",
    });
  });
});

it("tells of what is not a response as it was written down", () => {
  const payload = { id: "ccontact", userId: "user-42", email: null, deletedAt: AT };
  const content = { webhookId: "chook", environmentId: "cenvironment", publicUrl: "https://mortar.example" };
  expect(buildBody({ ...content, event: "contactDeleted", payload })).toBe(
    `{"webhookId":"chook","event":"contactDeleted","data":{"id":"ccontact","userId":"user-42","email":null,"deletedAt":"${AT}"}}`,
  );
});
