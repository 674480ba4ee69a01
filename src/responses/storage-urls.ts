/** Answers to file uploads are stored as paths on this server; who is not in a browser needs whole addresses. */

/** The values with every path below `/storage/` made absolute; other values as they are. */
export function withAbsoluteFiles(data: Readonly<Record<string, unknown>>, publicUrl: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data).map(([id, value]) => [
      id,
      Array.isArray(value) ? value.map((entry) => absolute(entry, publicUrl)) : absolute(value, publicUrl),
    ]),
  );
}

const absolute = (value: unknown, publicUrl: string): unknown =>
  typeof value === "string" && value.startsWith("/storage/") ? `${publicUrl}${value}` : value;
