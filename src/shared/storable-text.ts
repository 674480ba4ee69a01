/** Whether PostgreSQL and JSON can hold the text: no NUL character and no unpaired surrogate. */
export const isStorableText = (text: string): boolean => !text.includes("\u0000") && text.isWellFormed();

/** The path of the first text, or of the object with a member's name, that cannot be stored; null when all can. */
export function findUnstorable(value: unknown): string[] | null {
  if (typeof value === "string") return isStorableText(value) ? null : [];
  if (typeof value !== "object" || value === null) return null;
  for (const [key, member] of Object.entries(value)) {
    if (!isStorableText(key)) return [];
    const path = findUnstorable(member);
    if (path !== null) return [key, ...path];
  }
  return null;
}
