/** HTML that is safe to build: every value put into it is escaped, unless it is HTML that was built so itself. */

export interface Html {
  readonly html: string;
}

type Value = string | number | Html | readonly Html[] | null;

/** A template's text is taken as it stands; null is nothing. */
export function html(texts: TemplateStringsArray, ...values: Value[]): Html {
  const parts = texts.map((text, index) => text + (index < values.length ? build(values[index] ?? null) : ""));
  return { html: parts.join("") };
}

/** Data for a script of the page, in an element that is never run. */
export const jsonElement = (id: string, value: unknown): Html => ({
  html: `<script type="application/json" id="${escapeText(id)}">${JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, unicodeEscape)}</script>`,
});

/** For a style element: nothing in it can end the element. Values within are the caller's to check. */
export const styleElement = (nonce: string | null, css: string): Html => ({
  html: `<style${nonce === null ? "" : ` nonce="${escapeText(nonce)}"`}>${css.replace(/</g, "\\3c ")}</style>`,
});

function build(value: Value): string {
  if (value === null) return "";
  if (typeof value === "string" || typeof value === "number") return escapeText(String(value));
  return "html" in value ? value.html : value.map((part) => part.html).join("");
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escapeText = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
const unicodeEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
