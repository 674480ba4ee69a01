/** Lists of many rows through the contracts of other vendors: how fast they are written, and how much memory they take. */
import { readFileSync, writeFileSync } from "node:fs";
import { type BuiltServer, startBuiltServer } from "./built-server.ts";
import { table } from "./report.ts";

const API_KEY = "fbk_a_key_for_measurements";
const ROWS = 10_000;
const PATIENCE_MS = 120_000;
const MEGABYTE = 1024 * 1024;
const FILE_BYTES = 49 * MEGABYTE;

interface BulkCall {
  name: string;
  path: string;
  type: string;
  rows: number;
  body: string | FormData;
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

/** What one row says, whichever the list; `variant` makes every list's rows its own. */
const userRow = (variant: string, n: number) => ({
  user_id: `${variant}-${n}`,
  company_id: `company-${n % 100}`,
  metadata: { name: `Ada ${n}`, email: `${variant}-${n}@example.com`, plan: n % 2 === 0 ? "pro" : "free", seats: n % 50 },
});

const importRow = (n: number) => ({
  event_type: n % 2 === 0 ? "identify_user" : "track",
  inserted_at: new Date(1_700_000_000_000 + n * 1_000).toISOString(),
  source: "backend-http-import",
  user_id: `import-${n % 5_000}`,
  event_name: `Event ${n % 20}`,
  metadata: { plan: n % 3 === 0 ? "pro" : "free", amount: n },
});

const lines = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join("\n");

function form(content: string, fileName: string): FormData {
  const data = new FormData();
  data.append("file", new Blob([content]), fileName);
  return data;
}

function calls(): BulkCall[] {
  const all = numbers(ROWS);
  const csv = (idOf: (n: number) => string) =>
    ["user_id,email,name,plan,seats", ...all.map((n) => `${idOf(n)},Ada ${n},${n % 2 === 0 ? "pro" : "free"},${n % 50}`)].join(
      "\n",
    );
  const filler = "x".repeat(Math.floor(FILE_BYTES / ROWS) - 300);
  return [
    {
      name: "Userpilot users, JSON",
      path: "/v1/users/bulk_identify",
      type: "application/json",
      rows: ROWS,
      body: JSON.stringify({ users: all.map((n) => userRow("json", n)) }),
    },
    {
      name: "Userpilot users, the same again",
      path: "/v1/users/bulk_identify",
      type: "application/x-ndjson",
      rows: ROWS,
      body: lines(all.map((n) => userRow("json", n))),
    },
    {
      name: "Userpilot companies",
      path: "/v1/companies/bulk_identify",
      type: "application/json",
      rows: ROWS,
      body: JSON.stringify({ companies: all.map((n) => ({ company_id: `c-${n}`, metadata: { plan: "pro", seats: n } })) }),
    },
    {
      name: "Userpilot import",
      path: "/v1/imports",
      type: "",
      rows: ROWS,
      body: form(lines(all.map(importRow)), "history.ndjson"),
    },
    {
      name: "Sprig users by id, CSV",
      path: "/v1/users/bulk",
      type: "text/csv",
      rows: ROWS,
      body: csv((n) => `csv-${n},c${n}@example.com`),
    },
    {
      name: "Sprig users by e-mail, CSV",
      path: "/v1/users/bulk",
      type: "text/csv",
      rows: ROWS,
      body: csv((n) => `,mail-${n}@example.com`),
    },
    {
      name: "Userpilot users, 49 MB as JSON",
      path: "/v1/users/bulk_identify",
      type: "application/json",
      rows: ROWS,
      body: JSON.stringify({ users: all.map((n) => ({ user_id: `large-${n}`, metadata: { filler } })) }),
    },
    {
      name: "Userpilot users, 49 MB in a form",
      path: "/v1/users/bulk_identify",
      type: "",
      rows: ROWS,
      body: form(lines(all.map((n) => ({ user_id: `large-${n}`, metadata: { filler: `${filler}x` } }))), "users.ndjson"),
    },
    {
      name: "Sprig users, 49 MB of CSV",
      path: "/v1/users/bulk",
      type: "text/csv",
      rows: ROWS,
      body: ["user_id,filler", ...all.map((n) => `large-${n},${filler}yy`)].join("\n"),
    },
  ];
}

/** One list after another on a server of its own. `total` is from the first byte sent until the last row is written. */
export async function measureBulk(): Promise<string> {
  const server = await startBuiltServer({ BOOTSTRAP_API_KEY: API_KEY, RATE_LIMIT: "off" });
  try {
    await run(server, {
      name: "",
      path: "/v1/users/bulk_identify",
      type: "application/json",
      rows: 1,
      body: JSON.stringify({ users: [userRow("first", 0)] }),
    });
    const rows: string[][] = [];
    for (const call of calls()) {
      const before = resetPeak(server.pid);
      const { answeredMs, totalMs } = await run(server, call);
      const peak = peakMegabytes(server.pid);
      rows.push([
        call.name,
        answeredMs.toFixed(0),
        totalMs.toFixed(0),
        ((call.rows / totalMs) * 1_000).toFixed(0),
        before === null || peak === null ? "?" : `${before.toFixed(0)} → ${peak.toFixed(0)}`,
      ]);
    }
    return table(["list of 10,000 rows", "answered ms", "total ms", "rows/s", "resident MB, before → peak"], rows);
  } finally {
    await server.stop();
  }
}

async function run({ url }: BuiltServer, { name, path, type, rows, body }: BulkCall) {
  const authorization = `${path.endsWith("/bulk") ? "API-Key" : "Token"} ${API_KEY}`;
  const start = performance.now();
  const response = await fetch(url + path, {
    method: "POST",
    headers: { authorization, ...(type !== "" && { "content-type": type }) },
    body,
  });
  const answered = performance.now();
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${name}: ${response.status} ${JSON.stringify(answer)}`);
  const links = property(answer, "links");
  if (typeof links === "string") await settled(url + links, authorization, rows);
  else if (property(answer, "accepted") !== rows) throw new Error(`${name}: ${JSON.stringify(answer).slice(0, 500)}`);
  return { answeredMs: answered - start, totalMs: performance.now() - start };
}

async function settled(job: string, authorization: string, rows: number): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; ) {
    const answer: unknown = await (await fetch(job, { headers: { authorization } })).json();
    if (property(answer, "status") === "completed") {
      if (property(answer, "completed_rows") === rows && property(answer, "failed_row_count") === 0) return;
      throw new Error(`rows failed: ${JSON.stringify(answer).slice(0, 500)}`);
    }
    await new Promise((resume) => setTimeout(resume, 20));
  }
  throw new Error(`${job} does not end`);
}

const property = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

/** Has the kernel count the peak anew; answers the resident megabytes of now, null where there is no `/proc`. */
function resetPeak(pid: number): number | null {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
  } catch {
    return null;
  }
  return peakMegabytes(pid);
}

function peakMegabytes(pid: number): number | null {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? null : Number(kilobytes) / 1024;
  } catch {
    return null;
  }
}
