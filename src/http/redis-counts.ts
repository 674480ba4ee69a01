/** Counts for the rate limits of several servers, in Redis or Valkey. */
import type { Logger } from "pino";
import { z } from "zod";
import type { SharedCounts } from "../shared/shared-counts.ts";

const TIMEOUT_MS = 1_000;
const RECONNECT_MAX_MS = 2_000;

/** So that an installation may share its Redis with others. */
const PREFIX = "mortar:rate:";

/** Adds ARGV[1] to the key, which ends with its window of ARGV[2] ms by Redis' own clock. */
const ADD = `
  local time = redis.call('TIME')
  local left = ARGV[2] - (time[1] * 1000 + math.floor(time[2] / 1000)) % ARGV[2]
  local total = redis.call('INCRBY', KEYS[1], ARGV[1])
  if total == tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], left) end
  return { total, left }`;

const Answer = z.tuple([z.number(), z.number()]);

/** Connects in the background, and again when the connection is lost. */
export async function openRedisCounts({ url, log }: { url: string; log: Logger }): Promise<SharedCounts> {
  const { Redis } = await import("ioredis"); // loaded by those who have one
  const redis = new Redis(url, {
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false, // a request is served uncounted rather than late
    retryStrategy: (tries) => Math.min(tries * 100, RECONNECT_MAX_MS),
    connectionName: "mortar",
  });
  let isLost = false;
  redis.on("ready", () => {
    isLost = false;
  });
  redis.on("error", (error) => {
    if (!isLost) log.warn({ err: error }, "redis cannot be reached, requests are served uncounted");
    isLost = true;
  });
  return { add, close: async () => redis.disconnect() };

  async function add(additions: Parameters<SharedCounts["add"]>[0]): ReturnType<SharedCounts["add"]> {
    const answers = await Promise.all(
      additions.map(({ key, requests, windowMs }) => redis.eval(ADD, 1, PREFIX + key, requests, windowMs)), // one write to the socket
    );
    return answers.map((answer) => {
      const [total, leftMs] = Answer.parse(answer);
      return { total, leftMs };
    });
  }
}
