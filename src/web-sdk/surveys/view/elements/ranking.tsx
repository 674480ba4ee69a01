import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { findChoice } from "../../../../responses/element.ts";
import { orderChoices } from "../../choice-order.ts";
import { fill } from "../../messages.ts";
import { CloseIcon, DownIcon, GripIcon, UpIcon } from "../icons.tsx";
import { type ElementProps, labelOf, listOf } from "../ui.ts";
import { rankingAfter } from "./drag-order.ts";
import { type Dragging, useDrag } from "./use-drag.ts";

/** Choices are ranked one after the other, and moved by buttons, which keyboards and thumbs can use alike, or dragged. */
export function Ranking({ element, answer, onAnswer, ui }: ElementProps) {
  const [choices] = useState(() => orderChoices(element.choices, element.shuffleOption, Math.random));
  const ranked = listOf(answer);
  const isRanked = (label: string) =>
    ranked.some((entry) => entry === label || findChoice(element, entry, ui.texts)?.id === label);
  const open = choices.map(({ label }) => labelOf(label, ui)).filter((label) => !isRanked(label));
  const list = useRef<HTMLDivElement>(null);
  const drag = useDrag(list, (from, to) => onAnswer(rankingAfter(ranked, open, from, to)));
  const move = (from: number, to: number) => onAnswer(rankingAfter(ranked, open, from, to));
  // What is dragged beyond the ranked ones would be the last of them.
  const rankOf = (row: number) => 1 + (row === drag.index ? Math.min(drag.placeOf(row), ranked.length - 1) : drag.placeOf(row));
  return (
    <>
      <span class="mo-hint">{ui.messages.rankHint}</span>
      <div ref={list} class={`mo-ranking ${drag.index === null ? "" : "mo-sorting"}`}>
        {ranked.length > 0 && (
          <ol class="mo-list" aria-live="polite">
            {ranked.map((name, index) => (
              <li key={name} {...rowOf(drag, index)}>
                <div class="mo-row">
                  <span class="mo-grow">
                    <Grip drag={drag} row={index} />
                    <span class="mo-rank">{rankOf(index)}</span>
                    <span dir="auto">{name}</span>
                  </span>
                  <span class="mo-tools">
                    <IconButton
                      label={fill(ui.messages.moveUp, { name })}
                      isOff={index === 0}
                      onPress={() => move(index, index - 1)}
                    >
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
                  </span>
                </div>
              </li>
            ))}
          </ol>
        )}
        {open.length > 0 && (
          <ul class="mo-list">
            {open.map((name, index) => (
              <li key={name} {...rowOf(drag, ranked.length + index)}>
                <button
                  type="button"
                  class="mo-option"
                  aria-label={fill(ui.messages.rankIt, { name })}
                  onClick={() => onAnswer([...ranked, name])}
                >
                  <Grip drag={drag} row={ranked.length + index} />
                  <span class="mo-rank mo-none" aria-hidden="true" />
                  <span dir="auto">{name}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </>
  );
}

function rowOf(drag: Dragging, row: number) {
  const offset = drag.offsetOf(row);
  return {
    "data-drag-row": row,
    class: drag.index === row ? "mo-dragged" : "",
    style: offset === 0 ? {} : { transform: `translateY(${offset}px)` },
  };
}

/** For pointers only: what it does, the buttons do too. */
function Grip({ drag, row }: { drag: Dragging; row: number }) {
  return (
    <span class="mo-grip" aria-hidden="true" onPointerDown={(event) => drag.onGrip(event, row)}>
      <GripIcon />
    </span>
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
