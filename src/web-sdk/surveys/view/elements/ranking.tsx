import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { findChoice } from "../../../../responses/element.ts";
import { orderChoices } from "../../choice-order.ts";
import { fill } from "../../messages.ts";
import { CloseIcon, DownIcon, UpIcon } from "../icons.tsx";
import { type ElementProps, labelOf, listOf } from "../ui.ts";

/** Choices are ranked one after the other and moved by buttons, which keyboards and thumbs can use alike. */
export function Ranking({ element, answer, onAnswer, ui }: ElementProps) {
  const [choices] = useState(() => orderChoices(element.choices, element.shuffleOption, Math.random));
  const ranked = listOf(answer);
  const isRanked = (label: string) =>
    ranked.some((entry) => entry === label || findChoice(element, entry, ui.texts)?.id === label);
  const open = choices.map(({ label }) => labelOf(label, ui)).filter((label) => !isRanked(label));
  const move = (from: number, to: number) => {
    const next = [...ranked];
    next.splice(to, 0, ...next.splice(from, 1));
    onAnswer(next);
  };
  return (
    <>
      <span class="mo-hint">{ui.messages.rankHint}</span>
      {ranked.length > 0 && (
        <ol class="mo-list" aria-live="polite">
          {ranked.map((name, index) => (
            <li key={name} class="mo-row">
              <span class="mo-rank">{index + 1}</span>
              <span class="mo-grow">{name}</span>
              <IconButton label={fill(ui.messages.moveUp, { name })} isOff={index === 0} onPress={() => move(index, index - 1)}>
                <UpIcon />
              </IconButton>
              <IconButton
                label={fill(ui.messages.moveDown, { name })}
                isOff={index === ranked.length - 1}
                onPress={() => move(index, index + 1)}
              >
                <DownIcon />
              </IconButton>
              <IconButton
                label={fill(ui.messages.unrankIt, { name })}
                isOff={false}
                onPress={() => onAnswer(ranked.filter((each) => each !== name))}
              >
                <CloseIcon />
              </IconButton>
            </li>
          ))}
        </ol>
      )}
      {open.length > 0 && (
        <ul class="mo-list">
          {open.map((name) => (
            <li key={name}>
              <button
                type="button"
                class="mo-option"
                aria-label={fill(ui.messages.rankIt, { name })}
                onClick={() => onAnswer([...ranked, name])}
              >
                <span class="mo-rank mo-none" aria-hidden="true" />
                <span>{name}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

export function IconButton({
  label,
  isOff,
  onPress,
  children,
}: {
  label: string;
  isOff: boolean;
  onPress: () => void;
  children: ComponentChildren;
}) {
  return (
    <button type="button" class="mo-icon-button" aria-label={label} disabled={isOff} onClick={onPress}>
      {children}
    </button>
  );
}
