/**
 * Keys of uploaded files: the path below `/storage/`, without escapes: `<owner>/public/<file>` or
 * `<owner>/private/surveys/<survey>/elements/<element>/<file>`. Source: client-api §15.
 */

/** Who may read a file: anyone, or who holds a key to its environment. */
export type FileAccess = "public" | "private";

/** What object stores take. */
const MAX_KEY_BYTES = 1_024;

/** What a file system or a client may read as another path, and control characters. */
const UNSAFE = /[/\\\p{Cc}]/u;

/**
 * A file's key; null when a segment could lead elsewhere (`.`, `..`, nothing, slashes of either kind, control
 * characters) or the whole is longer than any key.
 */
export function fileKey(ownerId: string, access: FileAccess, path: readonly string[]): string | null {
  const segments = [ownerId, access, ...path];
  const isSafe = segments.every((segment) => !/^\.{0,2}$/.test(segment) && !UNSAFE.test(segment) && segment.isWellFormed());
  const key = segments.join("/");
  return isSafe && path.length > 0 && Buffer.byteLength(key) <= MAX_KEY_BYTES ? key : null;
}

/** The file's address on this server, relative. */
export const fileUrlOf = (key: string): string => `/storage/${key.split("/").map(encodeURIComponent).join("/")}`;
