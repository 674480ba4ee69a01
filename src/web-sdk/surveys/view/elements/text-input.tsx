import type { Ref, TargetedInputEvent } from "preact";

export type TextKind = "text" | "email" | "url" | "number" | "tel";

export interface TextInputProps {
  kind: TextKind;
  id?: string | undefined;
  value: string;
  onText(text: string): void;
  placeholder?: string | undefined;
  maxLength?: number | undefined;
  autocomplete: string;
  dir?: "auto" | undefined;
  inputRef?: Ref<HTMLInputElement>;
  "aria-label"?: string | undefined;
  "aria-labelledby"?: string | undefined;
  "aria-describedby"?: string | undefined;
  "aria-invalid"?: boolean;
  "aria-required"?: boolean;
}

/** A line of text; the kind brings the right keyboard on phones. */
export function TextInput({
  kind,
  onText,
  inputRef = null,
  dir = kind === "text" ? "auto" : undefined,
  ...others
}: TextInputProps) {
  const shared = {
    ...others,
    dir,
    class: "mo-input",
    ref: inputRef,
    onInput: (event: TargetedInputEvent<HTMLInputElement>) => onText(event.currentTarget.value),
  };
  switch (kind) {
    case "email":
      return <input {...shared} type="email" />;
    case "url":
      return <input {...shared} type="url" />;
    case "number":
      return <input {...shared} type="number" step="any" />;
    case "tel":
      return <input {...shared} type="tel" />;
    default:
      return <input {...shared} type="text" />;
  }
}
