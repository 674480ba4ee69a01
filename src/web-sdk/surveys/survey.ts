/**
 * A survey as the renderer reads it from the environment's state. Whatever is missing or of another type gets the value
 * that changes nothing, so that an imported or older document is still shown. Source: client-api §4.3, survey-model.
 */
import { isRecord } from "../../responses/answer-values.ts";
import {
  ADDRESS_FIELDS,
  CONTACT_FIELDS,
  type ElementField,
  type ElementRule,
  type FieldName,
  type LocalizedText,
  type SurveyElement as LogicElement,
} from "../../responses/element.ts";

export interface Survey {
  id: string;
  /** Link surveys have pages of their own, app surveys appear on others'. */
  type: "app" | "link";
  welcomeCard: WelcomeCard | null;
  /** Of surveys that still have questions: one block per question, with the question's id. */
  blocks: Block[];
  endings: Ending[];
  hiddenFieldIds: string[];
  variables: Variable[];
  languages: SurveyLanguage[];
  showLanguageSwitch: boolean;
  /** Seconds without a touch after which the survey closes; null: never. */
  autoClose: number | null;
  isBackButtonHidden: boolean;
  isAutoProgressingEnabled: boolean;
  /** Responses need a token of reCAPTCHA. */
  isRecaptchaEnabled: boolean;
}

export interface Media {
  imageUrl?: string | undefined;
  videoUrl?: string | undefined;
}

export interface WelcomeCard extends Media {
  headline: LocalizedText;
  subheader: LocalizedText;
  buttonLabel: LocalizedText;
  timeToFinish: boolean;
  showResponseCount: boolean;
}

export interface Block {
  id: string;
  elements: Element[];
  logic: LogicItem[];
  logicFallback: string | undefined;
  buttonLabel: LocalizedText;
  backButtonLabel: LocalizedText;
}

export interface LogicItem {
  /** Evaluated by the shared evaluator, which reads it itself. */
  conditions: unknown;
  actions: Action[];
}

export type Action =
  | { objective: "calculate"; variableId: string; operator: string; value: { type: string; value: unknown } }
  | { objective: "requireAnswer"; target: string }
  | { objective: "jump"; target: string };

export interface Choice {
  id: string;
  label: LocalizedText;
  imageUrl: string;
}

export interface FormField extends ElementField {
  required: boolean;
}

/** An element of any type; what its type does not have is empty. */
export interface Element extends LogicElement, Media {
  headline: LocalizedText;
  subheader: LocalizedText;
  choices: Choice[];
  placeholder: LocalizedText;
  longAnswer: boolean;
  /** In characters. */
  charLimit: { min: number | undefined; max: number | undefined };
  shuffleOption: string;
  otherOptionPlaceholder: LocalizedText;
  isDropdown: boolean;
  scale: string;
  range: number;
  lowerLabel: LocalizedText;
  upperLabel: LocalizedText;
  isColorCodingEnabled: boolean;
  /** Of a call to action; undefined: it has no button of its own. */
  buttonUrl: string | undefined;
  ctaButtonLabel: LocalizedText;
  label: LocalizedText;
  allowMulti: boolean;
  format: string;
  html: LocalizedText;
  allowMultipleFiles: boolean;
  maxSizeInMB: number | undefined;
  calUserName: string;
  calHost: string;
  fields: Partial<Record<FieldName, FormField>>;
}

export interface Ending extends Media {
  id: string;
  type: "endScreen" | "redirectToUrl";
  headline: LocalizedText;
  subheader: LocalizedText;
  buttonLabel: LocalizedText;
  buttonLink: string;
  url: string;
}

export interface Variable {
  id: string;
  type: "number" | "text";
  value: string | number;
}

export interface SurveyLanguage {
  code: string;
  default: boolean;
  enabled: boolean;
}

/** Null when there is no survey to be read. */
export function readSurvey(value: unknown): Survey | null {
  if (!isRecord(value) || typeof value.id !== "string") return null;
  const blocks = records(value.blocks).map(readBlock);
  const hiddenFields = isRecord(value.hiddenFields) ? value.hiddenFields : {};
  return {
    id: value.id,
    type: value.type === "link" ? "link" : "app",
    welcomeCard: readWelcomeCard(value.welcomeCard),
    blocks: (blocks.length > 0 ? blocks : records(value.questions).map(blockOfQuestion)).filter(
      (block) => block.elements.length > 0,
    ),
    endings: records(value.endings).map(readEnding),
    hiddenFieldIds: hiddenFields.enabled === false ? [] : strings(hiddenFields.fieldIds),
    variables: records(value.variables).map(readVariable),
    languages: records(value.languages).flatMap(readLanguage),
    showLanguageSwitch: value.showLanguageSwitch === true,
    autoClose: positive(value.autoClose) ?? null,
    isBackButtonHidden: value.isBackButtonHidden === true,
    isAutoProgressingEnabled: value.isAutoProgressingEnabled === true,
    isRecaptchaEnabled: isRecord(value.recaptcha) && value.recaptcha.enabled === true,
  };
}

type Json = Readonly<Record<string, unknown>>;

function readWelcomeCard(value: unknown): WelcomeCard | null {
  if (!isRecord(value) || value.enabled !== true) return null;
  return {
    headline: localized(value.headline),
    subheader: localized(value.subheader ?? value.html),
    buttonLabel: localized(value.buttonLabel),
    imageUrl: text(value.fileUrl),
    videoUrl: text(value.videoUrl),
    timeToFinish: value.timeToFinish === true,
    showResponseCount: value.showResponseCount === true,
  };
}

function readBlock(value: Json): Block {
  return {
    id: text(value.id) ?? "",
    elements: records(value.elements).map(readElement),
    logic: records(value.logic).map((item) => ({
      conditions: item.conditions,
      actions: records(item.actions).flatMap(readAction),
    })),
    logicFallback: text(value.logicFallback),
    buttonLabel: localized(value.buttonLabel),
    backButtonLabel: localized(value.backButtonLabel),
  };
}

/** What questions jump to are questions, so a block with the question's id is found. */
function blockOfQuestion(question: Json): Block {
  const isOwnButton = question.type === "cta" && question.buttonExternal === true;
  const element = { ...question, ctaButtonLabel: question.ctaButtonLabel ?? (isOwnButton ? question.buttonLabel : undefined) };
  return readBlock({ ...question, elements: [element], buttonLabel: isOwnButton ? undefined : question.buttonLabel });
}

function readAction(action: Json): Action[] {
  const target = text(action.target) ?? "";
  if (action.objective === "requireAnswer") return [{ objective: "requireAnswer", target }];
  if (action.objective === "jumpToBlock" || action.objective === "jumpToQuestion") return [{ objective: "jump", target }];
  if (action.objective !== "calculate" || !isRecord(action.value)) return [];
  const value = { type: text(action.value.type) ?? "", value: action.value.value };
  return [{ objective: "calculate", variableId: text(action.variableId) ?? "", operator: text(action.operator) ?? "", value }];
}

function readElement(value: Json): Element {
  return {
    id: text(value.id) ?? "",
    type: text(value.type) ?? "",
    required: value.required === true,
    headline: localized(value.headline),
    subheader: localized(value.subheader ?? value.html),
    imageUrl: text(value.imageUrl),
    videoUrl: text(value.videoUrl),
    validation: readValidation(value.validation),
    ...textMembers(value),
    ...choiceMembers(value),
    ...scaleMembers(value),
    ...linkMembers(value),
    ...fileMembers(value),
    ...fieldMembers(value),
  };
}

function textMembers(value: Json) {
  const limit = isRecord(value.charLimit) && value.charLimit.enabled === true ? value.charLimit : {};
  return {
    inputType: text(value.inputType) ?? "text",
    placeholder: localized(value.placeholder),
    longAnswer: value.longAnswer === true,
    charLimit: { min: positive(limit.min), max: positive(limit.max) },
    label: localized(value.label),
    format: text(value.format) ?? "y-M-d",
    html: localized(value.html),
  };
}

function choiceMembers(value: Json) {
  return {
    choices: records(value.choices).map((choice) => ({
      ...readOption(choice),
      imageUrl: text(choice.imageUrl) ?? "",
    })),
    rows: records(value.rows).map(readOption),
    columns: records(value.columns).map(readOption),
    shuffleOption: text(value.shuffleOption) ?? "none",
    otherOptionPlaceholder: localized(value.otherOptionPlaceholder),
    isDropdown: value.displayType === "dropdown",
    allowMulti: value.allowMulti === true,
  };
}

/** Before September 2025 the rows and columns of a matrix were bare texts. */
function readOption(option: Json) {
  const id = text(option.id);
  return isRecord(option.label) || id !== undefined
    ? { id: id ?? "", label: localized(option.label) }
    : { id: "", label: localized(option) };
}

function scaleMembers(value: Json) {
  return {
    scale: text(value.scale) ?? "number",
    range: positive(value.range) ?? 5,
    lowerLabel: localized(value.lowerLabel),
    upperLabel: localized(value.upperLabel),
    isColorCodingEnabled: value.isColorCodingEnabled === true,
  };
}

function linkMembers(value: Json) {
  return {
    buttonUrl: value.buttonExternal === true ? text(value.buttonUrl) : undefined,
    ctaButtonLabel: localized(value.ctaButtonLabel),
    calUserName: text(value.calUserName) ?? "",
    calHost: text(value.calHost) ?? "cal.com",
  };
}

function fileMembers(value: Json) {
  return {
    allowMultipleFiles: value.allowMultipleFiles === true,
    maxSizeInMB: positive(value.maxSizeInMB),
    allowedFileExtensions: Array.isArray(value.allowedFileExtensions) ? strings(value.allowedFileExtensions) : undefined,
  };
}

function fieldMembers(value: Json) {
  const fields: Element["fields"] = {};
  for (const name of [...ADDRESS_FIELDS, ...CONTACT_FIELDS]) {
    const field = value[name];
    if (!isRecord(field)) continue;
    fields[name] = { show: field.show === true, required: field.required === true, placeholder: localized(field.placeholder) };
  }
  return { ...fields, fields };
}

function readValidation(value: unknown): Element["validation"] {
  if (!isRecord(value)) return undefined;
  const rules = records(value.rules).map(
    (rule): ElementRule => ({
      id: text(rule.id) ?? "",
      type: text(rule.type) ?? "",
      field: text(rule.field),
      params: isRecord(rule.params) ? rule.params : {},
    }),
  );
  return { logic: value.logic === "or" ? "or" : "and", rules };
}

function readEnding(value: Json): Ending {
  return {
    id: text(value.id) ?? "",
    type: value.type === "redirectToUrl" ? "redirectToUrl" : "endScreen",
    headline: localized(value.headline),
    subheader: localized(value.subheader),
    buttonLabel: localized(value.buttonLabel),
    buttonLink: text(value.buttonLink) ?? "",
    url: text(value.url) ?? "",
    imageUrl: text(value.imageUrl),
    videoUrl: text(value.videoUrl),
  };
}

function readVariable(value: Json): Variable {
  const id = text(value.id) ?? "";
  return value.type === "number"
    ? { id, type: "number", value: Number(value.value) || 0 }
    : { id, type: "text", value: typeof value.value === "string" ? value.value : "" };
}

function readLanguage(value: Json): SurveyLanguage[] {
  const code = isRecord(value.language) ? text(value.language.code) : undefined;
  return code === undefined ? [] : [{ code, default: value.default === true, enabled: value.enabled !== false }];
}

const records = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === "string") : [];
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const positive = (value: unknown): number | undefined => (typeof value === "number" && value > 0 ? value : undefined);

function localized(value: unknown): LocalizedText {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}
