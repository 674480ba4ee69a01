/** What the developer of a page reads in the browser's console. */
export interface Log {
  /** Shown in debug mode only. */
  debug(message: string): void;
  error(message: string, cause?: unknown): void;
}

export interface LogOptions {
  console: Pick<Console, "log" | "error">;
  isDebug: boolean;
}

const PREFIX = "🧱 Formbricks - ";

export function createLog({ console, isDebug }: LogOptions): Log {
  return { debug, error };

  function debug(message: string): void {
    if (isDebug) console.log(`${PREFIX}${message}`);
  }

  function error(message: string, cause?: unknown): void {
    if (cause === undefined) console.error(`${PREFIX}${message}`);
    else console.error(`${PREFIX}${message}`, cause);
  }
}
