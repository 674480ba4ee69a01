/** Names of uploaded files. Source: client-api §15.1, management-api-v1 §11.1. */
import { fileExtension } from "../shared/file-extension.ts";

/**
 * Of a name before its extension: in characters (UTF-16 units), and in bytes of UTF-8 too, because with id and
 * extension it must fit into the 255 bytes that file systems give a name.
 */
const MAX_BASE_LENGTH = 200;

/** Names that Windows gives to devices, whatever follows their first dot. */
const DEVICE_NAME = /^(con|prn|aux|nul|com\d|lpt\d)(?=\s*(\.|$))/i;

/**
 * A file name that is safe in a path, a URL and a header: NFC, slashes as hyphens, without control characters,
 * quotes and what shells and file systems give a meaning, blanks collapsed, at most 200 bytes and an extension.
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
  const base = truncate(clean.slice(0, -extension.length - 1).replace(DEVICE_NAME, "$1-")).trim();
  return /[^.\-\s]/.test(base) ? `${base}.${extension}` : null;
}

/** Cuts between characters: a part of one would not survive UTF-8. */
function truncate(base: string): string {
  let cut = base.slice(0, MAX_BASE_LENGTH);
  while (Buffer.byteLength(cut) > MAX_BASE_LENGTH || !cut.isWellFormed()) cut = cut.slice(0, -1);
  return cut;
}

/** The name under which an upload is kept: `photo.png` → `photo--fid--<uuid>.png`. Null as `sanitizeFileName`. */
export function storedFileName(fileName: string, uuid: string): string | null {
  const clean = sanitizeFileName(fileName);
  if (clean === null) return null;
  const dot = clean.lastIndexOf(".");
  return `${clean.slice(0, dot)}--fid--${uuid}${clean.slice(dot)}`;
}
