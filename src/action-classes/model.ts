/** What an action class must be to be stored. Source: management-api-v1 §3. */
import { z } from "zod";

/** What the database can index of a text, in bytes of UTF-8. */
const MAX_INDEXED_BYTES = 2_000;

const fitsAnIndex = (text: string): boolean => Buffer.byteLength(text) <= MAX_INDEXED_BYTES;
const indexed = (schema: z.ZodString) => schema.refine(fitsAnIndex, `Must not be longer than ${MAX_INDEXED_BYTES} bytes`);

const URL_RULES = ["exactMatch", "contains", "startsWith", "endsWith", "notMatch", "notContains", "matchesRegex"] as const;
/** Rules that compare with a whole address or its beginning. */
const ADDRESS_RULES: readonly string[] = ["exactMatch", "startsWith", "notMatch"];

const UrlFilter = z
  .object({ value: z.string().trim().min(1), rule: z.enum(URL_RULES) })
  .refine(({ value, rule }) => !ADDRESS_RULES.includes(rule) || isAddress(value), {
    message: "Must be a path that starts with / or a complete http(s) URL",
    path: ["value"],
  });

const page = {
  urlFilters: z.array(UrlFilter),
  urlFiltersConnector: z.enum(["or", "and"]).optional(),
};

const ElementSelector = z
  .object({ cssSelector: z.string().optional(), innerHtml: z.string().optional() })
  .refine(({ cssSelector, innerHtml }) => Boolean(cssSelector?.trim() || innerHtml?.trim()), {
    message: "Either a CSS selector or the inner text is required",
  });

const NoCodeConfig = z.union([
  z.object({ type: z.literal("click"), elementSelector: ElementSelector, ...page }),
  z.object({ type: z.literal("pageView"), ...page }),
  z.object({ type: z.literal("exitIntent"), ...page }),
  z.object({ type: z.literal("fiftyPercentScroll"), ...page }),
  z.object({ type: z.literal("pageDwell"), timeInSeconds: z.int().min(1).max(3600), ...page }),
]);

const name = z.string({ error: "Name is required" }).trim().min(1, "Name is required");
const common = { name: indexed(name), description: z.string().nullish() };

/** The content of an action class; either kind must say its own member, if only that it is null. */
export const ActionClassInput = z.discriminatedUnion(
  "type",
  [
    z.object({ ...common, type: z.literal("code"), key: indexed(z.string().trim().min(1)).nullable() }),
    z.object({ ...common, type: z.literal("noCode"), noCodeConfig: NoCodeConfig.nullable() }),
  ],
  { error: ({ code }) => (code === "invalid_union" ? "Invalid input" : undefined) },
);
export type ActionClassInput = z.infer<typeof ActionClassInput>;

/** Paths, and http(s) URLs whose host is a dotted domain, localhost, an IPv4 address or an IPv6 address in brackets. */
function isAddress(value: string): boolean {
  if (value.startsWith("/")) return true;
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return false;
  const { hostname } = new URL(value);
  return hostname === "localhost" || hostname.startsWith("[") || /^[^.]+(\.[^.]+)+$/.test(hostname);
}
