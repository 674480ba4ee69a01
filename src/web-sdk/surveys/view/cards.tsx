/** The cards before and after the blocks. */
import { fill } from "../messages.ts";
import type { Ending, Survey, WelcomeCard } from "../survey.ts";
import { CheckIcon, ClockIcon, OutIcon, PeopleIcon } from "./icons.tsx";
import { MediaView } from "./media.tsx";
import { RichText } from "./rich-text.tsx";
import { textOf, type Ui } from "./ui.ts";

/** A guess: most elements are a click, some are a text. */
const SECONDS_PER_ELEMENT = 12;

export function Welcome({
  card,
  survey,
  responseCount,
  ui,
}: {
  card: WelcomeCard;
  survey: Survey;
  responseCount: number | undefined;
  ui: Ui;
}) {
  const minutes = Math.ceil((survey.blocks.flatMap(({ elements }) => elements).length * SECONDS_PER_ELEMENT) / 60);
  return (
    <div>
      <MediaView imageUrl={card.imageUrl} videoUrl={card.videoUrl} ui={ui} />
      <h2>
        <RichText className="mo-headline" text={card.headline} ui={ui} />
      </h2>
      <RichText className="mo-sub" text={card.subheader} ui={ui} />
      <div class="mo-meta">
        {card.timeToFinish && (
          <span>
            <ClockIcon />
            {minutes <= 1 ? ui.messages.underAMinute : fill(ui.messages.minutes, { minutes })}
          </span>
        )}
        {card.showResponseCount && responseCount !== undefined && responseCount > 0 && (
          <span>
            <PeopleIcon />
            {fill(ui.messages.responses, { count: responseCount })}
          </span>
        )}
      </div>
    </div>
  );
}

/** `state`: whether the last answers are on their way. */
export function EndingView({ ending, isSaving, ui }: { ending: Ending | null; isSaving: boolean; ui: Ui }) {
  if (isSaving) return <Waiting text={ui.messages.saving} />;
  if (ending?.type === "redirectToUrl") return <Waiting text={ui.messages.redirecting} />;
  const hasHeadline = ending !== null && textOf(ending.headline, ui) !== "";
  const link = ending?.buttonLink ?? "";
  return (
    <div class="mo-step mo-end" role="status">
      {ending?.imageUrl === undefined && ending?.videoUrl === undefined && (
        <span class="mo-done" aria-hidden="true">
          <CheckIcon />
        </span>
      )}
      {ending !== null && <MediaView imageUrl={ending.imageUrl} videoUrl={ending.videoUrl} ui={ui} />}
      <div>
        <h2>
          {hasHeadline && <RichText className="mo-headline" text={ending.headline} ui={ui} />}
          {!hasHeadline && <div class="mo-headline">{ui.messages.thanks}</div>}
        </h2>
        {ending !== null && <RichText className="mo-sub" text={ending.subheader} ui={ui} />}
      </div>
      {ending !== null && link !== "" && (
        <button type="button" class="mo-button" onClick={() => ui.openUrl(link)}>
          {textOf(ending.buttonLabel, ui) || ui.messages.openLink}
          <OutIcon />
        </button>
      )}
    </div>
  );
}

function Waiting({ text }: { text: string }) {
  return (
    <div class="mo-step mo-end" role="status">
      <span class="mo-spinner" />
      <span class="mo-hint">{text}</span>
    </div>
  );
}
