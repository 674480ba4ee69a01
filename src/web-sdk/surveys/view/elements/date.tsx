import { dateText } from "../../date-text.ts";
import { type ElementProps, stringOf } from "../ui.ts";

/** The browser's own picker, which every assistive technology knows; the answer is `YYYY-MM-DD` whatever it shows. */
export function DateInput({ element, answer, onAnswer, ui, labelledBy, describedBy, isInvalid }: ElementProps) {
  const day = stringOf(answer);
  return (
    <>
      <input
        class="mo-input"
        type="date"
        value={day}
        aria-labelledby={labelledBy}
        aria-describedby={describedBy}
        aria-invalid={isInvalid}
        onInput={(event) => onAnswer(event.currentTarget.value)}
      />
      <span class="mo-hint" aria-live="polite">
        {dateText(day, element.format, ui.language)}
      </span>
    </>
  );
}
