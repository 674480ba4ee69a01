import { useEffect, useRef, useState } from "preact/hooks";
import { isRecord } from "../../../../responses/answer-values.ts";
import { orderChoices } from "../../choice-order.ts";
import { type ElementProps, labelOf } from "../ui.ts";
import { Option } from "./choices.tsx";

/** Narrower than this, a table of that many columns cannot be read. */
const COLUMN_WIDTH_PX = 62;
const ROW_LABEL_WIDTH_PX = 110;
/** Labels up to this many characters stand beside each other in a list. */
const SHORT_LABEL = 4;

/** A table where there is room for one, else a list per row. The answer maps row labels to column labels. */
export function Matrix({ element, answer, onAnswer, ui }: ElementProps) {
  const [rows] = useState(() => orderChoices(element.rows, element.shuffleOption, Math.random));
  const frame = useRef<HTMLDivElement>(null);
  const isStacked = useNarrow(frame, element.columns.length * COLUMN_WIDTH_PX + ROW_LABEL_WIDTH_PX);
  const given = isRecord(answer) ? answer : {};
  const columns = element.columns.map(({ label }) => labelOf(label, ui));
  const isChosen = (row: string, column: string) => given[row] === column;
  const choose = (row: string, column: string) => {
    // In the survey's order, as far as rows are answered.
    const next = { ...given, [row]: column };
    const labels = element.rows.map(({ label }) => labelOf(label, ui));
    onAnswer(
      Object.fromEntries(labels.flatMap((label): [string, string][] => (next[label] ? [[label, String(next[label])]] : []))),
    );
  };
  const named = rows.map((row, index) => ({ row: labelOf(row.label, ui), name: `${ui.id}-${element.id}-${index}` }));
  if (isStacked)
    return (
      <div class="mo-stack" ref={frame}>
        {named.map(({ row, name }) => (
          <fieldset key={name}>
            <legend>{row}</legend>
            <div class={`mo-options ${columns.every((column) => column.length <= SHORT_LABEL) ? "mo-short" : ""}`}>
              {columns.map((column) => (
                <Option
                  key={column}
                  type="radio"
                  name={name}
                  label={column}
                  isChosen={isChosen(row, column)}
                  onChoose={() => choose(row, column)}
                />
              ))}
            </div>
          </fieldset>
        ))}
      </div>
    );
  return (
    <div class="mo-matrix-scroll" ref={frame}>
      <table class="mo-matrix">
        <thead>
          <tr>
            <td />
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {named.map(({ row, name }) => (
            <tr key={name}>
              <th scope="row">{row}</th>
              {columns.map((column) => (
                <td key={column}>
                  <label>
                    <input
                      type="radio"
                      name={name}
                      aria-label={`${row}: ${column}`}
                      checked={isChosen(row, column)}
                      onChange={() => choose(row, column)}
                    />
                  </label>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function useNarrow(frame: { current: HTMLElement | null }, neededPx: number): boolean {
  const [isNarrow, setNarrow] = useState(false);
  useEffect(() => {
    const measure = () => setNarrow((frame.current?.parentElement?.clientWidth ?? neededPx) < neededPx);
    measure();
    window.addEventListener("resize", measure);
    return () => window.removeEventListener("resize", measure);
  }, [frame, neededPx]);
  return isNarrow;
}
