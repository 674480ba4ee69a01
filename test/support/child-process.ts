import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Child {
  process: ChildProcess;
  /** All that it wrote to stdout and stderr so far. */
  output(): string;
  /** Resolves with the first match in its output; rejects when the process ends before. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with its status, or with the signal that ended it. */
  exited: Promise<number | string>;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a TypeScript file of the repository as a process of its own, in an environment with these variables only. */
export function runProcess(file: string, args: string[] = [], variables: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, ["--import", "tsx", file, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? "", ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const listeners = new Set<() => void>();
  const append = (chunk: Buffer) => {
    output += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout.on("data", append);
  child.stderr.on("data", append);
  const exited = new Promise<number | string>((resolve) => {
    child.on("close", (status, signal) => resolve(status ?? signal ?? "unknown"));
  });
  return { process: child, output: () => output, waitFor, exited };

  function waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const match = pattern.exec(output);
        if (!match) return;
        listeners.delete(check);
        resolve(match);
      };
      listeners.add(check);
      check();
      void exited.then((status) => reject(new Error(`ended with ${status} before ${pattern}:\n${output}`)));
    });
  }
}
