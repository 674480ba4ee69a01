import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FolderLock, type LockHolder, lockFolder } from "./folder-lock.ts";
import { startTimeOf } from "./processes.ts";

describe("lockFolder", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mortar-lock-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (name: string, holder: LockHolder) => writeFileSync(join(folder, name), `${holder.pid} ${holder.startTime}\n`);
  const parent: LockHolder = { pid: process.ppid, startTime: startTimeOf(process.ppid) };

  it("takes a free folder, and again after its release", () => {
    release(lockFolder(folder));
    release(lockFolder(folder));
  });

  it("returns the living holder", () => {
    write("owner.lock", parent);
    expect(lockFolder(folder)).toEqual(parent);
  });

  it("takes over from a process whose pid another one has got since", () => {
    write("owner.lock", { ...parent, startTime: "1" });
    release(lockFolder(folder));
  });

  it("leaves a dead holder's lock to whoever is taking it over, unless that one died too", () => {
    write("owner.lock", { ...parent, startTime: "1" });
    write("owner.lock.claim", parent);
    expect(lockFolder(folder)).toEqual(parent);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(join(folder, "owner.lock.claim"), longAgo, longAgo);
    release(lockFolder(folder));
  });

  it("does not release a lock that has become another's", () => {
    const lock = lockFolder(folder);
    write("owner.lock", parent);
    release(lock);
    expect(readFileSync(join(folder, "owner.lock"), "utf8")).toBe(`${parent.pid} ${parent.startTime}\n`);
  });
});

function release(lock: FolderLock | LockHolder): void {
  if (!("release" in lock)) throw new Error(`held by ${lock.pid}`);
  lock.release();
}
