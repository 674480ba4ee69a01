import { fill } from "../../messages.ts";
import { CheckIcon } from "../icons.tsx";
import { type ElementProps, listOf } from "../ui.ts";

/** The answer is a list of choice ids, also when it is one. */
export function Pictures({ element, answer, onAnswer, ui }: ElementProps) {
  const chosen = listOf(answer);
  const choose = (id: string) => {
    if (!element.allowMulti) return onAnswer([id]);
    const wanted = chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id];
    onAnswer(element.choices.map((choice) => choice.id).filter((each) => wanted.includes(each)));
  };
  return (
    <div class="mo-pictures">
      {element.choices.map(({ id, imageUrl }, index) => (
        <label key={id} class={`${element.allowMulti ? "" : "mo-radio"} ${chosen.includes(id) ? "mo-on" : ""}`}>
          <input
            class="mo-hidden"
            type={element.allowMulti ? "checkbox" : "radio"}
            name={`${ui.id}-${element.id}`}
            checked={chosen.includes(id)}
            aria-label={fill(ui.messages.imageOf, { number: index + 1 })}
            onChange={() => choose(id)}
          />
          <span class="mo-box">
            <img src={ui.pictureUrl(imageUrl)} alt="" />
          </span>
          <span class="mo-tick" aria-hidden="true">
            <CheckIcon />
          </span>
        </label>
      ))}
    </div>
  );
}
