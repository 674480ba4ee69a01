import { fill } from "../../messages.ts";
import { type ElementProps, labelOf, stringOf } from "../ui.ts";
import { TextInput, type TextKind } from "./text-input.tsx";

const KINDS: Readonly<Record<string, TextKind>> = { email: "email", url: "url", number: "number", phone: "tel" };
const COMPLETIONS: Readonly<Record<string, string>> = { email: "email", url: "url", phone: "tel" };

export function OpenText({ element, answer, onAnswer, ui, labelledBy, describedBy, isInvalid, isRequired }: ElementProps) {
  const { inputType = "text", longAnswer, charLimit } = element;
  const text = stringOf(answer);
  const shared = {
    value: text,
    placeholder: labelOf(element.placeholder, ui),
    maxLength: charLimit.max,
    "aria-labelledby": labelledBy,
    "aria-describedby": describedBy,
    "aria-invalid": isInvalid,
    "aria-required": isRequired,
  };
  return (
    <>
      {longAnswer && inputType === "text" ? (
        <textarea {...shared} class="mo-input" dir="auto" rows={4} onInput={(event) => onAnswer(event.currentTarget.value)} />
      ) : (
        <TextInput
          {...shared}
          kind={KINDS[inputType] ?? "text"}
          autocomplete={COMPLETIONS[inputType] ?? "off"}
          onText={onAnswer}
        />
      )}
      {charLimit.max !== undefined && (
        <span class="mo-hint mo-count">{fill(ui.messages.characters, { count: text.length, max: charLimit.max })}</span>
      )}
    </>
  );
}
