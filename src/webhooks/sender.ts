import type { LookupAddress, LookupOptions } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { performance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Agent, Dispatcher } from "undici";
import type { AddressRules } from "./address-rules.ts";
import { bareHost } from "./target.ts";

/** Why an attempt failed; what the receiver wrote is not kept. */
export type AttemptError =
  | "http_status"
  | "redirect"
  | "gone"
  | "timeout"
  | "connect_timeout"
  | "dns"
  | "address_refused"
  | "connection_refused"
  | "connection_closed"
  | "tls"
  | "invalid_url"
  | "invalid_answer"
  | "secret_unreadable"
  | "network";

/** What came of an attempt: `error` is null exactly when the status is 2xx. */
export interface AttemptResult {
  status: number | null;
  error: AttemptError | null;
  durationMs: number;
}

export interface Message {
  url: string;
  headers: Record<string, string>;
  body: string;
}

export type Sender = ReturnType<typeof createSender>;

export interface SenderLimits {
  /** From the look-up of the name to the answer's headers. */
  overallMs: number;
  /** The part of it that a connection may take, TLS and the look-up included. */
  connectMs: number;
}

const LIMITS: SenderLimits = { overallMs: 15_000, connectMs: 3_000 };

/** For how long a connection is kept that nothing goes over. Short, since it may be closed just when it is used again. */
const KEEP_MS = 1_000;
/** After this a new one is opened even so, in case the name leads elsewhere by now. */
const MAX_AGE_MS = 60_000;

/** How much of an answer's body is taken off the connection before it is cut. */
const ANSWER_LIMIT = 16_384;
const ANSWER_TIMEOUT_MS = 1_000;

/**
 * Sends messages to addresses that strangers chose. What is judged is the address that is connected to, at the moment of
 * connecting: a name that points elsewhere than when it was registered does no harm. A connection that was judged is used for
 * the messages that follow at once. Redirects are not followed.
 */
export function createSender({
  addresses,
  resolve,
  limits = LIMITS,
}: {
  addresses: AddressRules;
  /** All addresses of a name, in the order in which they are to be tried. */
  resolve: (hostname: string) => Promise<LookupAddress[]>;
  limits?: SenderLimits;
}) {
  const agentOptions: Agent.Options = {
    connect: { lookup: createLookup(addresses, resolve), timeout: limits.connectMs },
    headersTimeout: limits.overallMs,
    bodyTimeout: limits.overallMs,
  };
  let transport: ReturnType<typeof openTransport> | undefined;
  /** When an origin last answered, in this order. */
  const answeredAt = new Map<string, number>();
  return { send };

  /** Never throws, unless `signal` is aborted: then with its reason. */
  async function send({ url, headers, body }: Message, signal: AbortSignal): Promise<AttemptResult> {
    const startedAt = performance.now();
    const ended = (status: number | null, error: AttemptError | null): AttemptResult => ({
      status,
      error,
      durationMs: Math.round(performance.now() - startedAt),
    });
    const refusal = refuseUrl(url);
    if (refusal !== null) return ended(null, refusal);
    const timeout = AbortSignal.timeout(limits.overallMs);
    const either = AbortSignal.any([signal, timeout]);
    try {
      const answer = await post({ url, headers, body }, either);
      const result = ended(answer.statusCode, judgeStatus(answer.statusCode));
      const patience = AbortSignal.any([either, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
      await answer.body.dump({ limit: ANSWER_LIMIT, signal: patience }).catch(() => undefined);
      await nextTurn(); // only then is the connection known to be free
      return result;
    } catch (error) {
      signal.throwIfAborted();
      return ended(null, timeout.aborted ? "timeout" : classify(error));
    }
  }

  /** A message that finds its kept connection closed goes over a new one. */
  async function post({ url, headers, body }: Message, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { origin } = new URL(url);
    const mayBeKept = performance.now() - (answeredAt.get(origin) ?? Number.NEGATIVE_INFINITY) < 2 * KEEP_MS;
    const options = { method: "POST", headers, body, signal } as const;
    transport ??= openTransport(agentOptions);
    const { request, keeping, fresh } = await transport;
    const answer = await request(url, { ...options, dispatcher: keeping }).catch(async (error: unknown) => {
      if (!mayBeKept || signal.aborted || classify(error) !== "connection_closed") throw error;
      return await request(url, { ...options, dispatcher: fresh });
    });
    noteAnswer(origin);
    return answer;
  }

  function noteAnswer(origin: string): void {
    const at = performance.now();
    answeredAt.delete(origin);
    answeredAt.set(origin, at);
    for (const [each, then] of answeredAt) {
      if (at - then < 2 * KEEP_MS) return;
      answeredAt.delete(each);
    }
  }

  /** Literal addresses are never looked up, so they are judged here. */
  function refuseUrl(url: string): AttemptError | null {
    if (!URL.canParse(url)) return "invalid_url";
    const { protocol, hostname, username, password } = new URL(url);
    if (!/^https?:$/.test(protocol) || username !== "" || password !== "") return "invalid_url";
    const host = bareHost(hostname);
    return isIP(host) !== 0 && !addresses.isAllowed(host) ? "address_refused" : null;
  }
}

/** Loaded with the first message: it takes some megabytes, and many a server never sends one. */
async function openTransport(options: Agent.Options) {
  const { Agent, request } = await import("undici");
  const keeping = new Agent({
    ...options,
    pipelining: 1, // one message at a time over a connection
    keepAliveTimeout: KEEP_MS,
    keepAliveMaxTimeout: KEEP_MS,
    clientTtl: MAX_AGE_MS,
  });
  return { request, keeping, fresh: new Agent({ ...options, pipelining: 0 }) };
}

class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

/** One address that is not allowed is enough to refuse the name; of allowed ones each is tried. */
function createLookup(rules: AddressRules, resolve: (hostname: string) => Promise<LookupAddress[]>): LookupFunction {
  return (hostname, { all }: LookupOptions, callback) => {
    resolve(hostname).then(
      (found) => {
        const [first] = found;
        if (first === undefined) callback(Object.assign(new Error("the name has no address"), { code: "ENOTFOUND" }), "", 0);
        else if (!found.every(({ address }) => rules.isAllowed(address)))
          callback(new AddressRefused("the name has an address that is not allowed"), "", 0);
        else if (all) callback(null, found);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, "", 0),
    );
  };
}

function judgeStatus(status: number): AttemptError | null {
  if (status >= 200 && status < 300) return null;
  if (status === 410) return "gone";
  return status >= 300 && status < 400 ? "redirect" : "http_status";
}

const CLASSES: [RegExp, AttemptError][] = [
  [/^UND_ERR_CONNECT_TIMEOUT$|^ETIMEDOUT$/, "connect_timeout"],
  [/^UND_ERR_(HEADERS|BODY)_TIMEOUT$/, "timeout"],
  [/^ENOTFOUND$|^EAI_|^ENODATA$|^ESERVFAIL$/, "dns"],
  [/^ECONNREFUSED$/, "connection_refused"],
  [/^ECONNRESET$|^EPIPE$|^UND_ERR_SOCKET$/, "connection_closed"],
  [/^UND_ERR_HEADERS_OVERFLOW$/, "invalid_answer"],
  [/^ERR_TLS|^ERR_SSL|^CERT_|^UNABLE_TO_|^DEPTH_ZERO_|^SELF_SIGNED_|^HOSTNAME_MISMATCH$|^EPROTO$/, "tls"],
];

function classify(error: unknown): AttemptError {
  if (error instanceof AddressRefused) return "address_refused";
  if (error instanceof Error && error.name === "HTTPParserError") return "invalid_answer";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return CLASSES.find(([pattern]) => pattern.test(code))?.[1] ?? "network";
}
