/** One thing that `mortar doctor` looked at. What is not as it should be says what to do about it. */
export interface Finding {
  what: string;
  /** A hint is worth knowing, and no reason to fail. */
  level: "ok" | "hint" | "problem";
  text: string;
}

export const ok = (what: string, text: string): Finding => ({ what, level: "ok", text });
export const hint = (what: string, text: string): Finding => ({ what, level: "hint", text });
export const problem = (what: string, text: string): Finding => ({ what, level: "problem", text });

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
