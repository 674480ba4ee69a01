/** Where a webhook may point, as it is judged when it is made. Source: management-api-v2 §5.12, webhooks §7. */
import { isIP } from "node:net";
import type { AddressRules } from "./address-rules.ts";

export interface TargetRules {
  /** All addresses of a host; rejects when it has none. */
  resolveHost: (hostname: string) => Promise<string[]>;
  addresses: AddressRules;
}

/** Addresses that the host has now, or why the target is refused. */
export type TargetVerdict = { addresses: string[] } | { issue: string };

const RESOLUTION_TIMEOUT_MS = 3_000;

const INTERNAL_HOST = /(^|\.)(localhost|localdomain|local|internal|intranet|lan|home\.arpa|svc)$/;

/**
 * Judges a URL. A name is as good as all of its addresses: one internal one is enough to refuse it. The name may point
 * elsewhere by the time of a delivery, so the sender judges the address that it connects to again (sender.ts).
 */
export async function judgeTarget(url: string, { resolveHost, addresses: rules }: TargetRules): Promise<TargetVerdict> {
  if (!URL.canParse(url)) return { issue: "Invalid webhook URL format" };
  const { protocol, hostname, username, password } = new URL(url);
  if (protocol !== "https:" && protocol !== "http:") return { issue: "Webhook URL must use HTTPS or HTTP protocol" };
  if (username !== "" || password !== "") return { issue: "Webhook URL must not contain a user name or password" };
  const host = bareHost(hostname);
  if (host === "") return { issue: "Invalid webhook URL format" };
  if (!rules.allowsInternal && INTERNAL_HOST.test(host))
    return { issue: "Webhook URL must not point to localhost or internal services" };
  const addresses = isIP(host) === 0 ? await resolveInTime(host, resolveHost) : [host];
  if (addresses === "timeout") return { issue: `DNS resolution timed out for webhook URL hostname: ${host}` };
  if (addresses.length === 0) return { issue: `Could not resolve webhook URL hostname: ${host}` };
  if (!addresses.every(rules.isAllowed)) return { issue: "Webhook URL must not point to private or internal IP addresses" };
  return { addresses };
}

/** A URL's host as DNS has it: without the brackets of an IPv6 address and without the dot of a full name. */
export const bareHost = (hostname: string): string => hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");

/** Empty when the host cannot be resolved. */
async function resolveInTime(host: string, resolveHost: TargetRules["resolveHost"]): Promise<string[] | "timeout"> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<"timeout">((resolve) => {
    timer = setTimeout(resolve, RESOLUTION_TIMEOUT_MS, "timeout");
  });
  try {
    return await Promise.race([resolveHost(host).catch(() => []), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
