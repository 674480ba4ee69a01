import type { AttributeNote } from "./attribute-plan.ts";

export type TypeConflicts = ReturnType<typeof createTypeConflicts>;

/**
 * How many values did not have their key's type and were stored as text, since the process started. They are accepted
 * without a word, so that whoever watches the server is the only one to notice. Source: userpilot-api §3.
 */
export function createTypeConflicts() {
  let total = 0;
  return { note, total: () => total };

  /** @param notes of one contact, under rules that keep misfits as text */
  function note(notes: readonly AttributeNote[]): void {
    for (const { kind } of notes) if (kind === "type_mismatch") total++;
  }
}
