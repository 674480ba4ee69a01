/**
 * Every operation that Formbricks publishes exists here, under its path, with its success status and every member of its
 * answer, and takes the body that is published for it, or stands below with a reason. `operations.json` was distilled from the published documents (run-distil.ts).
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../support/server.ts";
import { type Distilled, distil, pathsOf, type Shape } from "./distil.ts";
import published from "./operations.json" with { type: "json" };

const documents: Record<string, Distilled[]> = JSON.parse(JSON.stringify(published));

/** Where the published document is known to be wrong about the server it describes, or we differ on purpose. */
const RESPONSE_OF_2023 = {
  reason: "From before people were called contacts; `contact` and `contactAttributes` took their place",
  without: ["data.person", "data.personAttributes", "data[].person", "data[].personAttributes"],
};
const SURVEY_OF_2023 = {
  reason: "Products became projects and then workspaces: `projectOverwrites` and `workspaceOverwrites` are sent",
  without: ["data.productOverwrites", "data[].productOverwrites"],
};
const ANSWERS_200 = { reason: "The server answers 200", status: "200" };

const CORRECTIONS: Record<string, Correction> = {
  "get /api/v1/client/{}/environment": {
    reason: "The server sends the state one level deeper, in `data.data`",
    without: ["data.actionClasses", "data.project", "data.surveys"],
  },
  "get /api/v1/management/me": {
    reason: "The document also lists the members of v2's body",
    without: ["environmentPermissions", "organizationAccess", "organizationId"],
  },
  "get /api/v1/management/responses": RESPONSE_OF_2023,
  "post /api/v1/management/responses": RESPONSE_OF_2023,
  "get /api/v1/management/responses/{}": RESPONSE_OF_2023,
  "put /api/v1/management/responses/{}": RESPONSE_OF_2023,
  "delete /api/v1/management/responses/{}": RESPONSE_OF_2023,
  "get /api/v1/management/surveys": SURVEY_OF_2023,
  "post /api/v1/management/surveys": SURVEY_OF_2023,
  "get /api/v1/management/surveys/{}": SURVEY_OF_2023,
  "put /api/v1/management/surveys/{}": SURVEY_OF_2023,
  "delete /api/v1/management/surveys/{}": SURVEY_OF_2023,
  "post /api/v2/client/{}/responses": { reason: "The server answers 200 with `data.id`", status: "200", without: ["responseId"] },
  "post /api/v2/client/{}/displays": { reason: "The server answers 200 with `data.id`", status: "200", without: ["displayId"] },
  "post /api/v2/organizations/{}/project-teams": ANSWERS_200,
  "post /api/v2/organizations/{}/workspace-teams": ANSWERS_200,
  "get /api/v2/client/{}/identify/contacts/{}": {
    reason: "The document draws a state around the members, which the server sends bare",
    without: ["state"],
  },
  "get /api/v2/client/{}/environment": {
    reason: "The document draws what is stored; the server sends the state in `data.data`",
    without: ["environmentId", "workspaceId", "state"],
  },
  "post /api/v2/client/{}/user": {
    reason: "The document draws what is stored; the server sends `data.state.data`",
    without: ["userId", "state (string, object)"],
  },
  "get /api/v2/me": {
    reason: "The server's names are `environmentPermissions` and `workspacePermissions`",
    without: ["environments", "workspaces"],
  },
  "get /api/v2/management/responses": { reason: "The server sends this one list without `meta`", without: ["meta"] },
  "put /api/v2/management/contacts/bulk": {
    reason: "The server names skipped contacts in `data.meta.skippedContacts`",
    without: ["data.skippedContacts"],
  },
};

interface Correction {
  reason: string;
  /** The success status in place of the published one. */
  status?: string;
  /** Members that are not sent. */
  without?: string[];
}

/** The same of what requests bring. */
const NEW_RESPONSE = { reason: "The server needs `data` and `finished` as well", needed: ["data", "finished"] };
const STAYS = "The server takes no notice of it: what it is named for, and where it is, cannot be changed";

const BODY_CORRECTIONS: Record<string, BodyCorrection> = {
  "post /api/v1/client/{}/responses": NEW_RESPONSE,
  "post /api/v1/management/responses": NEW_RESPONSE,
  "post /api/v2/client/{}/responses": {
    ...NEW_RESPONSE,
    reason: "The document's example calls the answers `responses`; the server's name is `data`, and it needs `finished`",
    without: ["responses"],
  },
  "post /api/v2/client/{}/displays": {
    reason: "The document's example is v1's; in v2 a display is of a `contactId`",
    without: ["userId"],
  },
  "post /api/v1/management/surveys": {
    reason: "The document draws a language as its code, which is taken as well; the type of both is the language itself",
    without: ["languages[].language (string, object)"],
    needed: ["languages[].language", "languages[].language.code", "languages[].language.id"],
  },
  "put /api/v2/management/responses/{}": {
    reason: "The server replaces the response whole and refuses a body that lacks a member; the document requires none",
    needed: [
      ...["contactAttributes", "contactId", "createdAt", "data", "displayId", "endingId", "finished", "language", "meta"],
      ...["singleUseId", "ttc", "updatedAt", "variables"],
    ],
  },
  "put /api/v2/management/contact-attribute-keys/{}": { reason: STAYS, without: ["key"] },
  "put /api/v2/management/webhooks/{}": { reason: STAYS, without: ["environmentId", "workspaceId"] },
};

interface BodyCorrection {
  reason: string;
  /** Members that are not taken, or with another type. */
  without?: string[];
  /** Members that are needed here, and may be left out by the document. */
  needed?: string[];
}

let server: TestServer;
let ours: Map<string, Distilled>;
beforeAll(async () => {
  server = await startTestServer();
  const { body } = await server.request.get("/openapi.json").expect(200);
  ours = new Map(distil(body).map((operation) => [nameOf(operation), operation]));
});
afterAll(() => server.close());

/** Without the names of parameters, which are each document's own. */
const nameOf = ({ method, path }: Distilled): string => `${method} ${path.replace(/\{[^}]+\}/g, "{}")}`;

describe.each(Object.entries(documents))("%s", (_document, operations) => {
  test.each(operations.map((operation) => [nameOf(operation), operation] as const))(
    "%s is served as published",
    (name, operation) => {
      const served = ours.get(name);
      const { status, without = [] } = CORRECTIONS[name] ?? {};
      for (const [documented, answer] of Object.entries(operation.answers)) {
        const answered = status ?? documented;
        expect(Object.keys(served?.answers ?? {})).toContain(answered);
        expect(
          missing(answer, unwrapped(answer, served?.answers[answered] ?? null)).filter((path) => !without.includes(path)),
        ).toEqual([]);
      }
    },
  );
});

describe.each(Object.entries(documents))("%s", (_document, operations) => {
  const withBody = operations.filter(({ body }) => body !== null);
  test.each(withBody.map((operation) => [nameOf(operation), operation] as const))(
    "the body of %s is taken as published",
    (name, operation) => {
      const { without = [], needed = [] } = BODY_CORRECTIONS[name] ?? {};
      const { untaken, demanded } = compareBodies(operation, ours.get(name));
      expect({
        untaken: untaken.filter((path) => !without.includes(path)),
        demanded: demanded.filter((path) => !needed.includes(path)),
      }).toEqual({ untaken: [], demanded: [] });
    },
  );
});

test.each(Object.entries(BODY_CORRECTIONS))(
  "the correction of the body of %s is needed still",
  (name, { without = [], needed = [] }) => {
    const compared = Object.values(documents)
      .flat()
      .filter((operation) => nameOf(operation) === name)
      .map((operation) => compareBodies(operation, ours.get(name)));
    const all = { untaken: compared.flatMap(({ untaken }) => untaken), demanded: compared.flatMap(({ demanded }) => demanded) };
    expect(all.untaken).toEqual(expect.arrayContaining(without));
    expect(all.demanded).toEqual(expect.arrayContaining(needed));
  },
);

test.each(Object.entries(CORRECTIONS))("the correction of %s is needed still", (name, { status, without = [] }) => {
  const operations = Object.values(documents)
    .flat()
    .filter((operation) => nameOf(operation) === name);
  const statuses = operations.flatMap(({ answers }) => Object.keys(answers));
  if (status !== undefined) expect(statuses).not.toContain(status);
  const lacking = operations.flatMap(({ answers }) =>
    Object.entries(answers).flatMap(([documented, answer]) => {
      const served = ours.get(name)?.answers[status ?? documented] ?? null;
      return missing(answer, unwrapped(answer, served));
    }),
  );
  expect(without.length === 0 || lacking.some((path) => without.includes(path))).toBe(true);
});

/**
 * Of a published body, the members that ours does not know under that type, and those that ours needs although they may be
 * left out. What is inside of something that the document does not have cannot be needed.
 */
function compareBodies(published: Distilled, served: Distilled | undefined): { untaken: string[]; demanded: string[] } {
  const known = new Set(pathsOf(published.body, ""));
  const parentOf = (path: string) => path.slice(0, path.lastIndexOf(".")).replace(/(\[\])+$/, "");
  const demanded = (served?.required ?? [])
    .filter((path) => !published.required.includes(path))
    .filter((path) => !path.includes(".") || known.has(parentOf(path)));
  return { untaken: missing(published.body, served?.body ?? null), demanded };
}

/** v2's documents show single resources without the `data` around them, which the server they describe sends. */
function unwrapped(answer: Shape | null, served: Shape | null): Shape | null {
  if (!isNamed(served) || !isNamed(answer)) return served;
  const isBare = Object.keys(answer).some((name) => name !== "data" && name !== "meta");
  return isBare && Object.keys(served).join() === "data" ? (served.data ?? null) : served;
}

const isNamed = (shape: Shape | null): shape is { [name: string]: Shape } =>
  typeof shape === "object" && shape !== null && !Array.isArray(shape);

/** Paths of members that the first shape has and the second lacks, or has with another type. */
function missing(wanted: Shape | null, served: Shape | null, path = ""): string[] {
  if (wanted === null || served === "any" || wanted === "any") return [];
  if (typeof wanted === "string") return isSameType(wanted, served) ? [] : [`${path} (${wanted}, ${typeOf(served)})`];
  if (served === "object" || (Array.isArray(served) && served.length === 0)) return [];
  if (Array.isArray(wanted)) {
    if (!Array.isArray(served)) return [`${path} (array, ${typeOf(served)})`];
    const [item] = wanted;
    return item === undefined ? [] : missing(item, served[0] ?? "any", `${path}[]`);
  }
  if (typeof served !== "object" || served === null || Array.isArray(served)) return [`${path} (object, ${typeOf(served)})`];
  return Object.entries(wanted).flatMap(([name, member]) => {
    const at = path === "" ? name : `${path}.${name}`;
    const own = served[name];
    return own === undefined ? [at] : missing(member, own, at);
  });
}

const typeOf = (shape: Shape | null): string =>
  Array.isArray(shape) ? "array" : shape !== null && typeof shape === "object" ? "object" : String(shape);

const isSameType = (wanted: string, served: Shape | null): boolean => {
  const number = (type: string) => (type === "integer" ? "number" : type);
  return number(wanted) === number(typeOf(served));
};
