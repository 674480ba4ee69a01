/** Uploaded files in an S3-compatible bucket. Clients upload to it directly, and read through this server. */
import { Readable } from "node:stream";
import { Problem } from "../shared/problem.ts";
import type { ByteRange, FileFacts, FileKeeper, UploadForm } from "./store.ts";

export interface S3Options {
  bucket: string;
  region: string;
  /** Undefined: Amazon's. */
  endpoint: string | undefined;
  /** Undefined: found by the SDK in its usual places. */
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
  forcePathStyle: boolean;
}

export interface S3Store extends FileKeeper {
  kind: "s3";
  /** A form for one file of this type and at most this size, signed without a call to the store. */
  presignUpload(upload: { key: string; contentType: string; maxBytes: number; lifetimeMs: number }): Promise<UploadForm>;
}

/** The SDK is large, so it is loaded at the first use. What goes wrong is thrown as `unexpected` with a code for SDKs. */
export function createS3Store({ bucket, region, endpoint, credentials, forcePathStyle }: S3Options): S3Store {
  let loading: ReturnType<typeof load> | undefined;
  return { kind: "s3", presignUpload, stat, read, remove };

  async function load() {
    const [sdk, { createPresignedPost }] = await Promise.all([
      import("@aws-sdk/client-s3"),
      import("@aws-sdk/s3-presigned-post"),
    ]);
    const client = new sdk.S3Client({
      region,
      forcePathStyle,
      maxAttempts: 2,
      requestHandler: { connectionTimeout: 2_500, requestTimeout: 15_000 },
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials && { credentials }),
    });
    return { ...sdk, createPresignedPost, client };
  }

  function sdk() {
    loading ??= load();
    return loading;
  }

  async function presignUpload({
    key,
    contentType,
    maxBytes,
    lifetimeMs,
  }: Parameters<S3Store["presignUpload"]>[0]): Promise<UploadForm> {
    const { createPresignedPost, client } = await sdk();
    return createPresignedPost(client, {
      Bucket: bucket,
      Key: key,
      Expires: Math.round(lifetimeMs / 1_000),
      Fields: { "Content-Type": contentType, success_action_status: "201" },
      Conditions: [["content-length-range", 0, maxBytes]],
    }).catch((error: unknown) => {
      throw misconfigured(error);
    });
  }

  async function stat(key: string): Promise<FileFacts | null> {
    const { client, HeadObjectCommand } = await sdk();
    try {
      const facts = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      return { size: facts.ContentLength ?? 0, lastModified: facts.LastModified ?? new Date(0) };
    } catch (error) {
      if (isMissing(error)) return null;
      throw misconfigured(error);
    }
  }

  async function read(key: string, range: ByteRange | null): Promise<Readable> {
    const { client, GetObjectCommand } = await sdk();
    const Range = range === null ? undefined : `bytes=${range.start}-${range.end}`;
    const { Body } = await client
      .send(new GetObjectCommand({ Bucket: bucket, Key: key, ...(Range && { Range }) }))
      .catch((error: unknown) => {
        throw misconfigured(error);
      });
    if (!(Body instanceof Readable)) throw new Error("the store answered without a body");
    return Body;
  }

  async function remove(key: string): Promise<void> {
    const { client, DeleteObjectCommand } = await sdk();
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
      throw misconfigured(error);
    });
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && (error.name === "NotFound" || error.name === "NoSuchKey");

/** SDKs show "not configured" for these codes. Source: client-api §15.1. */
function misconfigured(error: unknown): Problem {
  const name = error instanceof Error ? error.name : "";
  return new Problem("unexpected", "File storage is not configured correctly. Please check your file upload settings.", {
    details: { storage_error_code: name === "CredentialsProviderError" ? "s3_credentials_error" : "s3_client_error" },
    cause: error,
  });
}
