/** Where a webhook may point: to the internet, not into the network that this server stands in. Source: management-api-v2 §5.12. */
import { BlockList, isIP } from "node:net";

export interface TargetRules {
  /** All addresses of a host; rejects when it has none. */
  resolveHost: (hostname: string) => Promise<string[]>;
  /** Lets a webhook point anywhere. */
  allowInternal: boolean;
}

/** Addresses to connect to, or why the target is refused. */
export type TargetVerdict = { addresses: string[] } | { issue: string };

const RESOLUTION_TIMEOUT_MS = 3_000;

const INTERNAL_HOST = /(^|\.)(localhost|localdomain|local|internal|intranet|lan|home\.arpa|svc)$/;

// Two lists, because one takes every IPv4 address for its mapped IPv6 form too.
const INTERNAL_IPV4 = new BlockList();
const INTERNAL_IPV6 = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10], // carrier-grade NAT
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24], // documentation, as the next two of 198 and 203
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15], // benchmarks
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4],
] as const)
  INTERNAL_IPV4.addSubnet(network, bits, "ipv4");
for (const [network, bits] of [
  ["::", 96], // unspecified, loopback, and IPv4 in its oldest disguise
  ["::ffff:0:0", 96], // IPv4 mapped
  ["::ffff:0:0:0", 96], // IPv4 translated
  ["64:ff9b::", 96], // NAT64
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23], // Teredo and other tunnels
  ["2001:db8::", 32],
  ["2002::", 16], // 6to4
  ["fc00::", 7], // unique local
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const)
  INTERNAL_IPV6.addSubnet(network, bits, "ipv6");

/**
 * Judges a URL. A name is as good as all of its addresses: one internal one is enough to refuse it. Who connects later
 * must connect to one of the `addresses`, because a name may point elsewhere by then.
 */
export async function judgeTarget(url: string, { resolveHost, allowInternal }: TargetRules): Promise<TargetVerdict> {
  if (!URL.canParse(url)) return { issue: "Invalid webhook URL format" };
  const { protocol, hostname } = new URL(url);
  if (protocol !== "https:" && protocol !== "http:") return { issue: "Webhook URL must use HTTPS or HTTP protocol" };
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (host === "") return { issue: "Invalid webhook URL format" };
  if (!allowInternal && INTERNAL_HOST.test(host))
    return { issue: "Webhook URL must not point to localhost or internal services" };
  const addresses = isIP(host) === 0 ? await resolveInTime(host, resolveHost) : [host];
  if (addresses === "timeout") return { issue: `DNS resolution timed out for webhook URL hostname: ${host}` };
  if (addresses.length === 0) return { issue: `Could not resolve webhook URL hostname: ${host}` };
  if (!allowInternal && addresses.some(isInternalAddress))
    return { issue: "Webhook URL must not point to private or internal IP addresses" };
  return { addresses };
}

/** Whether the IP address is of a network that is not the public internet. */
export function isInternalAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return INTERNAL_IPV4.check(address, "ipv4");
  return version === 0 || INTERNAL_IPV6.check(address, "ipv6");
}

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
