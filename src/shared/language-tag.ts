/** Language tags as contacts, languages and responses carry them. Source: client-api §6.6. */
import { memoizeBounded } from "./bounded-memo.ts";

/** Longer texts are no language tags and are not even parsed. */
const MAX_TAG_LENGTH = 100;

/** ISO 639-1, with `bh`, which was one until 2021. Their bare form is what older clients know a language by. */
const TWO_LETTER_CODES = (
  "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo " +
  "es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg " +
  "ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn " +
  "no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta " +
  "te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
).split(" ");

/** The other spellings that became a canonical tag: Chinese was written with a region or a script alone. */
const CHINESE_CODES = ["zh-CN", "zh-Hans", "zh-Hant", "zh-TW", "zh-HK"];

/**
 * The canonical form `language-REGION` of a tag, with the script only where it was given or the language is Chinese:
 * `de` → `de-DE`, `zh-HK` → `zh-Hant-HK`. Underscores and any letter case are accepted; variants and extensions are
 * dropped. Null when the text names no language, or a language of no known region.
 */
export const canonicalLanguage: (text: string) => string | null = memoizeBounded(canonicalize, {
  maxEntries: 2000,
  maxKeyLength: MAX_TAG_LENGTH,
});

function canonicalize(text: string): string | null {
  if (text.length > MAX_TAG_LENGTH) return null;
  const given = parseLocale(text.trim().replaceAll("_", "-"));
  // A locale without a language says `und` or, in this generation of V8, nothing.
  if (!given?.language || given.language === "und") return null;
  const likely = given.maximize();
  // CLDR places Pali in Great Britain; the table that the clients' languages were converted with says India.
  const region = given.language === "pi" ? (given.region ?? "IN") : likely.region;
  if (region === undefined) return null;
  const script = given.language === "zh" ? likely.script : given.script;
  return script === undefined ? `${given.language}-${region}` : `${given.language}-${script}-${region}`;
}

function parseLocale(tag: string): Intl.Locale | null {
  try {
    return new Intl.Locale(tag);
  } catch {
    return null;
  }
}

const legacyCodes = buildLegacyCodes();

function buildLegacyCodes(): Map<string, readonly string[]> {
  const codes = new Map<string, string[]>();
  for (const code of [...TWO_LETTER_CODES, ...CHINESE_CODES]) {
    const tag = canonicalize(code);
    if (tag !== null) codes.set(tag, [...(codes.get(tag) ?? []), code]);
  }
  // The order is the contract's: the first is the one that is echoed.
  codes.set("zh-Hans-CN", ["zh", "zh-CN", "zh-Hans"]);
  return codes;
}

/**
 * The codes by which older clients and surveys know a language, the preferred one first: `de-DE` → `de`. Empty for
 * a region other than the language's own (`de-AT`), for a language without a two-letter code, and for a tag that is
 * not in canonical form.
 */
export function legacyLanguageCodes(tag: string): readonly string[] {
  return legacyCodes.get(tag) ?? [];
}

/** A stored language as clients are told it: the first legacy code, else the canonical tag, else as it is stored. */
export function echoLanguage(stored: string): string {
  const tag = canonicalLanguage(stored);
  return tag === null ? stored : (legacyLanguageCodes(tag)[0] ?? tag);
}
