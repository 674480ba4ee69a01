/** The kinds of files that may be uploaded. Source: client-api §15.1, management-api-v1 §11.1. */
import { fileExtension } from "../shared/file-extension.ts";
import type { ProblemIssue } from "../shared/problem.ts";

/** MIME type by extension. What a browser would run as a page of ours (svg, html, js) is left out on purpose. */
const MIME_TYPES = {
  heic: "image/heic",
  png: "image/png",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  webp: "image/webp",
  ico: "image/x-icon",
  pdf: "application/pdf",
  eml: "message/rfc822",
  doc: "application/msword",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  xls: "application/vnd.ms-excel",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  ppt: "application/vnd.ms-powerpoint",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  txt: "text/plain",
  csv: "text/csv",
  mp4: "video/mp4",
  mov: "video/quicktime",
  avi: "video/x-msvideo",
  mkv: "video/x-matroska",
  webm: "video/webm",
  mp3: "audio/mpeg",
  zip: "application/zip",
  rar: "application/vnd.rar",
  "7z": "application/x-7z-compressed",
  tar: "application/x-tar",
} as const;

export type KnownExtension = keyof typeof MIME_TYPES;

const isKnown = (extension: string): extension is KnownExtension => Object.hasOwn(MIME_TYPES, extension);

/** Every extension that can be uploaded, in the order in which error messages list them. */
export const KNOWN_EXTENSIONS: readonly KnownExtension[] = Object.keys(MIME_TYPES).filter(isKnown);

/** The MIME type of a file by its name; undefined for what cannot be uploaded. */
export function mimeTypeOf(fileName: string): string | undefined {
  const extension = fileExtension(fileName);
  return extension !== null && isKnown(extension) ? MIME_TYPES[extension] : undefined;
}

/**
 * What is wrong with a request for an upload, at `fileName` or `fileType`.
 * @param fileType the declared MIME type; parameters (after `;`) and letter case do not matter
 * @param allowedFileExtensions the caller's own list; none, or an empty one, allows every known extension
 */
export function checkFileRequest({
  fileName,
  fileType,
  allowedFileExtensions = [],
}: {
  fileName: string;
  fileType: string;
  allowedFileExtensions?: readonly string[] | undefined;
}): ProblemIssue[] {
  const extension = fileExtension(fileName.trim());
  if (extension === null) return [{ field: "fileName", issue: "File name must have an extension" }];
  if (!isKnown(extension)) return [{ field: "fileName", issue: "File type is not allowed" }];
  const issues: ProblemIssue[] = [];
  if (baseType(fileType) !== MIME_TYPES[extension])
    issues.push({ field: "fileType", issue: "File type does not match the file extension" });
  if (allowedFileExtensions.length > 0 && !isExtensionAllowed(fileName, allowedFileExtensions))
    issues.push({ field: "fileName", issue: "File extension is not in the list of allowed extensions" });
  return issues;
}

const baseType = (fileType: string): string => (fileType.split(";")[0] ?? "").trim().toLowerCase();

/** Whether a file's extension is in a list, such as that of its survey element. */
export function isExtensionAllowed(fileName: string, allowedFileExtensions: readonly string[]): boolean {
  const extension = fileExtension(fileName.trim());
  return allowedFileExtensions.some((allowed) => allowed.toLowerCase() === extension);
}
