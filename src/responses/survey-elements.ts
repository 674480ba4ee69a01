/**
 * What the logic around responses needs of a survey, read from its stored document. Documents of both generations
 * are understood (blocks of elements, and questions), and so are imported ones that break the survey model: what
 * cannot be read is left out, nothing throws. Source: survey-model §1, §4 and §5.
 */
import { z } from "zod";
import { canonicalLanguage } from "../shared/language-tag.ts";
import type { LocalizedText, SurveyElement, TextKeys } from "./element.ts";

const Localized = z.record(z.string(), z.unknown()).transform((texts): LocalizedText => {
  return Object.fromEntries(Object.entries(texts).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
});

const Rule = z.object({
  id: z.string().catch(""),
  type: z.string(),
  field: z.string().optional().catch(undefined),
  params: z.record(z.string(), z.unknown()).catch({}),
});

const Option = z.object({ id: z.string().catch(""), label: Localized.catch({}) });
/** Before September 2025 the rows and columns of a matrix were bare texts without an id. */
const MatrixOption = z.union([
  z.object({ id: z.string().catch(""), label: Localized }),
  Localized.transform((label) => ({ id: "", label })),
]);
const SubField = z
  .object({ show: z.boolean().catch(false), placeholder: Localized.catch({}) })
  .optional()
  .catch(undefined);

const Element = z.object({
  id: z.string(),
  type: z.string(),
  required: z.boolean().catch(false),
  inputType: z.string().optional().catch(undefined),
  choices: listOf(Option),
  rows: listOf(MatrixOption),
  columns: listOf(MatrixOption),
  allowedFileExtensions: z.array(z.string()).optional().catch(undefined),
  validation: z
    .object({ logic: z.enum(["and", "or"]).catch("and"), rules: listOf(Rule) })
    .optional()
    .catch(undefined),
  addressLine1: SubField,
  addressLine2: SubField,
  city: SubField,
  state: SubField,
  zip: SubField,
  country: SubField,
  firstName: SubField,
  lastName: SubField,
  email: SubField,
  phone: SubField,
  company: SubField,
});

const Document = z.object({
  blocks: listOf(z.object({ elements: listOf(Element) })),
  questions: listOf(Element),
});

/** A list whose unreadable entries are left out; anything but a list is an empty one. */
function listOf<Schema extends z.ZodType>(schema: Schema) {
  return z
    .array(z.unknown())
    .catch([])
    .transform((entries): z.output<Schema>[] =>
      entries.flatMap((entry) => {
        const read = schema.safeParse(entry);
        return read.success ? [read.data] : [];
      }),
    );
}

/**
 * The elements of a survey document in their order: those of its blocks or, when it has none, its questions.
 * Reading costs more than a response does: keep the result as long as the document.
 */
export function readElements(document: unknown): SurveyElement[] {
  const read = Document.safeParse(document);
  if (!read.success) return [];
  const ofBlocks = read.data.blocks.flatMap((block) => block.elements);
  return ofBlocks.length > 0 ? ofBlocks : read.data.questions;
}

/** A language of a survey, as `languages[]` of its document names it. */
export interface SurveyLanguage {
  code: string;
  alias: string | null;
  default: boolean;
}

/**
 * The keys under which a response's texts may stand in the survey, best first and always ending with `default`.
 * `de` finds texts under `de-DE` and the other way round, an alias finds its language, and the survey's default
 * language finds `default`. A response that names no language was given in the default one or in English.
 */
export function textKeys(language: string | null | undefined, languages: readonly SurveyLanguage[]): TextKeys {
  const named = language?.trim() ?? "";
  if (named === "default") return { keys: ["default"], anyOf: false };
  if (named === "") return { keys: [...keysOf("en", languages), "default"], anyOf: true };
  return { keys: [...keysOf(named, languages), "default"], anyOf: false };
}

function keysOf(named: string, languages: readonly SurveyLanguage[]): string[] {
  const tag = canonicalLanguage(named);
  const meant = languages.find(
    ({ code, alias }) => sameLanguage(code, named, tag) || alias?.toLowerCase() === named.toLowerCase(),
  );
  if (meant?.default) return [];
  const keys = meant === undefined ? [named] : [meant.code, named];
  // A document may spell the language as the respondent does, in canonical form, or as it was before those.
  const withCanonical = [...keys, canonicalLanguage(meant?.code ?? named), bareLanguage(meant?.code ?? named)];
  return [...new Set(withCanonical.filter((key): key is string => key !== null))];
}

function sameLanguage(code: string, named: string, tag: string | null): boolean {
  return code.toLowerCase() === named.toLowerCase() || (tag !== null && canonicalLanguage(code) === tag);
}

/** `de-DE` → `de`, only where `de` means just that. */
function bareLanguage(code: string): string | null {
  const tag = canonicalLanguage(code);
  const bare = tag?.split("-")[0];
  return bare !== undefined && canonicalLanguage(bare) === tag ? bare : null;
}
