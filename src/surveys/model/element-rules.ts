/** What an element must keep beyond its shape. Source: survey-model §5, §17. */
import { RULES_BY_ELEMENT_TYPE } from "./answer-rule.ts";
import { ADDRESS_FIELDS, CONTACT_FIELDS, type ElementOf, type SurveyElement } from "./element.ts";
import type { Path, Report } from "./rule-issue.ts";
import { elementIdIssue, hasText, type LocalizedText } from "./text.ts";
import { checkHasDefault, checkTranslated, checkTranslatedIfGiven, type LanguageKeys } from "./translation-rules.ts";
import { isDottedHost, isSafeUrl, isStorageUrl } from "./url.ts";

const MAX_RANKED_CHOICES = 25;

/** Members that hold texts without being asked for in every language. */
const TEXT_MEMBERS = [
  "subheader",
  "placeholder",
  "lowerLabel",
  "upperLabel",
  "otherOptionPlaceholder",
  "ctaButtonLabel",
  "html",
] as const;

export function checkElement(element: SurveyElement, path: Path, keys: LanguageKeys, report: Report): void {
  const idIssue = elementIdIssue(element.id);
  if (idIssue) report([...path, "id"], idIssue);
  checkTranslated(element.headline, [...path, "headline"], keys, report);
  for (const [member, text] of textsOf(element)) checkHasDefault(text, [...path, member], report);
  for (const member of ["imageUrl", "videoUrl"] as const) {
    const url = element[member];
    if (url !== undefined && !isStorageUrl(url)) report([...path, member], "Invalid file URL");
  }
  checkAnswerRules(element, path, report);
  checkByType(element, path, keys, report);
}

function textsOf(element: SurveyElement): [string, LocalizedText][] {
  const texts: Partial<Record<(typeof TEXT_MEMBERS)[number], LocalizedText | undefined>> = element;
  return TEXT_MEMBERS.flatMap((member): [string, LocalizedText][] => {
    const text = texts[member];
    return text === undefined ? [] : [[member, text]];
  });
}

function checkAnswerRules(element: SurveyElement, path: Path, report: Report): void {
  if (!("validation" in element) || element.validation === undefined || element.type === "consent") return;
  const allowed = RULES_BY_ELEMENT_TYPE[element.type];
  const fields: readonly string[] =
    element.type === "address" ? ADDRESS_FIELDS : element.type === "contactInfo" ? CONTACT_FIELDS : [];
  for (const [index, rule] of element.validation.rules.entries()) {
    const rulePath = [...path, "validation", "rules", index];
    if (!allowed?.has(rule.type)) report([...rulePath, "type"], `The rule "${rule.type}" does not apply to ${element.type}`);
    if (rule.field !== undefined && !fields.includes(rule.field)) report([...rulePath, "field"], "Unknown field");
  }
}

function checkByType(element: SurveyElement, path: Path, keys: LanguageKeys, report: Report): void {
  switch (element.type) {
    case "openText":
      checkOpenText(element, path, keys, report);
      break;
    case "multipleChoiceSingle":
    case "multipleChoiceMulti":
    case "ranking":
      checkChoices(element, path, keys, report);
      break;
    case "pictureSelection":
      checkPictures(element, path, report);
      break;
    case "cta":
      checkCta(element, path, keys, report);
      break;
    case "consent":
      checkTranslated(element.label, [...path, "label"], keys, report);
      break;
    case "fileUpload":
      if (element.allowedFileExtensions?.length === 0) report([...path, "allowedFileExtensions"], "At least one is required");
      break;
    case "cal":
      if (element.calUserName === "") report([...path, "calUserName"], "Cal user name is required");
      if (element.calHost !== undefined && !isDottedHost(element.calHost)) report([...path, "calHost"], "Invalid host name");
      break;
    case "matrix":
      checkLabels(element.rows, [...path, "rows"], keys, report);
      checkLabels(element.columns, [...path, "columns"], keys, report);
      break;
    case "address":
      checkFormFields(element, ADDRESS_FIELDS, path, keys, report);
      break;
    case "contactInfo":
      checkFormFields(element, CONTACT_FIELDS, path, keys, report);
      break;
    default:
      break;
  }
}

function checkOpenText({ placeholder, charLimit }: ElementOf<"openText">, path: Path, keys: LanguageKeys, report: Report): void {
  if (keys.known.length > 1) checkTranslatedIfGiven(placeholder, [...path, "placeholder"], keys, report);
  const { enabled, min, max } = charLimit;
  const limitPath = [...path, "charLimit"];
  if (enabled && min === undefined && max === undefined) report(limitPath, "Enter a minimum or a maximum");
  if ((min ?? 0) < 0 || (max ?? 0) < 0) report(limitPath, "The limits must not be negative");
  if (min !== undefined && max !== undefined && min > max) report(limitPath, "The minimum must not exceed the maximum");
}

function checkChoices(
  { type, choices }: ElementOf<"multipleChoiceSingle" | "multipleChoiceMulti" | "ranking">,
  path: Path,
  keys: LanguageKeys,
  report: Report,
): void {
  const choicesPath = [...path, "choices"];
  if (choices.length < 2) report(choicesPath, "At least two choices are required");
  if (type === "ranking" && choices.length > MAX_RANKED_CHOICES)
    report(choicesPath, `At most ${MAX_RANKED_CHOICES} choices are allowed`);
  checkLabels(choices, choicesPath, keys, report);
}

/** Every label is there in every enabled language, and no two of a language are the same. One issue for the list. */
function checkLabels(
  entries: readonly { id: string; label: LocalizedText }[],
  path: Path,
  { enabled }: LanguageKeys,
  report: Report,
): void {
  if (entries.some(({ label }) => enabled.some((key) => !hasText(label[key]))))
    report(path, "Every label needs a text in every language");
  const seen = new Set<string>();
  const repeats = entries.some(({ label }) =>
    Object.entries(label).some(([language, text]) => {
      const key = `${language}:${text.trim()}`;
      const isRepeated = seen.has(key) && text.trim() !== "";
      seen.add(key);
      return isRepeated;
    }),
  );
  if (repeats) report(path, "Labels must be unique");
}

function checkPictures({ choices }: ElementOf<"pictureSelection">, path: Path, report: Report): void {
  if (choices.length < 2) report([...path, "choices"], "At least two choices are required");
  for (const [index, { imageUrl }] of choices.entries())
    if (!isStorageUrl(imageUrl)) report([...path, "choices", index, "imageUrl"], "Invalid file URL");
}

function checkCta(element: ElementOf<"cta">, path: Path, keys: LanguageKeys, report: Report): void {
  if (!element.buttonExternal) return;
  const labelPath = [...path, "ctaButtonLabel"];
  if (!hasText(element.ctaButtonLabel?.default)) report(labelPath, "The button needs a label");
  else if (element.ctaButtonLabel) checkTranslated(element.ctaButtonLabel, labelPath, keys, report);
  if (!isSafeUrl(element.buttonUrl ?? "")) report([...path, "buttonUrl"], "Must be a valid https, mailto or tel address");
}

type FormFieldMember = { show: boolean; placeholder: LocalizedText };

function checkFormFields<Field extends string>(
  element: Record<Field, FormFieldMember>,
  fields: readonly Field[],
  path: Path,
  keys: LanguageKeys,
  report: Report,
): void {
  if (!fields.some((field) => element[field].show)) report(path, "At least one field must be shown");
  for (const field of fields) {
    const { show, placeholder } = element[field];
    const placeholderPath = [...path, field, "placeholder"];
    checkHasDefault(placeholder, placeholderPath, report);
    if (show) checkTranslated(placeholder, placeholderPath, keys, report);
  }
}
