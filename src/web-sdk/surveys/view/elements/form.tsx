import { ADDRESS_FIELDS, CONTACT_FIELDS, type FieldName } from "../../../../responses/element.ts";
import { type ElementProps, labelOf, listOf } from "../ui.ts";
import { TextInput } from "./text-input.tsx";

const COMPLETIONS: Record<FieldName, string> = {
  addressLine1: "address-line1",
  addressLine2: "address-line2",
  city: "address-level2",
  state: "address-level1",
  zip: "postal-code",
  country: "country-name",
  firstName: "given-name",
  lastName: "family-name",
  email: "email",
  phone: "tel",
  company: "organization",
};
const TYPES: Partial<Record<FieldName, "email" | "tel">> = { email: "email", phone: "tel" };
/** The others stand two in a line. */
const WIDE: ReadonlySet<FieldName> = new Set(["addressLine1", "addressLine2", "email", "phone", "company"]);

/** An address or a contact: one text per field, in the order of the fields; those not shown stay `""`. */
export function Form({ element, answer, onAnswer, ui, describedBy, isInvalid, isRequired }: ElementProps) {
  const names: readonly FieldName[] = element.type === "address" ? ADDRESS_FIELDS : CONTACT_FIELDS;
  const given = listOf(answer);
  const write = (slot: number, text: string) => {
    const next = names.map((_, index) => (index === slot ? text : (given[index] ?? "")));
    onAnswer(next.every((each) => each === "") ? undefined : next);
  };
  const wide = wideFields(names.filter((name) => element.fields[name]?.show === true));
  const isBegun = given.some((each) => each.trim() !== "");
  return (
    <div class="mo-fields">
      {names.map((name, slot) => {
        const field = element.fields[name];
        if (field?.show !== true) return null;
        const isMissing = field.required && (given[slot] ?? "").trim() === "";
        return (
          <label key={name} for={`${ui.id}-${element.id}-${name}`} class={wide.has(name) ? "mo-wide" : ""}>
            <span class="mo-label">
              {labelOf(field.placeholder, ui) || ui.messages[name]}
              {field.required && (isRequired || isBegun) && (
                <span class="mo-star-required" aria-hidden="true">
                  {" *"}
                </span>
              )}
            </span>
            <TextInput
              id={`${ui.id}-${element.id}-${name}`}
              kind={TYPES[name] ?? "text"}
              autocomplete={COMPLETIONS[name]}
              value={given[slot] ?? ""}
              aria-required={field.required && (isRequired || isBegun)}
              aria-invalid={isInvalid && isMissing}
              aria-describedby={isInvalid ? describedBy : undefined}
              onText={(text) => write(slot, text)}
            />
          </label>
        );
      })}
    </div>
  );
}

/** Those that have a line of their own, one without a neighbour among them. */
function wideFields(shown: readonly FieldName[]): ReadonlySet<FieldName> {
  const wide = new Set<FieldName>();
  let waiting: FieldName | null = null; // for its neighbour
  for (const name of shown) {
    const isAlone: boolean = WIDE.has(name);
    if (isAlone) wide.add(name);
    if (isAlone && waiting !== null) wide.add(waiting);
    waiting = isAlone || waiting !== null ? null : name;
  }
  if (waiting !== null) wide.add(waiting);
  return wide;
}
