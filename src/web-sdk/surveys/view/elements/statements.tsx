/** A call to action, a consent, and a meeting to be booked. */
import { OutIcon } from "../icons.tsx";
import { RichText } from "../rich-text.tsx";
import { type ElementProps, textOf } from "../ui.ts";
import { Option } from "./choices.tsx";

export function CallToAction({ element, onAnswer, ui, describedBy }: ElementProps) {
  const url = element.buttonUrl;
  if (url === undefined) return null;
  return (
    <button
      type="button"
      class="mo-button mo-outline"
      aria-describedby={describedBy}
      onClick={() => {
        onAnswer("clicked");
        ui.openUrl(url);
      }}
    >
      {textOf(element.ctaButtonLabel, ui) || ui.messages.openLink}
      <OutIcon />
    </button>
  );
}

export function Consent({ element, answer, onAnswer, ui }: ElementProps) {
  const isAccepted = answer === "accepted";
  return (
    <Option
      type="checkbox"
      name={`${ui.id}-${element.id}`}
      label={<RichText as="span" text={element.label} ui={ui} />}
      isChosen={isAccepted}
      onChoose={() => onAnswer(isAccepted ? undefined : "accepted")}
    />
  );
}

/** Times are chosen on the calendar's own page, which does not tell us; so the respondent does. */
export function Booking({ element, answer, onAnswer, ui, describedBy }: ElementProps) {
  const isBooked = answer === "booked";
  return (
    <>
      <button
        type="button"
        class="mo-button mo-outline"
        aria-describedby={describedBy}
        onClick={() => ui.openUrl(`https://${element.calHost}/${element.calUserName.replace(/^\/+/, "")}`)}
      >
        {ui.messages.bookIt}
        <OutIcon />
      </button>
      <Option
        type="checkbox"
        name={`${ui.id}-${element.id}`}
        label={ui.messages.booked}
        isChosen={isBooked}
        onChoose={() => onAnswer(isBooked ? undefined : "booked")}
      />
    </>
  );
}
