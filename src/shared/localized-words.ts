/** Words of our own that exist in several languages, for pages and browsers alike. */

const RIGHT_TO_LEFT = new Set(["ar", "dv", "fa", "he", "iw", "ku", "ps", "sd", "ug", "ur", "yi"]);

/** Where Chinese is written in the traditional script unless the tag says otherwise. */
const TRADITIONAL = /-(hant|tw|hk|mo)\b/;

/**
 * What a table, whose keys are languages (`de`) and for Chinese scripts (`zh-Hans`, `zh-Hant`), has for a tag such as
 * `de-AT` or `zh_TW`; undefined when it has nothing.
 */
export function wordsIn<Words>(table: Readonly<Record<string, Words>>, tag: string | undefined): Words | undefined {
  const key = keyOf(tag);
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** The key of the tables above. Empty for no tag. */
function keyOf(tag: string | undefined): string {
  const language = baseOf(tag);
  if (language !== "zh") return language;
  return TRADITIONAL.test((tag ?? "").toLowerCase().replace(/_/g, "-")) && !/hans/i.test(tag ?? "") ? "zh-Hant" : "zh-Hans";
}

/** The side that a language is read from. */
export const directionOf = (tag: string | undefined): "ltr" | "rtl" => (RIGHT_TO_LEFT.has(baseOf(tag)) ? "rtl" : "ltr");

const baseOf = (tag: string | undefined): string => (tag ?? "").toLowerCase().split(/[-_]/)[0] ?? "";
