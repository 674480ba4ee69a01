import { describe, expect, it } from "vitest";
import { readConfig } from "../config/env.ts";
import { judgeClock, judgeSettings } from "./doctor-database.ts";
import { examinePublicUrl, examineTogether, judgeDisk } from "./doctor-surroundings.ts";

const GOOD = {
  connections: 100,
  reserved: 3,
  encoding: "UTF8",
  fsync: "on",
  fullPageWrites: "on",
  autovacuum: "on",
  isReadOnly: false,
};

describe("the database's settings", () => {
  it("are not spoken of when they suit", () => {
    expect(judgeSettings(GOOD, { DATABASE_POOL_SIZE: 8 })).toEqual([]);
  });

  it.each([
    [{ isReadOnly: true }, "problem", /read-only/],
    [{ encoding: "SQL_ASCII" }, "problem", /SQL_ASCII/],
    [{ fsync: "off" }, "problem", /power cut/],
    [{ fullPageWrites: "off" }, "problem", /power cut/],
    [{ autovacuum: "off" }, "hint", /autovacuum/],
    [{ connections: 12 }, "problem", /leaves 9, and a server takes 12/],
    [{ connections: 20 }, "hint", /leaves 17 and a server takes 12/],
  ])("%j is a %s", (deviation, level, text) => {
    const findings = judgeSettings({ ...GOOD, ...deviation }, { DATABASE_POOL_SIZE: 8 });
    expect(findings).toEqual([{ what: "settings", level, text: expect.stringMatching(text) }]);
  });
});

describe("the clock", () => {
  it.each([
    [10_500, "ok"],
    [8_500, "ok"],
    [7_000, "problem"],
    [14_000, "problem"],
    [Number.NaN, "problem"],
  ])("the database's at %d ms, while ours went from 10,000 to 11,000, is: %s", (databaseMs, level) => {
    expect(judgeClock(databaseMs, { before: 10_000, after: 11_000 }).level).toBe(level);
  });
});

describe("the disk", () => {
  const GIB = 2 ** 30;
  it.each([
    [{ freeBytes: 30 * GIB, sizeBytes: 100 * GIB }, "ok"],
    [{ freeBytes: 19 * GIB, sizeBytes: 100 * GIB }, "hint"],
    [{ freeBytes: GIB / 8, sizeBytes: GIB / 4 }, "problem"],
    [{ freeBytes: 0, sizeBytes: 0 }, "problem"],
  ])("with %j is: %s", (disk, level) => {
    expect(judgeDisk(disk, "/data")).toMatchObject({ what: "disk", level, text: expect.stringContaining("free at /data") });
  });
});

describe("settings that go together", () => {
  it.each([
    [{}, []],
    [{ HOST: "0.0.0.0" }, [/PUBLIC_URL is not set/]],
    [{ HOST: "0.0.0.0", PUBLIC_URL: "https://a.example" }, [/TRUST_PROXY/]],
    [{ PUBLIC_URL: "https://a.example", TRUST_PROXY: "1" }, []],
    [{ RATE_LIMIT: "off" }, [/RATE_LIMIT is off/]],
  ])("%j", (environment, texts) => {
    const findings = examineTogether(readConfig(environment));
    expect(findings).toEqual(texts.map((text) => ({ what: "configuration", level: "hint", text: expect.stringMatching(text) })));
  });
});

describe("the public URL", () => {
  const PUBLIC_URL = "https://surveys.example";
  const answering =
    (body: string, status = 200) =>
    async () =>
      new Response(body, { status });

  it("is right when a server of ours answers", async () => {
    const finding = await examinePublicUrl({ PUBLIC_URL }, answering('{"status":"ok"}'));
    expect(finding).toEqual({ what: "public URL", level: "ok", text: `${PUBLIC_URL} leads to a server` });
    expect((await examinePublicUrl({ PUBLIC_URL: undefined }, answering(""))).level).toBe("ok");
  });

  it.each([
    ["another program", answering("<html>")],
    ["another program's JSON", answering('{"status":"fine"}')],
    ["an error of the proxy", answering('{"status":"ok"}', 502)],
  ])("is a problem when %s answers", async (_, get) => {
    expect(await examinePublicUrl({ PUBLIC_URL }, get)).toMatchObject({
      level: "problem",
      text: expect.stringContaining("check"),
    });
  });

  it("is a problem when nobody answers, and the reason is told", async () => {
    const get = () =>
      Promise.reject(new TypeError("fetch failed", { cause: new Error("getaddrinfo ENOTFOUND surveys.example") }));
    expect(await examinePublicUrl({ PUBLIC_URL }, get)).toMatchObject({
      level: "problem",
      text: expect.stringContaining("ENOTFOUND"),
    });
  });
});
