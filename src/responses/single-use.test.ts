import { describe, expect, it } from "vitest";
import { createSingleUseLinks, type SingleUseCheck } from "./single-use.ts";

const links = createSingleUseLinks({ encryptionKey: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" });
const surveyId = "clgoldsvlink2000000000000";
const suId = "clgoldsingleuse0000000001";
const suToken = "3a96b09cda38383e56cda547634178bc0cc2e2fa3f038bca4f99be1580204252";
const urlWith = (query: Record<string, string>) => `https://x.example/s/${surveyId}?${new URLSearchParams(query)}`;

describe("plain single-use links", () => {
  const check = (changes: Partial<SingleUseCheck>) =>
    links.check({ surveyId, isEncrypted: false, singleUseId: suId, url: urlWith({ suId, suToken }), ...changes });

  it("carry the signature that other servers with the same key make", () => {
    expect(links.buildQuery(surveyId, suId, false)).toEqual({ suId, suToken });
    expect(check({})).toBeNull();
  });

  it.each<[string, Partial<SingleUseCheck>, Record<string, string>]>([
    ["no id", { singleUseId: undefined }, { message: "Missing single use id" }],
    ["an empty id", { singleUseId: "" }, { message: "Missing single use id" }],
    ["no URL", { url: undefined }, { message: "Missing or invalid URL in response metadata" }],
    ["what is no URL", { url: "not a url" }, { message: "Invalid URL in response metadata", error: "Invalid URL" }],
    ["a URL without id", { url: "https://x.example/s/1" }, { message: "Missing single use id" }],
    ["no token", { url: urlWith({ suId }) }, { message: "Invalid single use id" }],
    ["a wrong token", { url: urlWith({ suId, suToken: "abc" }) }, { message: "Invalid single use id" }],
    ["another id than the link's", { singleUseId: "clgoldsingleuse0000000002" }, { message: "Invalid single use id" }],
    ["another survey", { surveyId: "clother" }, { message: "Invalid single use id" }],
    ["an encrypted link's survey", { isEncrypted: true }, { message: "Invalid single use id" }],
  ])("are refused with %s", (_, changes, failure) => {
    expect(check(changes)).toEqual(failure);
  });
});

describe("encrypted single-use links", () => {
  const query = links.buildQuery(surveyId, suId, true);
  const check = (changes: Partial<SingleUseCheck>) =>
    links.check({ surveyId, isEncrypted: true, singleUseId: suId, url: urlWith(query), ...changes });

  it("hide the id and let it in", () => {
    expect(Object.keys(query)).toEqual(["suId"]);
    expect(query.suId).not.toContain(suId);
    expect(check({})).toBeNull();
  });

  it.each<[string, Partial<SingleUseCheck>]>([
    ["another id", { singleUseId: "clgoldsingleuse0000000002" }],
    ["another survey", { surveyId: "clother" }],
    ["the plain id", { url: urlWith({ suId, suToken }) }],
    ["an altered id", { url: urlWith({ suId: `${query.suId?.slice(0, -4)}AAAA` }) }],
    [
      "another server's link",
      { url: urlWith(createSingleUseLinks({ encryptionKey: "x".repeat(32) }).buildQuery(surveyId, suId, true)) },
    ],
  ])("are refused with %s", (_, changes) => {
    expect(check(changes)).toEqual({ message: "Invalid single use id" });
  });
});
