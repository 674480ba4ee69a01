/** The two descriptions in a backup: what follows, at its beginning, and what it was, at its end. */
import { createHash, createHmac } from "node:crypto";
import { z } from "zod";
import { ArchiveError } from "./tar.ts";

export const HEADER_NAME = "header.json";
export const MANIFEST_NAME = "manifest.json";
/** As `sha256sum` writes and checks it. */
export const MANIFEST_SUM_NAME = "manifest.json.sha256";

const FORMAT = "mortar-backup";
const FORMAT_VERSION = 1;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Count = z.number().int().min(0);

const Header = z.object({
  format: z.literal(FORMAT),
  formatVersion: z.literal(FORMAT_VERSION),
  /** The release that wrote it. */
  mortarVersion: z.string(),
  createdAt: z.iso.datetime(),
  /** Which migrations its tables have; a checksum is that of the file. */
  migrations: z.array(z.object({ name: z.string(), checksum: Sha256 })),
  /** In the order in which they follow. */
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()) })),
  /** Whether uploaded files follow; `elsewhere`: they are in an S3 bucket. */
  files: z.enum(["included", "excluded", "elsewhere"]),
  /** Tells whether a key is the one that its secrets are sealed with. */
  encryptionKeyMark: z.string(),
});

const Manifest = z.object({
  /** Of the uncompressed COPY text. */
  tables: z.array(z.object({ name: z.string(), rows: Count, bytes: Count, sha256: Sha256 })),
  /** The last number that each sequence gave; null: none. */
  sequences: z.array(z.object({ name: z.string(), last: Count.nullable() })),
  /** Of all files in their order: each its key, a line feed, its size, a line feed and its bytes. */
  files: z.object({ count: Count, bytes: Count, sha256: Sha256 }),
  /** Of `header.json`. */
  headerSha256: Sha256,
});

export type BackupHeader = z.infer<typeof Header>;
export type BackupManifest = z.infer<typeof Manifest>;

/** Throws {@link ArchiveError} when it is not one of ours or of a later format. */
export function parseHeader(text: string): BackupHeader {
  const raw = z.object({ format: z.literal(FORMAT), formatVersion: z.number() }).safeParse(parseJson(text));
  if (!raw.success) throw new ArchiveError("this is no backup of Mortar");
  if (raw.data.formatVersion !== FORMAT_VERSION)
    throw new ArchiveError(`the backup has format ${raw.data.formatVersion}, this release reads ${FORMAT_VERSION}`);
  return parseWith(Header, text, HEADER_NAME);
}

export const parseManifest = (text: string): BackupManifest => parseWith(Manifest, text, MANIFEST_NAME);

export const makeHeader = (facts: Omit<BackupHeader, "format" | "formatVersion">): BackupHeader => ({
  format: FORMAT,
  formatVersion: FORMAT_VERSION,
  ...facts,
});

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The content of {@link MANIFEST_SUM_NAME}. */
export const sumOfManifest = (text: string): string => `${sha256(text)}  ${MANIFEST_NAME}\n`;

/** A short mark by which a key is known again, and which says nothing of it. */
export const markOfKey = (encryptionKey: string): string =>
  createHmac("sha256", encryptionKey).update("mortar backup").digest("hex").slice(0, 16);

function parseWith<Shape>(schema: z.ZodType<Shape>, text: string, name: string): Shape {
  const result = schema.safeParse(parseJson(text));
  if (!result.success) throw new ArchiveError(`the archive is damaged: ${name} is not as it should be`);
  return result.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
