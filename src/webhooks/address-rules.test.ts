import { describe, expect, it } from "vitest";
import { createAddressRules, isInternalAddress } from "./address-rules.ts";

/** Both ends of each range, and the neighbours outside of it that are public. */
const INTERNAL = [
  ["0.0.0.0", "0.255.255.255"],
  ["10.0.0.0", "10.255.255.255"],
  ["100.64.0.0", "100.127.255.255"],
  ["127.0.0.0", "127.0.0.1", "127.255.255.255"],
  ["169.254.0.0", "169.254.169.254", "169.254.255.255"],
  ["172.16.0.0", "172.31.255.255"],
  ["192.0.0.0", "192.0.0.255"],
  ["192.0.2.1", "192.88.99.1"],
  ["192.168.0.0", "192.168.255.255"],
  ["198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.1"],
  ["224.0.0.0", "225.0.0.1", "239.255.255.255"],
  ["240.0.0.0", "241.0.0.1", "254.255.255.255", "255.255.255.255"],
  ["::", "::1", "::2", "::127.0.0.1", "::93.184.216.34"], // unspecified, loopback, IPv4-compatible
  ["::ffff:127.0.0.1", "::ffff:a00:1", "::ffff:93.184.216.34"], // IPv4-mapped
  ["::ffff:0:127.0.0.1"], // IPv4-translated
  ["64:ff9b::7f00:1", "64:ff9b:1::a00:1"], // NAT64
  ["100::1"], // discard
  ["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:20::1", "2001:db8::1"], // Teredo, ORCHID, documentation
  ["2002:7f00:1::", "2002:a00:1::1"], // 6to4
  ["3fff::1"],
  ["fc00::1", "fdff::1"],
  ["fe80::1", "fe90::1", "febf::1", "fec0::1"],
  ["ff02::1", "ff0e::1"],
].flat();

const PUBLIC = [
  ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1"],
  ["169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.167.255.255", "192.169.0.0"],
  ["198.17.255.255", "198.20.0.0", "223.255.255.255", "93.184.216.34", "8.8.8.8"],
  ["2001:200::1", "2001:4860:4860::8888", "2606:2800:220:1::1", "2a00:1450:4001:80b::200e", "2003::1"],
].flat();

describe("isInternalAddress", () => {
  it.each(INTERNAL)("is true of %s", (address) => expect(isInternalAddress(address)).toBe(true));
  it.each(PUBLIC)("is false of %s", (address) => expect(isInternalAddress(address)).toBe(false));
  it.each(["", "localhost", "2130706433", "127.1", "0x7f.1", "1.2.3.4.5"])(
    "takes %j, which is no address, for internal",
    (text) => expect(isInternalAddress(text)).toBe(true),
  );
});

describe("createAddressRules", () => {
  it("allows public addresses only", () => {
    const { isAllowed, allowsInternal } = createAddressRules({ allowInternal: false, allowedNetworks: [] });
    expect(allowsInternal).toBe(false);
    expect(PUBLIC.filter((address) => !isAllowed(address))).toEqual([]);
    expect(INTERNAL.filter(isAllowed)).toEqual([]);
  });

  it("judges a link-local address with an interface as one without", () => {
    expect(createAddressRules({ allowInternal: false, allowedNetworks: [] }).isAllowed("fe80::1%eth0")).toBe(false);
    expect(createAddressRules({ allowInternal: false, allowedNetworks: ["fe80::/10"] }).isAllowed("fe80::1%eth0")).toBe(true);
  });

  it("allows the networks and single addresses it is given besides", () => {
    const allowedNetworks = ["10.1.0.0/16", "127.0.0.1", "fd12::/16", "::1"];
    const { isAllowed, allowsInternal } = createAddressRules({ allowInternal: false, allowedNetworks });
    expect(allowsInternal).toBe(true);
    expect(["10.1.0.1", "10.1.255.255", "127.0.0.1", "fd12::1", "::1", "8.8.8.8"].filter((each) => !isAllowed(each))).toEqual([]);
    const refused = ["10.2.0.1", "127.0.0.2", "fd13::1", "::2", "::ffff:10.1.0.1", "::ffff:127.0.0.1", "169.254.169.254"];
    expect(refused.filter(isAllowed)).toEqual([]);
  });

  it("allows everything that is an address when told so", () => {
    const { isAllowed } = createAddressRules({ allowInternal: true, allowedNetworks: [] });
    expect(INTERNAL.filter((address) => !isAllowed(address))).toEqual([]);
    expect(isAllowed("nonsense")).toBe(false);
  });
});
