import type { Logger } from "pino";

export interface ShutdownOptions {
  log: Logger;
  /** How long `stop` may take before the process ends all the same, with status 1. */
  timeoutMs: number;
  /** Finishes what is under way and gives everything back. */
  stop: () => Promise<void>;
}

/** npm passes a terminal's Ctrl+C on to a process that has got it from the terminal too: both are one signal. */
const SAME_SIGNAL_MS = 500;

/**
 * Ends the process when it is told to (SIGTERM, SIGINT, SIGHUP: status 0) or cannot go on (an error that nobody caught:
 * status 1), after `stop`. A second signal ends it at once. Returns what ends it for another reason (status 0).
 */
export function endProcessGracefully({ log, timeoutMs, stop }: ShutdownOptions): (reason: string) => void {
  let toldAt: number | undefined;
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => onSignal(signal));
  process.on("uncaughtException", onError);
  process.on("unhandledRejection", onError);
  return (reason) => {
    if (toldAt !== undefined) return;
    log.info({ reason }, "stopping");
    void end(0);
  };

  function onSignal(signal: string): void {
    if (toldAt === undefined) {
      log.info({ signal }, "stopping");
      void end(0);
    } else if (Date.now() - toldAt > SAME_SIGNAL_MS) {
      log.warn({ signal }, "second signal, ending at once");
      process.exit(1);
    }
  }

  function onError(error: unknown): void {
    log.fatal({ err: error }, "unexpected error, stopping");
    if (toldAt === undefined) void end(1);
    else process.exit(1);
  }

  async function end(status: number): Promise<void> {
    toldAt = Date.now();
    setTimeout(() => {
      log.error({ timeoutMs }, "stopping took too long, ending at once");
      process.exit(1);
    }, timeoutMs).unref();
    try {
      await stop();
      log.info("stopped");
      process.exit(status);
    } catch (error) {
      log.error({ err: error }, "stopping failed");
      process.exit(1);
    }
  }
}
