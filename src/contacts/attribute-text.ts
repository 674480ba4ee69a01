/** Attributes that come as text, as management APIs send them: which value and which type a text stands for. Pure. */
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import { toStored } from "./attribute-plan.ts";

const NUMBER_PATTERN = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

/** The value as it is stored under a key of this type; undefined when it does not fit. */
export function parseAttributeText(text: string, dataType: AttributeDataType): AttributeValue | undefined {
  return dataType === "number" ? parseNumber(text) : toStored(text, dataType);
}

/**
 * The type of a key that first appears with these texts: that of the first one that is not blank, if it fits them all,
 * and text otherwise. Source: management-api-v2 §5.8.
 */
export function inferTextDataType(texts: readonly string[]): AttributeDataType {
  const given = texts.filter((text) => text.trim() !== "");
  const candidates = ["date", "number"] as const;
  const dataType = candidates.find((candidate) => given.every((text) => parseAttributeText(text, candidate) !== undefined));
  return given.length > 0 && dataType ? dataType : "string";
}

function parseNumber(text: string): number | undefined {
  const number = NUMBER_PATTERN.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}
