/** The measurements as Markdown. */
import { cpus, totalmem } from "node:os";
import type { Measurement } from "./load.ts";
import type { Ratio } from "./scenarios.ts";

export function describeMachine(databaseVersion: string): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}), ${memory}, ${process.platform}; Node ${process.version}, PostgreSQL ${databaseVersion}; ${new Date().toISOString().slice(0, 10)}`;
}

export function throughputTable(results: ReadonlyMap<string, Measurement>): string {
  return table(
    ["scenario", "requests/s", "p50 ms", "p99 ms"],
    [...results].map(([name, { requestsPerSecond, p50, p99 }]) => [name, requestsPerSecond.toFixed(0), ms(p50), ms(p99)]),
  );
}

export function ratioTable(results: ReadonlyMap<string, Measurement>, ratios: readonly Ratio[]): string {
  const rows = ratios.flatMap(({ of, to }) => {
    const [one, other] = [results.get(of), results.get(to)];
    return one && other ? [[of, to, (one.requestsPerSecond / other.requestsPerSecond).toFixed(2)]] : [];
  });
  return table(["throughput of", "÷ that of", "ratio"], rows);
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_name, column) => (column === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

export const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 0);
