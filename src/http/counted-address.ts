/**
 * What stands for a client's address where its requests are counted: of IPv6 the network of 64 bits, for whoever has one
 * address of it has all of them; of an IPv4 address in IPv6 form the IPv4 address.
 */
export function countedAddress(ip: string): string {
  if (!ip.includes(":")) return ip;
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip) ?? [];
  if (mapped !== undefined) return mapped;
  const [head = "", tail] = ip.replace(/%.*$/, "").split("::"); // %: the interface of a link-local address
  const [left, right] = [groupsOf(head), groupsOf(tail ?? "")];
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: missing }, () => "0"), ...right];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}

/** Groups of 16 bits; an IPv4 address at the end is two of them. */
const groupsOf = (part: string): string[] =>
  part === "" ? [] : part.split(":").flatMap((group) => (group.includes(".") ? ["0", "0"] : [group]));
