/** What the benchmark sends. Every scenario draws its requests anew, so that no answer can be remembered. */

export interface Scenario {
  name: string;
  method: "GET" | "POST";
  path: string;
  /** Besides the content type. */
  headers?: Record<string, string>;
  /** The body of the n-th request of a run; `run` differs from run to run. */
  body?: (n: number, run: number) => string;
}

/** One scenario's throughput as a ratio to another's. */
export interface Ratio {
  of: string;
  to: string;
}

/** An environment that was filled for the measurement. Its contacts are `user-0`, `user-1`, … */
export interface Filled {
  environmentId: string;
  contacts: number;
}

/** What there is to load. */
export interface Ground {
  /** With as many contacts as were asked for. */
  large: Filled;
  /** With a thousand contacts. */
  small: Filled;
  segments5: Filled;
  segments500: Filled;
  /** Each contact has two displays. */
  displays2: Filled;
  /** Each contact has a thousand displays. */
  displays1000: Filled;
  /** Of the large environment, with an open text `q1`. */
  surveyId: string;
  /** With a webhook that asks for every event of responses; its deliveries are left to another process. */
  hooked: Filled & { surveyId: string };
  /** The same without a webhook. */
  plain: Filled & { surveyId: string };
  /** May write to the large environment. */
  apiKey: string;
}

/** Attributes that every seeded contact has. */
export const seededAttributes = (contact: number) => ({
  plan: contact % 2 === 0 ? "pro" : "free",
  seats: contact % 50,
  company: `Company ${contact % 1000}`,
  signup_date: "2026-01-05T10:00:00.000Z",
});

const CONSTANT = "constant answer";
const CONSTANT_STATE = "constant answer of the state's size";
const UNCHANGED = "identify, unchanged contact";
const HOOKED = "response with a webhook";
const UNHEARD = "response without a webhook";
const CHANGED = "identify, two attributes changed";
const NEW = "identify, new contact";

/** The same calls through the contracts of other vendors. */
const VENDORS = ["Userpilot", "Sprig"] as const;

export function scenariosOf(ground: Ground): Scenario[] {
  const { large, surveyId, apiKey } = ground;
  // Halves of their own: a contact that one scenario changed would be changed back by the other.
  const half = Math.floor(large.contacts / 2);
  const unchanged = { ...large, contacts: half };
  const client = `/client/${large.environmentId}`;
  return [
    { ...identifyUnchanged(CONSTANT, unchanged), path: "/bench/constant" },
    identifyUnchanged(UNCHANGED, unchanged),
    {
      ...identifyUnchanged(CHANGED, large),
      body: (n, run) => identifyBody(half + pick(unchanged, n), changedAttributes(n, run)),
    },
    identifyNew(NEW, large),
    ...VENDORS.flatMap((vendor) => [
      vendorIdentify(vendor, UNCHANGED, apiKey, (n) => [`user-${pick(unchanged, n)}`, seededAttributes(pick(unchanged, n))]),
      vendorIdentify(vendor, CHANGED, apiKey, (n, run) => [`user-${half + pick(unchanged, n)}`, changedAttributes(n, run)]),
      vendorIdentify(vendor, NEW, apiKey, (n, run) => [`${vendor}-${STARTED_AT}-${run}-${n}`, seededAttributes(n)]),
    ]),
    { name: CONSTANT_STATE, method: "GET", path: "/bench/constant" },
    { name: "environment state", method: "GET", path: `/api/v1${client}/environment` },
    { name: "display", method: "POST", path: `/api/v2${client}/displays`, body: () => JSON.stringify({ surveyId }) },
    respond("response", { ...large, surveyId }),
    respond(UNHEARD, ground.plain),
    respond(HOOKED, ground.hooked),
    identifyUnchanged("identify among 1,000 contacts", ground.small),
    identifyUnchanged("identify with 5 segments", ground.segments5),
    identifyUnchanged("identify with 500 segments", ground.segments500),
    identifyUnchanged("identify, 2 displays", ground.displays2),
    identifyUnchanged("identify, 1,000 displays", ground.displays1000),
  ];
}

export const RATIOS: readonly Ratio[] = [
  ...[UNCHANGED, CHANGED, NEW, "display", "response"].map((of) => ({ of, to: CONSTANT })),
  ...VENDORS.flatMap((vendor) => [UNCHANGED, CHANGED, NEW].map((to) => ({ of: `${vendor} ${to}`, to }))),
  { of: "environment state", to: CONSTANT_STATE },
  { of: UNCHANGED, to: "identify among 1,000 contacts" },
  { of: "identify with 500 segments", to: "identify with 5 segments" },
  { of: "identify, 1,000 displays", to: "identify, 2 displays" },
  { of: HOOKED, to: UNHEARD },
];

/** The scenarios of which the database's own time and the processors' time are told as well. */
export const MEASURED_DEEPER = { identify: UNCHANGED, constant: CONSTANT };

/** What any server that speaks the client API can be sent: nothing but an environment has to be there. */
export function peerScenarios(environmentId: string): Scenario[] {
  const filled = { environmentId, contacts: 100 };
  return [
    identifyUnchanged(UNCHANGED, filled),
    identifyNew(NEW, filled),
    { name: CONSTANT_STATE, method: "GET", path: "/bench/constant" },
    { name: "environment state", method: "GET", path: `/api/v1/client/${environmentId}/environment` },
  ];
}

const respond = (name: string, { environmentId, surveyId }: Filled & { surveyId: string }): Scenario => ({
  name,
  method: "POST",
  path: `/api/v2/client/${environmentId}/responses`,
  body: (n, run) => JSON.stringify({ surveyId, finished: true, data: { q1: `answer ${run} ${n}` } }),
});

function identifyUnchanged(name: string, filled: Filled): Scenario {
  return {
    name,
    method: "POST",
    path: userPath(filled),
    body: (n) => identifyBody(pick(filled, n), seededAttributes(pick(filled, n))),
  };
}

/** Runs of other benchmarks may have left contacts behind, so that names are drawn from the clock, too. */
const STARTED_AT = Date.now();

const identifyNew = (name: string, filled: Filled): Scenario => ({
  name,
  method: "POST",
  path: userPath(filled),
  body: (n, run) => JSON.stringify({ userId: `new-${STARTED_AT}-${run}-${n}`, attributes: seededAttributes(n) }),
});

/** The n-th call of a run names the user and what is known of it. */
function vendorIdentify(
  vendor: (typeof VENDORS)[number],
  name: string,
  apiKey: string,
  userOf: (n: number, run: number) => [userId: string, attributes: object],
): Scenario {
  const isUserpilot = vendor === "Userpilot";
  return {
    name: `${vendor} ${name}`,
    method: "POST",
    path: isUserpilot ? "/v1/identify" : "/v2/users",
    headers: { authorization: `${isUserpilot ? "Token" : "API-Key"} ${apiKey}` },
    body: (n, run) => {
      const [userId, attributes] = userOf(n, run);
      return JSON.stringify(isUserpilot ? { user_id: userId, metadata: attributes } : { userId, attributes });
    },
  };
}

const changedAttributes = (n: number, run: number) => ({ plan: `plan ${run} ${n}`, seats: run * 1_000_000 + n });

const userPath = ({ environmentId }: Filled) => `/api/v2/client/${environmentId}/user`;

/** Spreads over all contacts without repeating soon. */
export const pick = ({ contacts }: Filled, n: number): number => (n * 7919) % contacts;

const identifyBody = (contact: number, attributes: object) => JSON.stringify({ userId: `user-${contact}`, attributes });
