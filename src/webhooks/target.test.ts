import { describe, expect, it, vi } from "vitest";
import { createAddressRules } from "./address-rules.ts";
import { judgeTarget } from "./target.ts";

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
const judge = (url: string, allowInternal = false, allowedNetworks: string[] = []) =>
  judgeTarget(url, { resolveHost, addresses: createAddressRules({ allowInternal, allowedNetworks }) });

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
    ["https://user@hooks.example/x", "Webhook URL must not contain a user name or password"],
    ["https://:secret@hooks.example/x", "Webhook URL must not contain a user name or password"],
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

  it("lets a webhook point into a network that is allowed, and no other", async () => {
    expect(await judge("https://inside.example/x", false, ["10.0.0.0/8"])).toEqual({ addresses: HOSTS["inside.example"] });
    expect(await judge("http://10.1.2.3/x", false, ["10.0.0.0/8"])).toEqual({ addresses: ["10.1.2.3"] });
    expect(await judge("http://127.0.0.1/x", false, ["10.0.0.0/8"])).toHaveProperty("issue");
  });

  it("gives up on a name after three seconds", async () => {
    vi.useFakeTimers();
    try {
      const verdict = judgeTarget("https://slow.example/x", {
        resolveHost: () => new Promise(() => {}),
        addresses: createAddressRules({ allowInternal: false, allowedNetworks: [] }),
      });
      await vi.advanceTimersByTimeAsync(3_000);
      expect(await verdict).toEqual({ issue: "DNS resolution timed out for webhook URL hostname: slow.example" });
    } finally {
      vi.useRealTimers();
    }
  });
});
