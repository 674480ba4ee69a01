/** What `mortar doctor` finds in the configuration, on the disk and in the network. */
import { existsSync, statfsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import type { Config } from "../config/env.ts";
import { type Finding, hint, messageOf, ok, problem } from "./finding.ts";

const FETCH_TIMEOUT_MS = 5_000;

/** Settings that are each right and together are not. */
export function examineTogether(config: Config): Finding[] {
  const { PUBLIC_URL, HOST, TRUST_PROXY, RATE_LIMIT } = config;
  const isOpen = HOST !== "localhost" && !(isIP(HOST) !== 0 && /^(?:127\.|::1$)/.test(HOST));
  return [
    ...(isOpen && PUBLIC_URL === undefined
      ? [hint("configuration", "PUBLIC_URL is not set: links and files carry the address the server listens on")]
      : []),
    ...(PUBLIC_URL?.startsWith("https:") && TRUST_PROXY === ""
      ? [hint("configuration", "PUBLIC_URL is https and TRUST_PROXY is not set: the proxy counts as one client for rate limits")]
      : []),
    ...(RATE_LIMIT ? [] : [hint("configuration", "RATE_LIMIT is off: one client can take all")]),
  ];
}

/** The folder itself, or the nearest above it that exists. */
export function nearestExisting(folder: string): string {
  const above = join(folder, "..");
  return existsSync(folder) || above === folder ? folder : nearestExisting(above);
}

export function examineDisk({ DATA_DIR }: Pick<Config, "DATA_DIR">): Finding {
  const { bavail, blocks, bsize } = statfsSync(nearestExisting(DATA_DIR));
  return judgeDisk({ freeBytes: bavail * bsize, sizeBytes: blocks * bsize }, DATA_DIR);
}

const MIB = 2 ** 20;

export function judgeDisk({ freeBytes, sizeBytes }: { freeBytes: number; sizeBytes: number }, folder: string): Finding {
  const freePercent = sizeBytes === 0 ? 0 : Math.floor((freeBytes / sizeBytes) * 100);
  const text = `${Math.floor(freeBytes / MIB)} MiB (${freePercent} %) free at ${folder}`;
  if (freeBytes < 256 * MIB) return problem("disk", `${text}: make room, the database stops when there is none`);
  return freePercent < 20 ? hint("disk", `${text}: make room or a larger disk soon`) : ok("disk", text);
}

const Health = z.object({ status: z.literal("ok") });

/** Whether the address that clients are told leads to a server of ours. */
export async function examinePublicUrl({ PUBLIC_URL }: Pick<Config, "PUBLIC_URL">, get = globalThis.fetch): Promise<Finding> {
  const what = "public URL";
  if (PUBLIC_URL === undefined) return ok(what, "not set, nothing to reach");
  try {
    const answer = await get(`${PUBLIC_URL}/health`, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), redirect: "manual" });
    const { success } = Health.safeParse(await answer.json().catch(() => null));
    if (answer.ok && success) return ok(what, `${PUBLIC_URL} leads to a server`);
    return problem(what, `${PUBLIC_URL}/health answers ${answer.status}, and not as Mortar: check the proxy's target and paths`);
  } catch (error) {
    const reason = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    return problem(what, `${PUBLIC_URL} cannot be reached (${reason}): start the server, check name, certificate and firewall`);
  }
}
