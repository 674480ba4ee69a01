/** The type of an attribute key's values. */
export const ATTRIBUTE_DATA_TYPES = ["string", "number", "date", "boolean"] as const;
export type AttributeDataType = (typeof ATTRIBUTE_DATA_TYPES)[number];

/** A stored attribute: a native JSON value; a date is kept as ISO 8601 text in UTC with milliseconds. */
export type AttributeValue = string | number | boolean;

/** The value as text, as the contracts that know no other type show it. */
export const attributeText = (value: AttributeValue): string => String(value);
