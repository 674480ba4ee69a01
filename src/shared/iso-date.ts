/** A date in ISO 8601: a day, or a day and a time to the second or millisecond, in UTC. */
const UTC_PATTERN = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{3})?Z?)?$/;

/** As above, with any precision and with an offset from UTC. */
const OFFSET_PATTERN = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$/i;

/**
 * The date as ISO 8601 in UTC with milliseconds, the form in which dates are stored; undefined when the text is no
 * date. A time without zone is taken for UTC.
 * @param offsets whether a time may carry an offset from UTC and any number of decimals
 */
export function isoDate(text: string, { offsets }: { offsets: boolean }): string | undefined {
  const trimmed = text.trim();
  const time = offsets ? parseWithOffset(trimmed) : parseUtc(trimmed);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

function parseUtc(text: string): number {
  if (!UTC_PATTERN.test(text)) return Number.NaN;
  return Date.parse(text.length > 10 && !text.endsWith("Z") ? `${text}Z` : text);
}

function parseWithOffset(text: string): number {
  const match = OFFSET_PATTERN.exec(text);
  if (!match) return Number.NaN;
  const [, time, , , zone] = match;
  if (time === undefined) return Date.parse(text);
  const local = text
    .slice(0, text.length - (zone ?? "").length)
    .replace(" ", "T")
    .replace("t", "T")
    .replace(",", ".");
  return Date.parse(`${local}Z`) - offsetMs(zone);
}

function offsetMs(zone: string | undefined): number {
  if (zone === undefined || zone.toUpperCase() === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(":", "") || 0)];
  if (hours > 23 || minutes > 59) return Number.NaN;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
