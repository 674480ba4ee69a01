/** Where uploaded files are kept: two places that files are read from alike, and written to differently. */
import type { Readable } from "node:stream";
import type { DiskStore } from "./disk-store.ts";
import type { S3Store } from "./s3-store.ts";

export type UploadStore = DiskStore | S3Store;

export interface FileFacts {
  /** In bytes. */
  size: number;
  lastModified: Date;
}

/** Bytes of a file, both ends included. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface FileKeeper {
  /** Deletes the file; none is fine. */
  remove(key: string): Promise<void>;
  /** Null when there is no such file. */
  stat(key: string): Promise<FileFacts | null>;
  /** The bytes of a file that exists, or a part of them. */
  read(key: string, range: ByteRange | null): Promise<Readable>;
}

/** What a client posts as multipart/form-data: the fields, in this order, and then the file as `file`. */
export interface UploadForm {
  url: string;
  fields: Record<string, string>;
}
