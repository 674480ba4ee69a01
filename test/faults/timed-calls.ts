import { randomUUID } from "node:crypto";

/** What an SDK calls, with the milliseconds that each answer took. */
export function createTimedCalls(place: () => { baseUrl: string; environmentId: string }) {
  return { identify, readState };

  async function identify(userId: string) {
    const { baseUrl, environmentId } = place();
    const startedAt = performance.now();
    const response = await fetch(`${baseUrl}/api/v2/client/${environmentId}/user`, {
      method: "POST",
      body: JSON.stringify({ userId, attributes: { plan: randomUUID() } }),
    });
    const body: unknown = await response.json();
    return { status: response.status, retryAfter: response.headers.get("retry-after"), body, ms: performance.now() - startedAt };
  }

  async function readState() {
    const { baseUrl, environmentId } = place();
    const startedAt = performance.now();
    const response = await fetch(`${baseUrl}/api/v1/client/${environmentId}/environment`);
    await response.arrayBuffer();
    const { status, headers } = response;
    return { status, warning: headers.get("warning"), age: headers.get("age"), ms: performance.now() - startedAt };
  }
}
