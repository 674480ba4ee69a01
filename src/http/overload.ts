/** Says "not now" early, in each contract's own shape, rather than answer everybody late. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Problem } from "../shared/problem.ts";
import { countedAddress } from "./counted-address.ts";

export interface OverloadOptions {
  /** Requests that are answered at a time; one address has three quarters of them at most, so that others find room. */
  maxRunning: number;
  /** Statements that wait for a database connection. */
  waiting(): number;
  maxWaiting: number;
}

const RETRY_AFTER_S = 2;

/** Generous, since a proxy that is not trusted makes one address of everybody. */
const SHARE_OF_ONE_ADDRESS = 3 / 4;

const TICK_MS = 100;
/** The event loop is overloaded when it is later than this twice in a row: once may be the collection of garbage. */
const MAX_LAG_MS = 500;
/**
 * A queue that does no more than make everybody wait: for half a second no request was answered faster than this, or the
 * event loop was later than this at every tick. The second is where requests queue that are answered from memory, and those
 * that nobody has looked at yet. Then only as many are let in as can be answered in the time of the first, and fewer with
 * each window in which there still is a queue; but no fewer than in the time of the second, or the server would run dry
 * between two crowds that arrive at once.
 */
const TARGET_MS = 500;
const TARGET_LAG_MS = 150;
const WINDOW_MS = 500;
const SHRINKING = 0.7;
/** By how much the room grows with each window in which it was enough for some, but not for all. */
const GROWTH = 1.1;
/** What the server can answer is what it did, at its best; what that was counts for less with each window. */
const FORGETTING = 0.95;
/** So many are let in all the same. */
const MIN_ROOM = 64;

/** With fewer requests under way than this, refusing some does not make the event loop any faster. */
const MIN_RUNNING = 16;

const REPORT_INTERVAL_MS = 1_000;

/** A refusal must cost next to nothing: of each reason there is one, made once, and no line is logged for it. */
const refusal = (message: string) => new Problem("unavailable", message, { retryAfterSeconds: RETRY_AFTER_S });
const REFUSALS = {
  full: refusal("Too many requests are being answered"),
  address: refusal("Too many requests of one address are being answered"),
  database: refusal("Too many requests wait for the database"),
  late: refusal("The server is busy"),
};

const turnedAway = new WeakSet<FastifyRequest>();

/** Whether the request was refused because there was too much to do; of all such there is one line a second. */
export const wasTurnedAway = (request: FastifyRequest): boolean => turnedAway.has(request);

export interface OverloadGuard {
  /** Guards every route of the app but those with `config.servedAlways`. Call it before routes are registered. */
  protect(app: FastifyInstance): void;
  /** Requests that were refused. */
  refused(): number;
}

export function createOverloadGuard({ maxRunning, waiting, maxWaiting }: OverloadOptions): OverloadGuard {
  const maxOfOneAddress = Math.ceil(maxRunning * SHARE_OF_ONE_ADDRESS);
  const runningOf = new Map<string, number>();
  const queue = watchQueue();
  const clock = { now: performance.now() };
  let running = 0;
  let refused = 0;
  return { protect, refused: () => refused };

  function protect(app: FastifyInstance): void {
    const isLate = watchEventLoop(app, (now, lag) => {
      clock.now = now;
      queue.tick(now, lag);
    });
    let reported = 0;
    const reporting = setInterval(() => {
      if (refused > reported) app.log.warn({ refused: refused - reported, running }, "too much to do, requests are refused");
      reported = refused;
    }, REPORT_INTERVAL_MS).unref();
    app.addHook("onClose", async () => clearInterval(reporting));
    // Before the body is read, and once more when it is there: a slow client takes no place while it sends. After
    // `onRequest`, where a contract sets the headers that a browser wants to see on any answer.
    app.addHook("preParsing", (request, _reply, _payload, done) => done(obstacle(request)));
    app.addHook("preHandler", (request, reply, done) => {
      const problem = obstacle(request);
      if (problem === undefined) {
        const enteredAt = clock.now;
        const address = countedAddress(request.ip);
        enter(address);
        reply.raw.on("close", () => {
          leave(address);
          queue.left(clock.now - enteredAt);
        });
      }
      done(problem);
    });

    function obstacle(request: FastifyRequest): Problem | undefined {
      const found = request.routeOptions.config.servedAlways ? null : findObstacle(countedAddress(request.ip));
      if (found === null) return undefined;
      refused++;
      queue.refused();
      turnedAway.add(request);
      return found;
    }

    function findObstacle(ip: string): Problem | null {
      if (running >= Math.min(maxRunning, queue.room())) return REFUSALS.full;
      if ((runningOf.get(ip) ?? 0) >= maxOfOneAddress) return REFUSALS.address;
      if (waiting() > maxWaiting) return REFUSALS.database;
      return running >= MIN_RUNNING && isLate() ? REFUSALS.late : null;
    }
  }

  /** @param ip as it is counted, as everywhere here */
  function enter(ip: string): void {
    running++;
    runningOf.set(ip, (runningOf.get(ip) ?? 0) + 1);
  }

  function leave(ip: string): void {
    running--;
    const others = (runningOf.get(ip) ?? 0) - 1;
    if (others > 0) runningOf.set(ip, others);
    else runningOf.delete(ip);
  }
}

/**
 * Tells how many requests the present pace leaves room for: any number, unless all of them have to wait. It is told the time
 * by {@link watchEventLoop}, ten times a second: asking for it several times a request costs more than all the rest of this.
 */
function watchQueue(): { left(ms: number): void; refused(): void; room(): number; tick(now: number, lag: number): void } {
  let room = Infinity;
  let windowStart = performance.now();
  let answered = 0;
  let perMs = 0;
  let fastestMs = Infinity;
  let leastLag = Infinity;
  let isCalm = true;
  return { left, refused, room: () => room, tick };

  function refused(): void {
    isCalm = false;
  }

  function left(ms: number): void {
    answered++;
    fastestMs = Math.min(fastestMs, ms);
  }

  function tick(now: number, lag: number): void {
    leastLag = Math.min(leastLag, lag);
    const elapsed = now - windowStart;
    if (elapsed < WINDOW_MS) return;
    const isQueueing = answered > 0 && (fastestMs > TARGET_MS || leastLag > TARGET_LAG_MS);
    perMs = Math.max(perMs * FORGETTING, answered / elapsed);
    if (isQueueing) room = Math.max(MIN_ROOM, perMs * TARGET_LAG_MS, Math.min(room * SHRINKING, perMs * TARGET_MS));
    else room = isCalm ? Infinity : room * GROWTH; // with a jump it would begin anew
    windowStart += elapsed;
    answered = 0;
    fastestMs = Infinity;
    leastLag = Infinity;
    isCalm = true;
  }
}

/**
 * Tells whether the event loop is late, now and at the tick before.
 * @param onTick told the time and how late it is (ms, monotonic)
 */
function watchEventLoop(app: FastifyInstance, onTick: (now: number, lag: number) => void): () => boolean {
  let lastTick = performance.now();
  let lastLag = 0;
  const ticking = setInterval(() => {
    const now = performance.now();
    lastLag = now - lastTick - TICK_MS;
    lastTick = now;
    onTick(now, lastLag);
  }, TICK_MS).unref();
  app.addHook("onClose", async () => clearInterval(ticking));
  return () => lastLag > MAX_LAG_MS && performance.now() - lastTick - TICK_MS > MAX_LAG_MS;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whoever watches over the server is answered however busy it is. */
    servedAlways?: boolean;
  }
}
