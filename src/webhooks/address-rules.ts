/** Which addresses a webhook may be delivered to: the internet's, not those of the network that this server stands in. Pure. */
import { BlockList, isIP } from "node:net";

export interface AddressRules {
  isAllowed(address: string): boolean;
  /** Whether some internal addresses are allowed, so that a name has to be resolved before it can be refused. */
  allowsInternal: boolean;
}

// Two lists, because one takes every IPv4 address for its mapped IPv6 form too.
const INTERNAL_IPV4 = new BlockList();
const SPECIAL_IPV6 = new BlockList();
const GLOBAL_IPV6 = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10], // carrier-grade NAT
  ["127.0.0.0", 8],
  ["169.254.0.0", 16], // link-local, and clouds' metadata
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24], // documentation, as the next ones of 198.51 and 203
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15], // benchmarks
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4],
] as const)
  INTERNAL_IPV4.addSubnet(network, bits, "ipv4");
// All that is not of 2000::/3 is refused: loopback, mapped and compatible IPv4, NAT64, unique local, link-local, multicast.
GLOBAL_IPV6.addSubnet("2000::", 3, "ipv6");
for (const [network, bits] of [
  ["2001::", 23], // Teredo and other tunnels
  ["2001:db8::", 32],
  ["2002::", 16], // 6to4
  ["3fff::", 20], // documentation
] as const)
  SPECIAL_IPV6.addSubnet(network, bits, "ipv6");

/**
 * @param allowInternal lets webhooks point anywhere
 * @param allowedNetworks `address/bits`, or single addresses, that are allowed although they are internal
 */
export function createAddressRules({
  allowInternal,
  allowedNetworks,
}: {
  allowInternal: boolean;
  allowedNetworks: readonly string[];
}): AddressRules {
  const allowed = { 4: new BlockList(), 6: new BlockList() };
  for (const network of allowedNetworks) addNetwork(allowed, network);
  return { isAllowed, allowsInternal: allowInternal || allowedNetworks.length > 0 };

  function isAllowed(given: string): boolean {
    const address = given.replace(/%.*$/, ""); // the interface of a link-local address
    const version = isIP(address);
    if (version === 0) return false;
    if (allowInternal || !isInternalAddress(address)) return true;
    return version === 4 ? allowed[4].check(address, "ipv4") : allowed[6].check(address, "ipv6");
  }
}

/** Whether the IP address is of a network that is not the public internet. */
export function isInternalAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return INTERNAL_IPV4.check(address, "ipv4");
  return version === 0 || !GLOBAL_IPV6.check(address, "ipv6") || SPECIAL_IPV6.check(address, "ipv6");
}

function addNetwork(lists: Record<4 | 6, BlockList>, network: string): void {
  const [address = "", bits] = network.split("/");
  const version = isIP(address);
  if (version === 4) lists[4].addSubnet(address, bits === undefined ? 32 : Number(bits), "ipv4");
  else lists[6].addSubnet(address, bits === undefined ? 128 : Number(bits), "ipv6");
}
