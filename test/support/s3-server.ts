import S3rver from "s3rver";
import { makeTemporaryFolder } from "./temporary-folder.ts";

export interface S3Server {
  endpoint: string;
  bucket: string;
  /** What s3rver takes for a key. */
  credentials: { accessKeyId: string; secretAccessKey: string };
  close(): Promise<void>;
}

/** An S3-compatible store on a free port. It checks the signatures of requests, but not the policies of forms. */
export async function startS3Server(): Promise<S3Server> {
  const folder = makeTemporaryFolder();
  const bucket = "uploads";
  const store = new S3rver({
    address: "127.0.0.1",
    port: 0,
    directory: folder.path,
    silent: true,
    vhostBuckets: false,
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  const { port } = await store.run();
  const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
  return { endpoint: `http://127.0.0.1:${port}`, bucket, credentials, close };

  async function close(): Promise<void> {
    await store.close();
    folder.remove();
  }
}
