/** What the SDKs of a busy app send, in the proportions in which they send it. */
export interface Call {
  name: string;
  method: "GET" | "POST" | "PUT";
  path: string;
  body?: string;
}

export interface Ground {
  environmentId: string;
  surveyId: string;
  /** Contacts who come back; they are `load-0`, `load-1`, … */
  contacts: number;
}

/** Share of all calls → what is called; the rest reads the environment state. */
export function createMix({ environmentId, surveyId, contacts }: Ground): (n: number) => Call {
  const startedAt = Date.now();
  const client = `/api/v2/client/${environmentId}`;
  const post = (name: string, path: string, body: object): Call => ({
    ...{ name, method: "POST", path: `${client}/${path}`, body: JSON.stringify(body) },
  });
  const userId = (n: number) => `load-${(n * 7919) % contacts}`;
  return (n) => {
    const share = (n * 61) % 100; // every hundred calls have each share once, in mixed order
    if (share < 45) return post("identify, known", "user", { userId: userId(n), attributes: { plan: "pro", seats: n % 5 } });
    if (share < 50) return post("identify, new", "user", { userId: `new-${startedAt}-${n}`, attributes: { plan: "free" } });
    if (share < 60) return post("display", "displays", { surveyId, userId: userId(n) });
    if (share < 65) return post("response", "responses", { surveyId, finished: true, data: { how: `answer ${n}` } });
    return { name: "environment state", method: "GET", path: `/api/v1/client/${environmentId}/environment` };
  };
}
