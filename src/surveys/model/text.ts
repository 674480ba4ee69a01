/** Localised text and the ids that texts refer to. Source: survey-model §2. */
import { z } from "zod";
import { ID_PATTERN } from "../../shared/ids.ts";

/** A text by language: `default` for the survey's default language, else the language's code. May hold HTML and recall marks. */
export const LocalizedText = z.record(z.string(), z.string());
export type LocalizedText = z.infer<typeof LocalizedText>;

/** An id the server gives out; published contracts call it "cuid2". */
export const RowId = z.string().regex(ID_PATTERN, "Invalid cuid2");

export const isRowId = (id: string): boolean => ID_PATTERN.test(id);

const ELEMENT_ID_PATTERN = /^[a-zA-Z0-9_-]+$/;

/** Names that links and responses use for themselves; compared exactly, case included. */
const RESERVED_IDS: ReadonlySet<string> = new Set([
  "userId",
  "source",
  "suid",
  "end",
  "start",
  "welcomeCard",
  "hidden",
  "verifiedEmail",
  "multiLanguage",
  "embed",
  "verify",
]);

/** Why the id cannot name an element or a hidden field, or undefined when it can. */
export function elementIdIssue(id: string): string | undefined {
  if (!ELEMENT_ID_PATTERN.test(id)) return "Only letters, numbers, underscores and hyphens are allowed";
  if (RESERVED_IDS.has(id)) return `"${id}" is a reserved id`;
  return undefined;
}

/** Whether anything but tags and blanks is there. */
export const hasText = (text: string | undefined): boolean => text !== undefined && withoutTags(text).trim() !== "";

/** The text without its tags, in time linear in its length: a bracket that is never closed is text. */
function withoutTags(html: string): string {
  let text = "";
  let position = 0;
  for (;;) {
    const open = html.indexOf("<", position);
    const close = open === -1 ? -1 : html.indexOf(">", open);
    if (close === -1) return text + html.slice(position);
    text += html.slice(position, open);
    position = close + 1;
  }
}
