/** What every part of a survey's view needs. */
import type { AnswerValue } from "../../../responses/answer-values.ts";
import { type LocalizedText, type TextKeys, textIn } from "../../../responses/element.ts";
import type { UploadFile } from "../file-upload.ts";
import type { Messages } from "../messages.ts";
import { fillRecall, type Recall } from "../recall.ts";
import type { Element } from "../survey.ts";

export interface Ui {
  /** Begins every id on the page, so that two surveys do not share one. */
  id: string;
  messages: Messages;
  texts: TextKeys;
  /** For dates; a BCP 47 tag, or undefined where the survey does not say. */
  language: string | undefined;
  recall: Recall;
  openUrl(url: string): void;
  /** The whole address of a picture that the survey may name without the server's. */
  pictureUrl(url: string): string;
  upload: UploadFile;
}

export interface ElementProps {
  element: Element;
  answer: AnswerValue | undefined;
  onAnswer(answer: AnswerValue | undefined): void;
  ui: Ui;
  /** Ids of what names and describes the control, for `aria-*`. */
  labelledBy: string;
  describedBy: string | undefined;
  isInvalid: boolean;
  isRequired: boolean;
}

/** The text in the respondent's language, with earlier answers filled in; may hold HTML. */
export const textOf = (text: LocalizedText, ui: Ui): string => fillRecall(textIn(text, ui.texts), ui.recall);

/** A text's label as it is answered: exactly what the survey says, without recall. */
export const labelOf = (text: LocalizedText, ui: Ui): string => textIn(text, ui.texts);

export const listOf = (answer: AnswerValue | undefined): string[] => (Array.isArray(answer) ? answer : []);
export const stringOf = (answer: AnswerValue | undefined): string =>
  typeof answer === "string" || typeof answer === "number" ? String(answer) : "";
