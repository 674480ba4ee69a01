/** Clients that write without pause, send again what was not acknowledged, and keep a ledger of what was. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../src/db/database.ts";

export interface Ledger {
  /** User ids that were acknowledged, each sent by one client. */
  users: string[];
  /** Attribute → the last value acknowledged of it, on the one contact that all clients write to. */
  shared: Map<string, number>;
  /** Marks of acknowledged responses. */
  responses: string[];
  /** All acknowledged writes. */
  writes: number;
  /** Answers that were neither a success nor "not now". */
  unexpected: string[];
}

export interface LedgerTarget {
  /** Of all replicas: a client whose request fails goes on to the next one. */
  addresses: readonly string[];
  environmentId: string;
  surveyId: string;
}

const SHARED_USER = "shared";

/** A request that is not answered in this time counts as lost. */
const REQUEST_TIMEOUT_MS = 15_000;
const RETRY_PAUSE_MS = 50;

/** Starts the clients. `finish` lets each of them get its last write acknowledged and returns the ledger. */
export function startClients({ addresses, environmentId, surveyId }: LedgerTarget, count: number) {
  const ledger: Ledger = { users: [], shared: new Map(), responses: [], writes: 0, unexpected: [] };
  let writing = true;
  const clients = Array.from({ length: count }, (_, client) => run(client));
  return { ledger, finish };

  async function finish(): Promise<Ledger> {
    writing = false;
    await Promise.all(clients);
    return ledger;
  }

  async function run(client: number): Promise<void> {
    let turn = client;
    for (let n = 1; writing; n++) {
      const userId = `user-${client}-${n}`;
      if (await acknowledged("user", { userId, attributes: { plan: `plan ${n}` } })) ledger.users.push(userId);
      const attribute = `client_${client}`;
      if (await acknowledged("user", { userId: SHARED_USER, attributes: { [attribute]: n } })) ledger.shared.set(attribute, n);
      const mark = `response ${client} ${n}`;
      const response = { surveyId, finished: true, data: { q1: mark } };
      if (await acknowledged("responses", response, { "idempotency-key": mark })) ledger.responses.push(mark);
    }

    /** Sends it until it is answered by something else than a failure of the moment. */
    async function acknowledged(path: string, body: object, headers: Record<string, string> = {}): Promise<boolean> {
      for (;;) {
        const status = await send(addresses[turn % addresses.length] ?? "", path, JSON.stringify(body), headers);
        if (status === 200) {
          ledger.writes++;
          return true;
        }
        turn++;
        if (status !== null && status !== 503) {
          ledger.unexpected.push(`${status} to ${path} ${JSON.stringify(body)}`);
          return false;
        }
        await sleep(RETRY_PAUSE_MS);
      }
    }
  }

  /** The answer's status; null when the connection broke. */
  async function send(address: string, path: string, body: string, headers: Record<string, string>): Promise<number | null> {
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

/** Names what was acknowledged and is not in the database, or is there twice. */
export async function compareLedger(
  db: Database,
  environmentId: string,
  { users, shared, responses }: Ledger,
): Promise<{ lost: string[]; doubled: string[] }> {
  const contacts = await countBy(db, `select "userId" as name from contacts where "environmentId" = $1`, environmentId);
  const marks = await countBy(db, `select data->>'q1' as name from responses where "environmentId" = $1`, environmentId);
  const contact = await db.prisma.contact.findFirst({ where: { environmentId, userId: SHARED_USER } });
  const attributes: unknown = contact?.attributes;
  const values = new Map(typeof attributes === "object" && attributes !== null ? Object.entries(attributes) : []);
  return {
    lost: [
      ...users.filter((userId) => !contacts.has(userId)),
      ...responses.filter((mark) => !marks.has(mark)),
      // Every write was acknowledged in the end, so that the last of each attribute is what is there.
      ...[...shared].filter(([key, value]) => values.get(key) !== value).map(([key]) => key),
    ],
    doubled: [...contacts, ...marks].filter(([, count]) => count > 1).map(([name]) => name),
  };
}

async function countBy(db: Database, names: string, environmentId: string): Promise<Map<string, number>> {
  const rows = await db.query<{ name: string; count: number }>(
    `select name, count(*)::int as count from (${names}) as n group by name`,
    [environmentId],
  );
  return new Map(rows.map(({ name, count }) => [name, count]));
}
