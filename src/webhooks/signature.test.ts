import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { signMessage } from "./signature.ts";

/** The test vector of the specification. */
const SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const BODY = '{"webhookId":"cmwh00000000000000000001","event":"responseFinished","data":{"id":"cmresp0000000000000000001"}}';
const SIGNATURE = "v1,UI7bc59A1IwtYmfCcZ3tB9IkWBFHIzLo9o75U3io3Ck=";

describe("signMessage", () => {
  it("makes the signature of the test vector", () => {
    expect(signMessage({ id: "msg_0001", timestamp: 1767225600, body: BODY }, [SECRET])).toBe(SIGNATURE);
  });

  it("takes a secret without its prefix for the same", () => {
    const message = { id: "msg_0001", timestamp: 1767225600, body: BODY };
    expect(signMessage(message, [SECRET.slice("whsec_".length)])).toBe(SIGNATURE);
  });

  it("makes what the reference library accepts, with either of two secrets", () => {
    const other = `whsec_${Buffer.from("another secret of 32 bytes......").toString("base64")}`;
    const message = { id: "msg_1", timestamp: Math.floor(Date.now() / 1000), body: '{"ä":"\u{1F600}"}' };
    const signature = signMessage(message, [SECRET, other]);
    expect(signature).toMatch(/^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/);
    const headers = {
      "webhook-id": message.id,
      "webhook-timestamp": String(message.timestamp),
      "webhook-signature": signature,
    };
    for (const secret of [SECRET, other])
      expect(new Webhook(secret).verify(message.body, headers)).toEqual(JSON.parse(message.body));
    expect(() => new Webhook(`whsec_${Buffer.from("x").toString("base64")}`).verify(message.body, headers)).toThrow();
  });
});
