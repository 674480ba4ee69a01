/** NPS, rating, satisfaction and effort: one number of a row. */
import { fill } from "../../messages.ts";
import type { Element } from "../../survey.ts";
import { FaceIcon, StarIcon } from "../icons.tsx";
import { type ElementProps, textOf } from "../ui.ts";

export function Scale({ element, answer, onAnswer, ui }: ElementProps) {
  const values = valuesOf(element);
  const isDrawn = element.type !== "nps" && element.scale !== "number";
  const lower = textOf(element.lowerLabel, ui);
  const upper = textOf(element.upperLabel, ui);
  return (
    <>
      <div
        class={`${isDrawn ? "mo-faces" : "mo-scale"} ${values.length > 7 ? "mo-many" : ""}`}
        style={{ "--mo-columns": Math.ceil(values.length / 2) }}
      >
        {values.map((value, index) => (
          <label key={value} class={classOf({ element, value, index, count: values.length, answer })}>
            <input
              class="mo-hidden"
              type="radio"
              name={`${ui.id}-${element.id}`}
              checked={answer === value}
              aria-label={fill(ui.messages.scaleOf, { value, range: values[values.length - 1] })}
              onChange={() => onAnswer(value)}
            />
            <span class="mo-box" aria-hidden="true">
              {!isDrawn && value}
              {isDrawn && element.scale === "star" && <StarIcon />}
              {isDrawn && element.scale === "smiley" && <FaceIcon mood={index / Math.max(1, values.length - 1)} />}
            </span>
          </label>
        ))}
      </div>
      {(lower !== "" || upper !== "") && (
        <div class="mo-ends">
          <span>{lower}</span>
          <span>{upper}</span>
        </div>
      )}
    </>
  );
}

const valuesOf = ({ type, range }: Element): number[] =>
  type === "nps" ? Array.from({ length: 11 }, (_, index) => index) : Array.from({ length: range }, (_, index) => index + 1);

interface Spot {
  element: Element;
  value: number;
  index: number;
  count: number;
  answer: unknown;
}

/** Stars are lit up to the answer, a face alone. */
function classOf({ element, value, index, count, answer }: Spot): string {
  const isLit = element.scale === "star" ? typeof answer === "number" && value <= answer : value === answer;
  const lit = isLit ? "mo-lit" : "";
  return element.isColorCodingEnabled ? `mo-tone mo-tone-${toneOf(element, index, count)} ${lit}` : lit;
}

/** Detractors, passives and promoters; on other scales thirds. */
function toneOf({ type }: Element, index: number, count: number): "low" | "mid" | "high" {
  if (type === "nps") return index < 7 ? "low" : index < 9 ? "mid" : "high";
  const share = index / Math.max(1, count - 1);
  return share < 0.34 ? "low" : share < 0.67 ? "mid" : "high";
}
