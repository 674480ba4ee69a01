/** What the benchmark sends. Every scenario draws its requests anew, so that no answer can be remembered. */

export interface Scenario {
  name: string;
  /** What it is measured against; absent for a baseline. */
  baseline?: string;
  method: "GET" | "POST";
  path: string;
  /** The body of the n-th request of a run; `run` differs from run to run. */
  body?: (n: number, run: number) => string;
}

/** Attributes that every seeded contact has. */
export const seededAttributes = (contact: number) => ({
  plan: contact % 2 === 0 ? "pro" : "free",
  seats: contact % 50,
  company: `Company ${contact % 1000}`,
  signup_date: "2026-01-05T10:00:00.000Z",
});

export function identifyScenarios(environmentId: string, contacts: number): Scenario[] {
  const path = `/api/v2/client/${environmentId}/user`;
  const pick = (n: number) => (n * 7919) % contacts; // spreads over all contacts without repeating soon
  return [
    {
      name: "constant answer",
      method: "POST",
      path: "/bench/constant",
      body: (n) => identifyBody(pick(n), seededAttributes(pick(n))),
    },
    {
      name: "identify, unchanged contact",
      baseline: "constant answer",
      method: "POST",
      path,
      body: (n) => identifyBody(pick(n), seededAttributes(pick(n))),
    },
    {
      name: "identify, two attributes changed",
      baseline: "constant answer",
      method: "POST",
      path,
      body: (n, run) => identifyBody(pick(n), { plan: `plan ${run} ${n}`, seats: run * 1_000_000 + n }),
    },
    {
      name: "identify, new contact",
      baseline: "constant answer",
      method: "POST",
      path,
      body: (n, run) => JSON.stringify({ userId: `new-${run}-${n}`, attributes: seededAttributes(n) }),
    },
  ];
}

const identifyBody = (contact: number, attributes: object) => JSON.stringify({ userId: `user-${contact}`, attributes });
