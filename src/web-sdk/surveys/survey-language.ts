/** The languages of a survey and of its answers, which are the labels of one of them. Source: survey-model §10. */
import { isRecord, type ResponseData } from "../../responses/answer-values.ts";
import { findChoice, isLabel, type LocalizedText, type TextKeys, textIn } from "../../responses/element.ts";
import type { Element, Survey } from "./survey.ts";

/** The texts of a language, by the key they stand under: `default` or a code. */
export const textsOf = (languageCode: string): TextKeys => ({
  keys: languageCode === "default" ? ["default"] : [languageCode, "default"],
  anyOf: false,
});

/** The code to be told the server; undefined when the survey names no language. */
export function languageTag(survey: Survey, languageCode: string): string | undefined {
  return languageCode === "default" ? survey.languages.find((language) => language.default)?.code : languageCode;
}

export interface LanguageOption {
  key: string;
  name: string;
}

/** What respondents may switch between, each under its own name. A language's older codes are not listed again. */
export function languageOptions(survey: Survey): LanguageOption[] {
  const [first, ...others] = survey.languages.filter((language) => language.default);
  const repeated = new Set(others.map(({ code }) => code));
  const seen = new Set<string>();
  return survey.languages.flatMap((language) => {
    const name = nameOf(language.code);
    if (!language.enabled || repeated.has(language.code) || seen.has(name)) return [];
    seen.add(name);
    return [{ key: language === first ? "default" : language.code, name }];
  });
}

function nameOf(code: string): string {
  const base = code.split("-")[0] ?? code;
  try {
    return new Intl.DisplayNames([code], { type: "language" }).of(base) ?? code;
  } catch {
    return code;
  }
}

/** The answers with the labels of another language. */
export function translateAnswers(survey: Survey, answers: ResponseData, from: TextKeys, to: TextKeys): ResponseData {
  const translated = { ...answers };
  for (const element of survey.blocks.flatMap((block) => block.elements)) {
    const answer = answers[element.id];
    if (typeof answer === "string" && element.choices.length > 0) translated[element.id] = choiceLabel(element, answer, from, to);
    else if (Array.isArray(answer) && element.type !== "pictureSelection")
      translated[element.id] = answer.map((entry) => choiceLabel(element, entry, from, to));
    else if (isRecord(answer)) translated[element.id] = matrixLabels(element, answer, from, to);
  }
  return translated;
}

function choiceLabel(element: Element, answer: string, from: TextKeys, to: TextKeys): string {
  const choice = answer === "" ? undefined : findChoice(element, answer, from);
  return choice === undefined ? answer : textIn(choice.label, to);
}

function matrixLabels(element: Element, answer: Readonly<Record<string, unknown>>, from: TextKeys, to: TextKeys) {
  const translate = (options: { label: LocalizedText }[], label: string) => {
    const option = options.find((each) => isLabel(label, each.label, from));
    return option === undefined ? label : textIn(option.label, to);
  };
  return Object.fromEntries(
    Object.entries(answer).map(([row, column]) => [translate(element.rows, row), translate(element.columns, String(column))]),
  );
}
