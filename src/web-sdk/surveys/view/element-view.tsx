/** One element: its media, its texts, its control and what is wrong with the answer. */
import type { FunctionComponent } from "preact";
import type { AnswerValue } from "../../../responses/answer-values.ts";
import type { AnswerProblem } from "../answer-problems.ts";
import { fill, isMessage } from "../messages.ts";
import type { Element } from "../survey.ts";
import { MultipleChoice, SingleChoice } from "./elements/choices.tsx";
import { DateInput } from "./elements/date.tsx";
import { FileUpload } from "./elements/file-upload.tsx";
import { Form } from "./elements/form.tsx";
import { Matrix } from "./elements/matrix.tsx";
import { OpenText } from "./elements/open-text.tsx";
import { Pictures } from "./elements/pictures.tsx";
import { Ranking } from "./elements/ranking.tsx";
import { Scale } from "./elements/scale.tsx";
import { Booking, CallToAction, Consent } from "./elements/statements.tsx";
import { AlertIcon } from "./icons.tsx";
import { MediaView } from "./media.tsx";
import { RichText } from "./rich-text.tsx";
import type { ElementProps, Ui } from "./ui.ts";

const CONTROLS: Readonly<Record<string, FunctionComponent<ElementProps>>> = {
  openText: OpenText,
  multipleChoiceSingle: SingleChoice,
  multipleChoiceMulti: MultipleChoice,
  nps: Scale,
  rating: Scale,
  csat: Scale,
  ces: Scale,
  cta: CallToAction,
  consent: Consent,
  pictureSelection: Pictures,
  date: DateInput,
  fileUpload: FileUpload,
  cal: Booking,
  matrix: Matrix,
  address: Form,
  contactInfo: Form,
  ranking: Ranking,
};

/** One answer of several. */
const RADIO_TYPES = new Set(["nps", "rating", "csat", "ces"]);
/** A single control, which bears the headline as its own name. */
const NAMED_TYPES = new Set(["openText", "date", "fileUpload"]);

export interface ElementViewProps {
  element: Element;
  answer: AnswerValue | undefined;
  onAnswer(answer: AnswerValue | undefined): void;
  problems: readonly AnswerProblem[];
  isRequired: boolean;
  ui: Ui;
}

export function ElementView({ element, answer, onAnswer, problems, isRequired, ui }: ElementViewProps) {
  const id = `${ui.id}-${element.id}`;
  const isInvalid = problems.length > 0;
  const hasSub = Object.keys(element.subheader).length > 0;
  const describedBy = [hasSub && `${id}-sub`, isInvalid && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const Control = CONTROLS[element.type];
  const isStatement = element.type === "cta" && element.buttonUrl === undefined;
  return (
    <div class="mo-element" data-element={element.id} {...groupOf({ element, id, describedBy, isInvalid, isRequired })}>
      <MediaView imageUrl={element.imageUrl} videoUrl={element.videoUrl} ui={ui} />
      {isRequired && !isStatement && <span class="mo-upper">{ui.messages.required}</span>}
      <h2>
        <RichText id={`${id}-head`} className="mo-headline" text={element.headline} ui={ui} />
      </h2>
      {hasSub && <RichText id={`${id}-sub`} className="mo-sub" text={element.subheader} ui={ui} />}
      {Control !== undefined && !isStatement && (
        <div class="mo-control">
          <Control
            element={element}
            answer={answer}
            onAnswer={onAnswer}
            ui={ui}
            labelledBy={`${id}-head`}
            describedBy={describedBy}
            isInvalid={isInvalid}
            isRequired={isRequired}
          />
        </div>
      )}
      <div id={`${id}-error`} role="alert">
        {problems.map((problem) => (
          <div key={problem.type} class="mo-error">
            <AlertIcon />
            <span>{wordsOf(problem, ui)}</span>
          </div>
        ))}
      </div>
    </div>
  );
}

interface Grouping {
  element: Element;
  id: string;
  describedBy: string | undefined;
  isInvalid: boolean;
  isRequired: boolean;
}

function groupOf({ element, id, describedBy, isInvalid, isRequired }: Grouping) {
  if (NAMED_TYPES.has(element.type) || (element.type === "multipleChoiceSingle" && element.isDropdown)) return {};
  const names = { "aria-labelledby": `${id}-head`, "aria-describedby": describedBy };
  const isRadio =
    RADIO_TYPES.has(element.type) ||
    element.type === "multipleChoiceSingle" ||
    (element.type === "pictureSelection" && !element.allowMulti);
  return isRadio
    ? { ...names, role: "radiogroup" as const, "aria-required": isRequired, "aria-invalid": isInvalid }
    : { ...names, role: "group" as const };
}

function wordsOf({ type, params, message }: AnswerProblem, ui: Ui): string {
  const key = `rule_${type}`;
  return isMessage(key) ? fill(ui.messages[key], params) : message;
}
