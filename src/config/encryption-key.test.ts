import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StartError } from "../shared/start-error.ts";
import { completeConfig } from "./encryption-key.ts";
import { readConfig } from "./env.ts";

describe("completeConfig", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mortar-key-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("makes a key that only its owner may read, and keeps to it", () => {
    const config = readConfig({ DATA_DIR: join(folder, "data") });
    const { ENCRYPTION_KEY } = completeConfig(config);
    const file = join(folder, "data/encryption.key");
    expect(ENCRYPTION_KEY).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(readFileSync(file, "utf8")).toBe(`${ENCRYPTION_KEY}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(completeConfig(config).ENCRYPTION_KEY).toBe(ENCRYPTION_KEY);
  });

  it("prefers the key that was given, and writes nothing then", () => {
    const given = "0123456789012345678901234567890123456789";
    const config = readConfig({ DATA_DIR: join(folder, "data"), ENCRYPTION_KEY: given });
    expect(completeConfig(config).ENCRYPTION_KEY).toBe(given);
    expect(() => statSync(join(folder, "data"))).toThrow("ENOENT");
  });

  it("refuses a file that has no key in it instead of encrypting with nothing", () => {
    writeFileSync(join(folder, "encryption.key"), "\n");
    expect(() => completeConfig(readConfig({ DATA_DIR: folder }))).toThrow(StartError);
  });
});
