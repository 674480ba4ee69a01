/** Names of uploaded files. Source: client-api §15.1, management-api-v1 §11.1. */
import { fileExtension } from "../shared/file-extension.ts";

/** Characters (UTF-16 units) of a name before its extension. */
const MAX_BASE_LENGTH = 200;

/**
 * A file name that is safe in a path, a URL and a header: NFC, slashes as hyphens, without control characters,
 * quotes and what shells and file systems give a meaning, blanks collapsed, at most 200 characters and an extension.
 * Null when nothing but dots, hyphens and blanks is left of the name, or it has no extension.
 */
export function sanitizeFileName(fileName: string): string | null {
  const clean = fileName
    .normalize("NFC")
    .replace(/[/\\]/g, "-")
    .replace(/[#<>:"|?*`'\p{Cc}\p{Cf}\p{Cs}]/gu, "")
    .replace(/\s+/g, " ")
    .trim();
  const extension = fileExtension(clean);
  if (extension === null) return null;
  const base = truncate(clean.slice(0, -extension.length - 1)).trim();
  return /[^.\-\s]/.test(base) ? `${base}.${extension}` : null;
}

/** Cuts between characters: half of a surrogate pair would not survive UTF-8. */
function truncate(base: string): string {
  const cut = base.slice(0, MAX_BASE_LENGTH);
  return /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
}

/** The name under which an upload is kept: `photo.png` → `photo--fid--<uuid>.png`. Null as `sanitizeFileName`. */
export function storedFileName(fileName: string, uuid: string): string | null {
  const clean = sanitizeFileName(fileName);
  if (clean === null) return null;
  const dot = clean.lastIndexOf(".");
  return `${clean.slice(0, dot)}--fid--${uuid}${clean.slice(dot)}`;
}
