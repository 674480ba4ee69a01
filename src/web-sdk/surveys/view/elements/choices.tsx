/** Single and multiple choice, each with "other" and "none of these". Answers are labels. Source: survey-model §5. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { findChoice } from "../../../../responses/element.ts";
import { orderChoices } from "../../choice-order.ts";
import type { Choice } from "../../survey.ts";
import { RichText } from "../rich-text.tsx";
import { type ElementProps, labelOf, listOf, stringOf, type Ui } from "../ui.ts";
import { TextInput } from "./text-input.tsx";

const MAX_OTHER_LENGTH = 250;

const useOrder = ({ element }: ElementProps): Choice[] =>
  useState(() => orderChoices(element.choices, element.shuffleOption, Math.random))[0];

export function SingleChoice(props: ElementProps) {
  const { element, answer, onAnswer, ui, labelledBy, describedBy, isInvalid, isRequired } = props;
  const choices = useOrder(props);
  const given = stringOf(answer);
  const [isOtherOpen, setOtherOpen] = useState(given !== "" && findChoice(element, given, ui.texts) === undefined);
  const chosen = isOtherOpen ? "other" : findChoice(element, given, ui.texts)?.id;
  const choose = (choice: Choice) => {
    setOtherOpen(choice.id === "other");
    onAnswer(choice.id === "other" ? " " : labelOf(choice.label, ui)); // blank until a text is written
  };
  const other = isOtherOpen && <OtherText {...props} text={given} onText={(text) => onAnswer(text === "" ? " " : text)} />;
  if (element.isDropdown)
    return (
      <>
        <select
          class="mo-input"
          value={chosen ?? ""}
          aria-labelledby={labelledBy}
          aria-describedby={describedBy}
          aria-invalid={isInvalid}
          aria-required={isRequired}
          onChange={(event) => {
            const choice = choices.find(({ id }) => id === event.currentTarget.value);
            if (choice !== undefined) return choose(choice);
            setOtherOpen(false);
            onAnswer(undefined);
          }}
        >
          <option value="">{ui.messages.choose}</option>
          {choices.map((choice) => (
            <option key={choice.id} value={choice.id}>
              {labelOf(choice.label, ui)}
            </option>
          ))}
        </select>
        {other}
      </>
    );
  return (
    <>
      {choices.map((choice) => (
        <Option
          key={choice.id}
          type="radio"
          name={`${ui.id}-${element.id}`}
          label={<RichText as="span" text={choice.label} ui={ui} />}
          isChosen={chosen === choice.id}
          onChoose={() => choose(choice)}
        />
      ))}
      {other}
    </>
  );
}

/** `""` in the answer marks that the text of "other" follows. */
export function MultipleChoice(props: ElementProps) {
  const { element, answer, onAnswer, ui } = props;
  const choices = useOrder(props);
  const { labels, other } = splitOther(listOf(answer), props);
  const none = choices.find(({ id }) => id === "none");
  const noneLabel = none && labelOf(none.label, ui);
  const toggle = (choice: Choice) => {
    const label = labelOf(choice.label, ui);
    if (choice.id === "other") return onAnswer(other === null ? joinOther(labels.filter(not(noneLabel)), "") : labels);
    if (labels.includes(label)) return onAnswer(joinOther(labels.filter(not(label)), other));
    if (choice.id === "none") return onAnswer([label]);
    // The answers stand in the survey's order, whatever the order they were given in.
    const wanted = [...labels, label].filter(not(noneLabel));
    const ordered = element.choices.map((each) => labelOf(each.label, ui)).filter((each) => wanted.includes(each));
    onAnswer(joinOther(ordered, other));
  };
  return (
    <>
      {choices.map((choice) => (
        <Option
          key={choice.id}
          type="checkbox"
          name={`${ui.id}-${element.id}`}
          label={<RichText as="span" text={choice.label} ui={ui} />}
          isChosen={choice.id === "other" ? other !== null : labels.includes(labelOf(choice.label, ui))}
          onChoose={() => toggle(choice)}
        />
      ))}
      {other !== null && <OtherText {...props} text={other} onText={(text) => onAnswer(joinOther(labels, text))} />}
    </>
  );
}

const not = (unwanted: string | undefined) => (label: string) => label !== unwanted;

function splitOther(answer: string[], { element, ui }: Pick<ElementProps, "element"> & { ui: Ui }) {
  const marker = answer.indexOf("");
  const entries = marker === -1 ? answer : [...answer.slice(0, marker), ...answer.slice(marker + 2)];
  const known = entries.flatMap((entry) => {
    const choice = findChoice(element, entry, ui.texts);
    return choice === undefined ? [] : [labelOf(choice.label, ui)];
  });
  const own = entries.find((entry) => findChoice(element, entry, ui.texts) === undefined);
  return { labels: known, other: marker === -1 ? (own ?? null) : (answer[marker + 1] ?? "") };
}

const joinOther = (labels: string[], other: string | null): string[] => (other === null ? labels : [...labels, "", other]);

export function Option({
  type,
  name,
  label,
  isChosen,
  onChoose,
}: {
  type: "radio" | "checkbox";
  name: string;
  label: ComponentChildren;
  isChosen: boolean;
  onChoose: () => void;
}) {
  return (
    <label class={`mo-option ${isChosen ? "mo-on" : ""}`}>
      <input type={type} name={name} checked={isChosen} onChange={onChoose} />
      {typeof label === "string" ? <span dir="auto">{label}</span> : label}
    </label>
  );
}

function OtherText({ element, ui, text, onText }: ElementProps & { text: string; onText: (text: string) => void }) {
  const placeholder = labelOf(element.otherOptionPlaceholder, ui) || ui.messages.other;
  return (
    <TextInput
      kind="text"
      value={text.trim() === "" ? "" : text}
      maxLength={MAX_OTHER_LENGTH}
      placeholder={placeholder}
      aria-label={placeholder}
      autocomplete="off"
      inputRef={focusOnce}
      onText={onText}
    />
  );
}

/** Whoever opens the text means to write in it. */
function focusOnce(input: HTMLInputElement | null): void {
  if (input === null || input.dataset.met === "yes") return;
  input.dataset.met = "yes";
  if (input.value === "") input.focus({ preventScroll: true });
}
