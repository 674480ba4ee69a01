import { type DestinationStream, type Logger, pino } from "pino";
import type { Config } from "./config/env.ts";

/** Header and body fields that must never reach a log, wherever in a logged object they stand. */
const SECRETS = ["x-api-key", "authorization", "cookie"].flatMap((name) => [
  `*["${name}"]`,
  `*.headers["${name}"]`,
  `headers["${name}"]`,
]);

/** Logs one JSON object per line to stdout; for people at a terminal in colour, where pino-pretty is installed. */
export async function createLogger({ LOG_LEVEL }: Pick<Config, "LOG_LEVEL">): Promise<Logger> {
  const options = { level: LOG_LEVEL, redact: SECRETS };
  const pretty = process.stdout.isTTY ? await openPrettyStream() : null;
  return pretty ? pino(options, pretty) : pino(options);
}

async function openPrettyStream(): Promise<DestinationStream | null> {
  try {
    const { default: pretty } = await import("pino-pretty");
    return pretty({ sync: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss.l" });
  } catch {
    return null; // an optional dependency
  }
}
