import type { Readable } from "node:stream";
import type { Database } from "../db/database.ts";
import type { EnvironmentConfiguration } from "../environments/service.ts";
import { forbidden, invalid, notFound, Problem } from "../shared/problem.ts";
import { type FileAccess, fileKey, fileUrlOf } from "./file-key.ts";
import { storedFileName } from "./file-name.ts";
import { isExtensionAllowed, mimeTypeOf } from "./file-types.ts";
import type { ByteRange, FileFacts, UploadForm, UploadStore } from "./store.ts";
import type { UploadPermit, UploadTokens } from "./upload-token.ts";

export { fileTooLarge } from "./byte-limit.ts";
export type { FileAccess } from "./file-key.ts";
export { checkFileRequest, KNOWN_EXTENSIONS } from "./file-types.ts";
export type { ByteRange } from "./store.ts";

/** What is needed of a survey's element to decide on uploads. */
interface UploadElement {
  id: string;
  type: string;
  allowedFileExtensions?: readonly string[] | undefined;
}

/** A survey of the environment that files are to be uploaded for. */
export interface UploadSurvey {
  environmentId: string;
  surveyId: string;
  elements: readonly UploadElement[];
}

export interface UploadRequest {
  /** Absent from clients before May 2026: the survey's only upload element is meant. */
  elementId: string | undefined;
  /** With a known extension, and a type that goes with it: see `checkFileRequest`. */
  fileName: string;
  /** Where this server takes files, for clients that cannot reach a store: see {@link UploadService.receive}. */
  receiverUrl: string;
}

/** A file that anyone may read, such as a survey's picture. */
export interface PublicUploadRequest extends Pick<UploadRequest, "fileName" | "receiverUrl"> {
  environmentId: string;
}

/** The permission to upload one file, and where it will be found. */
export interface UploadSlot {
  form: UploadForm;
  /** Relative to this server. */
  fileUrl: string;
  fileName: string;
  /** For clients that send a file as base64 instead of a form; null when files go to a store past this server. */
  signing: { signature: string; timestamp: number; uuid: string } | null;
}

export interface ReceivedFile {
  environmentId: string;
  token: string;
  /** What the client says the file is; each must agree with the token. */
  key?: string | undefined;
  fileName?: string | undefined;
  contentTypes: readonly (string | undefined)[];
  bytes: Readable;
}

/** A file as it is served. */
export interface ServedFile extends FileFacts {
  key: string;
  name: string;
  contentType: string;
}

export type UploadService = ReturnType<typeof createUploadService>;

/** How long a permission to upload is valid. Source: client-api §15.1. */
const PERMIT_LIFETIME_MS = 120_000;

/** Of a public file. Source: management-api-v1 §11.1. */
const MAX_PUBLIC_BYTES = 5_242_880;

const FIND_SURVEY = {
  name: "upload_survey",
  text: `select "environmentId", document from surveys where id = $1 order by "environmentId" = $2 desc limit 1`,
};

/** Uploaded files: who may upload what, and what is served under which key. */
export function createUploadService({
  db,
  store,
  tokens,
  newUuid,
  now,
  maxBytes,
  publicUrl,
  readElements,
}: {
  db: Database;
  store: UploadStore;
  tokens: UploadTokens;
  newUuid: () => string;
  now: () => number;
  /** Of one file. */
  maxBytes: number;
  /** Where clients reach this server, if that was configured. */
  publicUrl: string | undefined;
  /** The elements of a survey's document, in either generation. */
  readElements: (document: unknown) => readonly UploadElement[];
}) {
  return { maxBytes, publicUrl, findSurvey, createSlot, createPublicSlot, receive, findFile, readFile, removeFile };

  /** Throws `not_found`, or `invalid` when the survey is another environment's. */
  async function findSurvey({ id: environmentId }: EnvironmentConfiguration, surveyId: string): Promise<UploadSurvey> {
    const [row] = await db.query<{ environmentId: string; document: unknown }>(FIND_SURVEY, [surveyId, environmentId]);
    if (!row) throw notFound("survey", surveyId);
    if (row.environmentId !== environmentId)
      throw invalid("Survey does not belong to the workspace", { details: { surveyId, workspaceId: environmentId } });
    return { environmentId, surveyId, elements: readElements(row.document) };
  }

  /** Throws `invalid` when the element takes no such file, or nothing is left of the file's name. */
  async function createSlot(
    { environmentId, surveyId, elements }: UploadSurvey,
    { elementId, fileName, receiverUrl }: UploadRequest,
  ): Promise<UploadSlot> {
    const element = findElement(elements, elementId);
    if (element.allowedFileExtensions !== undefined && !isExtensionAllowed(fileName, element.allowedFileExtensions))
      throw invalid("File extension is not allowed for this element", { details: { elementId: element.id } });
    const path = ["surveys", surveyId, "elements", element.id];
    return await openSlot({ environmentId, fileName, receiverUrl, access: "private", path, maxBytes });
  }

  /** Throws `invalid` when nothing is left of the file's name. */
  async function createPublicSlot(request: PublicUploadRequest): Promise<UploadSlot> {
    return await openSlot({ ...request, access: "public", path: [], maxBytes: Math.min(maxBytes, MAX_PUBLIC_BYTES) });
  }

  async function openSlot({
    environmentId,
    fileName,
    receiverUrl,
    access,
    path,
    maxBytes,
  }: PublicUploadRequest & { access: FileAccess; path: string[]; maxBytes: number }): Promise<UploadSlot> {
    const uuid = newUuid();
    const storedName = storedFileName(fileName, uuid);
    const contentType = mimeTypeOf(fileName.trim());
    const key = fileKey(environmentId, access, [...path, storedName ?? ""]);
    if (storedName === null || key === null || contentType === undefined)
      throw invalid("Invalid input", { details: { fileName: "Invalid file name" } });
    const place = await openPlace(
      { environmentId, key, contentType, maxBytes, expiresAt: now() + PERMIT_LIFETIME_MS },
      receiverUrl,
    );
    const signing = place.token === null ? null : { signature: place.token, timestamp: now(), uuid };
    return { form: place.form, fileUrl: fileUrlOf(key), fileName: storedName, signing };
  }

  async function openPlace(permit: UploadPermit, receiverUrl: string): Promise<{ form: UploadForm; token: string | null }> {
    const { key, contentType, maxBytes } = permit;
    if (store.kind === "s3")
      return { form: await store.presignUpload({ key, contentType, maxBytes, lifetimeMs: PERMIT_LIFETIME_MS }), token: null };
    const token = tokens.issue(permit);
    const fields = { key, "Content-Type": contentType, success_action_status: "201", token };
    return { form: { url: receiverUrl, fields }, token };
  }

  /**
   * Keeps a file that was sent to this server. Throws `forbidden` when the token does not allow it, `invalid` when
   * the file is not what it was said to be, `too_large`, `malformed` when it breaks off, `conflict` when it is here.
   */
  async function receive({ environmentId, token, key, fileName, contentTypes, bytes }: ReceivedFile): Promise<void> {
    const permit = store.kind === "disk" ? tokens.read(token, environmentId) : null;
    const isMeant =
      permit !== null && (key ?? permit.key) === permit.key && (fileName === undefined || permit.key.endsWith(`/${fileName}`));
    if (store.kind !== "disk" || !isMeant) throw forbidden("The permission to upload is invalid or has expired");
    if (contentTypes.some((type) => type !== undefined && baseType(type) !== permit.contentType))
      throw invalid("The file is not of the type that was announced", { details: { "Content-Type": permit.contentType } });
    await store.write(permit.key, bytes, permit.maxBytes).catch((error: unknown) => {
      throw error instanceof Problem ? error : new Problem("unexpected", "Internal server error", { cause: error });
    });
  }

  /**
   * A file by the segments of its path. Files of an environment that has a second id may lie under that one.
   * Throws `invalid` when the path could lead elsewhere, and `not_found`.
   */
  async function findFile(ownerIds: readonly string[], access: FileAccess, path: readonly string[]): Promise<ServedFile> {
    const name = path.at(-1) ?? "";
    for (const ownerId of ownerIds) {
      const key = fileKey(ownerId, access, path);
      if (key === null) throw invalid("Invalid input", { details: { fileName: "Invalid file name" } });
      const facts = await store.stat(key);
      if (facts) return { ...facts, key, name, contentType: mimeTypeOf(name) ?? "application/octet-stream" };
    }
    throw new Problem("not_found", "file not found", { details: { resource_id: name, resource_type: "file" } });
  }

  /** Deletes a private file by the segments of its path; none is fine. Throws when the store is away. */
  async function removeFile({ ownerId, path }: { ownerId: string; path: readonly string[] }): Promise<void> {
    const key = fileKey(ownerId, "private", path);
    if (key !== null) await store.remove(key);
  }

  function readFile({ key }: ServedFile, range: ByteRange | null): Promise<Readable> {
    return store.read(key, range);
  }
}

const baseType = (contentType: string): string => (contentType.split(";")[0] ?? "").trim().toLowerCase();

function findElement(elements: readonly UploadElement[], elementId: string | undefined): UploadElement {
  const uploads = elements.filter(({ type }) => type === "fileUpload");
  if (uploads.length === 0) throw invalid("Survey does not allow file uploads");
  const [only, ...others] = elementId === undefined ? uploads : uploads.filter(({ id }) => id === elementId);
  if (elementId === undefined && others.length > 0) {
    const elementMissing = "Invalid input: expected string, received undefined";
    throw invalid("Fields are missing or incorrectly formatted", { details: { elementId: elementMissing } });
  }
  if (!only) throw invalid("Element does not allow file uploads", { details: { elementId: elementId ?? "" } });
  return only;
}
