import { describe, expect, it } from "vitest";
import { hashContent, requestKey } from "./request-identity.ts";

const sender = { idempotencyKey: null, ipAddress: "192.0.2.1", userAgent: "Browser" };
const request = { sender, displayId: null, ttc: { q1: 1027.3999 }, contentHash: hashContent({ q1: "a" }) };

describe("requestKey", () => {
  it("is the client's own, whatever else there is", () => {
    const keyed = { ...sender, idempotencyKey: "k" };
    expect(requestKey({ ...request, sender: keyed })).toBe("key:k");
    expect(requestKey({ ...request, sender: keyed, displayId: "c1", ttc: {} })).toBe("key:k");
  });

  it("is the content of a response with a measured time", () => {
    const key = requestKey(request);
    expect(key).toMatch(/^content:[\w-]{43}$/);
    expect(requestKey({ ...request })).toBe(key);
    expect(requestKey({ ...request, contentHash: hashContent({ q1: "b" }) })).not.toBe(key);
    expect(requestKey({ ...request, sender: { ...sender, ipAddress: "192.0.2.2" } })).not.toBe(key);
    expect(requestKey({ ...request, sender: { ...sender, userAgent: undefined } })).not.toBe(key);
  });

  it("is none for answers that another person may give just so", () => {
    expect(requestKey({ ...request, ttc: undefined })).toBeNull();
    expect(requestKey({ ...request, ttc: {} })).toBeNull();
    expect(requestKey({ ...request, ttc: { q1: 900 } })).toBeNull();
  });

  it("is none for a response that its display identifies", () => {
    expect(requestKey({ ...request, displayId: "c1" })).toBeNull();
  });
});
