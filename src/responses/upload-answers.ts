/** The answers of file upload elements: only files that were uploaded to the element itself. Source: client-api §11. */
import { fileExtension } from "../shared/file-extension.ts";
import { ownValue } from "./answer-values.ts";
import type { SurveyElement } from "./element.ts";

export interface UploadCheck {
  elements: readonly SurveyElement[];
  data: Readonly<Record<string, unknown>>;
  environmentId: string;
  surveyId: string;
  /** Origins under which this server is reached (`https://forms.example`), for absolute URLs. */
  ownOrigins: readonly string[];
  /**
   * Ids whose files of before May 2026, `/storage/{id}/private/{file}`, count as well. Only the management API takes
   * them, for its own environment (management-api-v1 §10.3).
   */
  unscopedOwnerIds?: readonly string[];
}

/** The id of the first upload element whose answer is not a list of such files; null when all are in order. */
export function findInvalidUpload({ elements, data, ...scope }: UploadCheck): string | null {
  const bad = elements.find((element) => {
    if (element.type !== "fileUpload" || !Object.hasOwn(data, element.id)) return false;
    const value = ownValue(data, element.id);
    return !Array.isArray(value) || !value.every((url) => typeof url === "string" && isUploadOf(element, url, scope));
  });
  return bad?.id ?? null;
}

/** A private file of a survey's: whose, and where below that. */
export interface UploadedFile {
  ownerId: string;
  path: string[];
}

/** The files that the upload elements' answers name, as far as they are files of these elements. */
export function findUploadedFiles({ elements, data, ...scope }: UploadCheck): UploadedFile[] {
  return elements.flatMap((element) => {
    const value = element.type === "fileUpload" ? ownValue(data, element.id) : [];
    const urls: unknown[] = Array.isArray(value) ? value : [];
    return urls.flatMap((url) => (typeof url === "string" && uploadedFile(element, url, scope)) || []);
  });
}

type UploadScope = Omit<UploadCheck, "elements" | "data">;

function isUploadOf(element: SurveyElement, url: string, scope: UploadScope): boolean {
  const name = uploadedFile(element, url, scope)?.path.at(-1);
  const extension = name === undefined ? null : fileExtension(name);
  if (extension === null) return false;
  const { allowedFileExtensions } = element;
  return allowedFileExtensions === undefined || allowedFileExtensions.some((allowed) => allowed.toLowerCase() === extension);
}

/** The file, when the URL's path is exactly that of a file of this element. */
function uploadedFile(element: SurveyElement, url: string, scope: UploadScope): UploadedFile | null {
  const segments = pathSegments(url, scope.ownOrigins);
  if (segments === null) return null;
  const [root, storage, owner, access, ...rest] = segments;
  if (root !== "" || storage !== "storage" || access !== "private" || owner === undefined) return null;
  const file = rest.at(-1);
  if (file === undefined || file === "") return null;
  const scoped = ["surveys", scope.surveyId, "elements", element.id];
  const isScoped = owner === scope.environmentId && rest.length === 5 && scoped.every((segment, at) => rest[at] === segment);
  const isUnscoped = rest.length === 1 && (scope.unscopedOwnerIds ?? []).includes(owner);
  return isScoped || isUnscoped ? { ownerId: owner, path: rest } : null;
}

/**
 * The segments of a relative path, or of a URL on one of our own origins; query and fragment are left out. Null for
 * any other address, and for a path that an HTTP client would read as another one (dots, back-slashes).
 */
function pathSegments(url: string, ownOrigins: readonly string[]): string[] | null {
  const address = url.replace(/[?#].*$/s, "");
  const path = address.startsWith("/") ? address : pathOnOwnOrigin(address, ownOrigins);
  if (path === null || path.startsWith("//") || path.includes("\\")) return null;
  const segments = path.split("/").map(decodeSegment);
  return segments.some((segment) => segment === null || segment === "." || segment === ".." || /[/\\]/.test(segment))
    ? null
    : segments.filter((segment) => segment !== null);
}

function pathOnOwnOrigin(address: string, ownOrigins: readonly string[]): string | null {
  const origin = ownOrigins.find((own) => address.startsWith(`${own}/`));
  return origin === undefined ? null : address.slice(origin.length);
}

function decodeSegment(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
