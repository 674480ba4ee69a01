/**
 * What the logic around responses knows of a survey's elements, and how it reads their texts. Runs on the server and in
 * the browser: nothing of Node may be imported here. Source: survey-model §5.
 */

/** A text per language; the survey's default language stands under `default`. */
export type LocalizedText = Readonly<Record<string, string>>;

export interface ElementChoice {
  id: string;
  label: LocalizedText;
}

export interface ElementRule {
  id: string;
  type: string;
  /** The slot of a list-valued answer that the rule is about. */
  field?: string | undefined;
  params: Readonly<Record<string, unknown>>;
}

/** One input of an address or a contact. */
export interface ElementField {
  show: boolean;
  placeholder: LocalizedText;
}

export const ADDRESS_FIELDS = ["addressLine1", "addressLine2", "city", "state", "zip", "country"] as const;
export const CONTACT_FIELDS = ["firstName", "lastName", "email", "phone", "company"] as const;
/** The slots of list-valued answers, in order; rules and placeholders name them. */
export type FieldName = (typeof ADDRESS_FIELDS)[number] | (typeof CONTACT_FIELDS)[number];

export interface SurveyElement extends Partial<Record<FieldName, ElementField | undefined>> {
  id: string;
  type: string;
  required: boolean;
  inputType?: string | undefined;
  choices: ElementChoice[];
  rows: ElementChoice[];
  columns: ElementChoice[];
  allowedFileExtensions?: string[] | undefined;
  validation?: { logic: "and" | "or"; rules: ElementRule[] } | undefined;
}

export interface TextKeys {
  readonly keys: readonly string[];
  /** Whether a label under any of the keys counts, and not only the first one there is. */
  readonly anyOf: boolean;
}

/** The text in the response's language, else in the default one; empty when there is neither. */
export function textIn(text: LocalizedText, { keys }: TextKeys): string {
  for (const key of keys) {
    const found = Object.hasOwn(text, key) ? text[key] : undefined;
    if (found !== undefined && found !== "") return found;
  }
  return "";
}

/** Whether an answer is this label, in the response's language or, untranslated, in the default one. */
export function isLabel(answer: string, label: LocalizedText, texts: TextKeys): boolean {
  if (!texts.anyOf) return answer !== "" && answer === textIn(label, texts);
  return answer !== "" && texts.keys.some((key) => Object.hasOwn(label, key) && label[key] === answer);
}

/** The choice an answer means, by its id or its label. */
export function findChoice(element: SurveyElement, answer: string, texts: TextKeys): ElementChoice | undefined {
  return element.choices.find((choice) => choice.id === answer || isLabel(answer, choice.label, texts));
}

/** Whether respondents may answer with a text of their own: a choice with the reserved id `other`. */
export const hasOther = (element: SurveyElement): boolean => element.choices.some((choice) => choice.id === "other");
