import type { Choice } from "./survey.ts";

/** Always at the end: a text of one's own, and none of them. */
const LAST = ["other", "none"];

/** The choices in the order they are shown in; `random` is in [0, 1). Source: survey-model §5 (shuffleOption). */
export function orderChoices<Option extends Pick<Choice, "id">>(
  choices: readonly Option[],
  shuffleOption: string,
  random: () => number,
): Option[] {
  const tail = LAST.flatMap((id) => choices.filter((choice) => choice.id === id));
  const head = choices.filter(({ id }) => !LAST.includes(id));
  const last = head.slice(-1);
  const others = head.slice(0, -1);
  switch (shuffleOption) {
    case "all":
      return [...shuffle(head, random), ...tail];
    case "exceptLast":
      // A choice that is last anyway is the one to be kept there.
      return tail.length > 0 ? [...shuffle(head, random), ...tail] : [...shuffle(others, random), ...last];
    case "reverseOrderOccasionally":
      return [...(random() < 0.5 ? [...head].reverse() : head), ...tail];
    case "reverseOrderExceptLast":
      if (random() >= 0.5) return [...head, ...tail];
      return tail.length > 0 ? [...[...head].reverse(), ...tail] : [...others.reverse(), ...last];
    default:
      return [...head, ...tail];
  }
}

function shuffle<Entry>(entries: readonly Entry[], random: () => number): Entry[] {
  return entries
    .map((entry) => ({ entry, rank: random() }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ entry }) => entry);
}
