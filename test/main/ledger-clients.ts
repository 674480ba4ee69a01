/** Clients that write without pause, send again what was not acknowledged, and keep a ledger of what was. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Ledger {
  /** User ids that were acknowledged, each sent by one client. */
  users: string[];
  /** Attribute → the last value acknowledged of it, on the one contact that all clients write to. */
  shared: Map<string, number>;
  /** Marks of acknowledged responses. */
  responses: string[];
  /** Answers that were neither a success nor "not now". */
  unexpected: string[];
}

export interface LedgerTarget {
  address: string;
  environmentId: string;
  surveyId: string;
}

export const SHARED_USER = "shared";

/** A request that is not answered in this time counts as lost. */
const REQUEST_TIMEOUT_MS = 15_000;
const RETRY_PAUSE_MS = 50;

/** Starts the clients. `finish` lets each of them get its last write acknowledged and returns the ledger. */
export function startClients({ address, environmentId, surveyId }: LedgerTarget, count: number) {
  const ledger: Ledger = { users: [], shared: new Map(), responses: [], unexpected: [] };
  let writing = true;
  const clients = Array.from({ length: count }, (_, client) => run(client));
  return { ledger, finish };

  async function finish(): Promise<Ledger> {
    writing = false;
    await Promise.all(clients);
    return ledger;
  }

  async function run(client: number): Promise<void> {
    for (let n = 1; writing; n++) {
      const userId = `user-${client}-${n}`;
      if (await acknowledged("user", { userId, attributes: { plan: `plan ${n}` } })) ledger.users.push(userId);
      const attribute = `client_${client}`;
      if (await acknowledged("user", { userId: SHARED_USER, attributes: { [attribute]: n } })) ledger.shared.set(attribute, n);
      const mark = `response ${client} ${n}`;
      const response = { surveyId, finished: true, data: { q1: mark } };
      if (await acknowledged("responses", response, { "idempotency-key": mark })) ledger.responses.push(mark);
    }
  }

  /** Sends it until it is answered by something else than a failure of the moment. */
  async function acknowledged(path: string, body: object, headers: Record<string, string> = {}): Promise<boolean> {
    for (;;) {
      const status = await send(path, JSON.stringify(body), headers);
      if (status === 200) return true;
      if (status !== null && status !== 503) {
        ledger.unexpected.push(`${status} to ${path} ${JSON.stringify(body)}`);
        return false;
      }
      await sleep(RETRY_PAUSE_MS);
    }
  }

  /** The answer's status; null when the connection broke. */
  async function send(path: string, body: string, headers: Record<string, string>): Promise<number | null> {
    try {
      const response = await fetch(`${address}/api/v2/client/${environmentId}/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return null;
    }
  }
}
