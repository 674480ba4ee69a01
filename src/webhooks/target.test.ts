import { describe, expect, it, vi } from "vitest";
import { isInternalAddress, judgeTarget } from "./target.ts";

const PUBLIC = "93.184.216.34";
const HOSTS: Record<string, string[]> = {
  "hooks.example": [PUBLIC, "2606:2800:220:1::1"],
  "inside.example": [PUBLIC, "10.0.0.7"],
};
const resolveHost = async (hostname: string) => {
  const addresses = HOSTS[hostname];
  if (!addresses) throw new Error("ENOTFOUND");
  return addresses;
};
const judge = (url: string, allowInternal = false) => judgeTarget(url, { resolveHost, allowInternal });

describe("judgeTarget", () => {
  it("gives the addresses of a public host, whatever its port and spelling", async () => {
    expect(await judge("https://hooks.example/x")).toEqual({ addresses: HOSTS["hooks.example"] });
    expect(await judge("http://HOOKS.example.:8080/x")).toEqual({ addresses: HOSTS["hooks.example"] });
    expect(await judge(`http://${PUBLIC}/x`)).toEqual({ addresses: [PUBLIC] });
  });

  it.each([
    ["nope", "Invalid webhook URL format"],
    ["ftp://hooks.example/x", "Webhook URL must use HTTPS or HTTP protocol"],
    ["javascript:alert(1)", "Webhook URL must use HTTPS or HTTP protocol"],
    ["http://localhost:9/x", "Webhook URL must not point to localhost or internal services"],
    ["http://a.localhost./x", "Webhook URL must not point to localhost or internal services"],
    ["http://metadata.google.internal/x", "Webhook URL must not point to localhost or internal services"],
    ["http://10.0.0.1/x", "Webhook URL must not point to private or internal IP addresses"],
    ["http://0x7f.1/x", "Webhook URL must not point to private or internal IP addresses"],
    ["http://[::1]/x", "Webhook URL must not point to private or internal IP addresses"],
    ["http://[::ffff:93.184.216.34]/x", "Webhook URL must not point to private or internal IP addresses"],
    ["https://inside.example/x", "Webhook URL must not point to private or internal IP addresses"],
    ["https://hooks.invalid/x", "Could not resolve webhook URL hostname: hooks.invalid"],
  ])("refuses %s", async (url, issue) => {
    expect(await judge(url)).toEqual({ issue });
  });

  it("lets a webhook point anywhere when told so, but not to nothing", async () => {
    expect(await judge("http://127.0.0.1/x", true)).toEqual({ addresses: ["127.0.0.1"] });
    expect(await judge("https://inside.example/x", true)).toEqual({ addresses: HOSTS["inside.example"] });
    expect(await judge("ftp://127.0.0.1/x", true)).toEqual({ issue: "Webhook URL must use HTTPS or HTTP protocol" });
    expect(await judge("http://localhost/x", true)).toEqual({ issue: "Could not resolve webhook URL hostname: localhost" });
  });

  it("gives up on a name after three seconds", async () => {
    vi.useFakeTimers();
    try {
      const verdict = judgeTarget("https://slow.example/x", { resolveHost: () => new Promise(() => {}), allowInternal: false });
      await vi.advanceTimersByTimeAsync(3_000);
      expect(await verdict).toEqual({ issue: "DNS resolution timed out for webhook URL hostname: slow.example" });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("isInternalAddress", () => {
  it.each([
    "127.8.9.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
  ])("is true of %s", (address) => expect(isInternalAddress(address)).toBe(true));
  it.each(["::", "::1", "fd00::1", "fe80::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "not an address"])(
    "is true of %s",
    (address) => expect(isInternalAddress(address)).toBe(true),
  );
  it.each([PUBLIC, "172.32.0.1", "8.8.8.8", "2606:2800:220:1::1", "2a00:1450:4001:80b::200e"])("is false of %s", (address) =>
    expect(isInternalAddress(address)).toBe(false),
  );
});
