/** What the playground asks of the management APIs, with its visitor's key. */
import { isRecord } from "../../responses/answer-values.ts";

export interface Environment {
  id: string;
  name: string;
}

export interface Membership {
  id: string;
  title: string;
  isIn: boolean;
  /** The filter that settled it, in words. */
  reason: string;
}

export interface Answer {
  id: string;
  surveyId: string;
  createdAt: string;
  finished: boolean;
  data: Readonly<Record<string, unknown>>;
}

export type Server = ReturnType<typeof createServerApi>;

type Json = Readonly<Record<string, unknown>>;

/** Its functions throw an Error with the server's own words. */
export function createServerApi({ apiKey, fetch }: { apiKey: string; fetch: typeof globalThis.fetch }) {
  return { listEnvironments, listSurveys, listActions, explainSegments, listAnswers, createSample };

  async function listEnvironments(): Promise<Environment[]> {
    const { environmentPermissions } = recordOf(await get("/api/v2/me"));
    return records(environmentPermissions).map((grant) => ({
      id: text(grant.environmentId),
      name: [grant.projectName, grant.environmentType].map(text).filter(Boolean).join(", "),
    }));
  }

  /** Survey id → name. */
  async function listSurveys(environmentId: string): Promise<Map<string, string>> {
    const surveys = records(await get(`/api/v1/management/surveys?environmentId=${environmentId}`));
    return new Map(surveys.map(({ id, name }) => [text(id), text(name)]));
  }

  /** The code actions that an app may report. */
  async function listActions(environmentId: string): Promise<{ key: string; name: string }[]> {
    const classes = records(await get(`/api/v1/management/action-classes?environmentId=${environmentId}`));
    return classes
      .filter((actionClass) => actionClass.type === "code" && actionClass.environmentId === environmentId)
      .map(({ key, name }) => ({ key: text(key), name: text(name) }));
  }

  async function explainSegments(environmentId: string, userId: string): Promise<Membership[]> {
    const segments = records(await get(`/api/v2/management/segments?environmentId=${environmentId}&limit=100`));
    return await Promise.all(
      segments.map(async ({ id, title, filters }) => {
        const query = `userId=${encodeURIComponent(userId)}&device=desktop`;
        const { matches, decidedBy } = recordOf(await get(`/api/v2/management/segments/${text(id)}/explain?${query}`));
        const isForAll = !Array.isArray(filters) || filters.length === 0;
        return {
          id: text(id),
          title: text(title),
          isIn: matches === true,
          reason: isForAll ? "It has no filters: everybody is in it." : reasonOf(decidedBy),
        };
      }),
    );
  }

  /** Newest first. */
  async function listAnswers(contactId: string): Promise<Answer[]> {
    const query = `contactId=${encodeURIComponent(contactId)}&limit=20`;
    return records(await get(`/api/v2/management/responses?${query}`)).map(({ id, surveyId, createdAt, finished, data }) => ({
      id: text(id),
      surveyId: text(surveyId),
      createdAt: text(createdAt),
      finished: finished === true,
      data: recordOf(data),
    }));
  }

  /** An action, a segment of who is on the plan `pro`, and a survey that the action shows to them. */
  async function createSample(environmentId: string): Promise<void> {
    const stamp = new Date().toISOString().slice(11, 19);
    const action = recordOf(
      await post("/api/v1/management/action-classes", {
        ...{ environmentId, name: `Checkout done (${stamp})`, type: "code", key: `checkout-${stamp}` },
      }),
    );
    const resource = {
      ...{ id: "resource1", root: { type: "attribute", contactAttributeKey: "plan" } },
      ...{ qualifier: { operator: "equals" }, value: "pro" },
    };
    const segment = recordOf(
      await post("/api/v2/management/segments", {
        ...{ environmentId, title: `Pro plan (${stamp})`, filters: [{ id: "filter1", connector: null, resource }] },
      }),
    );
    await post("/api/v1/management/surveys", {
      ...{ environmentId, name: `After the checkout (${stamp})`, type: "app", status: "inProgress", recontactDays: 0 },
      ...{ displayOption: "respondMultiple", triggers: [{ actionClass: { id: action.id } }], segment: { id: segment.id } },
      questions: [
        {
          ...{ id: "again", type: "rating", headline: { default: "How was the checkout?" }, required: true },
          ...{ scale: "smiley", range: 5, lowerLabel: { default: "Painful" }, upperLabel: { default: "A pleasure" } },
        },
        { id: "why", type: "openText", headline: { default: "What could be better?" }, required: false },
      ],
    });
  }

  function get(path: string): Promise<unknown> {
    return call(path, {});
  }

  function post(path: string, body: object): Promise<unknown> {
    return call(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  }

  async function call(path: string, request: RequestInit): Promise<unknown> {
    const answer = await fetch(path, { ...request, headers: { ...request.headers, "x-api-key": apiKey } });
    const body: unknown = await answer.json().catch(() => null);
    if (!answer.ok) throw new Error(problemOf(body) || `The server answered ${answer.status}`);
    return recordOf(body).data;
  }
}

function problemOf(body: unknown): string {
  const { message, error } = recordOf(body);
  return text(message) || text(recordOf(error).message);
}

const ROOTS: Readonly<Record<string, string>> = { device: "the device", surveyInteraction: "surveys", person: "", attribute: "" };

/** `plan equals "pro": it is "free"`. */
function reasonOf(leaf: unknown): string {
  const { root, about, operator, value, contactValue, segment } = recordOf(leaf);
  if (typeof operator !== "string") return "";
  const nested = reasonOf(recordOf(segment).decidedBy);
  if (nested !== "") return nested;
  const subject = [ROOTS[text(root)] ?? text(root), text(about)].filter(Boolean).join(" ");
  const verb = operator.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const wanted = value === undefined || value === "" || isRecord(value) ? "" : ` ${JSON.stringify(value)}`;
  return `${subject} ${verb}${wanted}: it is ${contactValue === null || contactValue === undefined ? "not set" : JSON.stringify(contactValue)}`;
}

const recordOf = (value: unknown): Json => (isRecord(value) ? value : {});
const records = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
