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
  if (isStoredForm(text)) return text;
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

/**
 * Whether the text is a date as {@link isoDate} answers it already, which most are. May say no to one that is (the last
 * days of a month), never yes to one that is not.
 */
function isStoredForm(text: string): boolean {
  if (text.length !== 24 || !STORED_PATTERN.test(text)) return false;
  const number = (at: number) => (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
  const [month, day] = [number(5), number(8)];
  return month >= 1 && month <= 12 && day >= 1 && day <= 28 && number(11) < 24 && number(14) < 60 && number(17) < 60;
}

const STORED_PATTERN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const DAY_MS = 86_400_000;
let lastDay = Number.NaN;
let lastDayText = "";

/** `new Date(time).toISOString()`, in a fraction of its time when one day is asked for again and again. */
export function isoTime(time: number): string {
  const day = Math.floor(time / DAY_MS);
  if (day !== lastDay) {
    lastDayText = new Date(day * DAY_MS).toISOString().slice(0, -13);
    lastDay = day;
  }
  const ms = Math.trunc(time) - day * DAY_MS;
  const [hours, minutes, seconds] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1_000) % 60];
  return `${lastDayText}${PAIRS[hours]}:${PAIRS[minutes]}:${PAIRS[seconds]}.${ms % 1_000 < 100 ? "0" : ""}${ms % 1_000 < 10 ? "0" : ""}${ms % 1_000}Z`;
}

/** `00` to `59`. */
const PAIRS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"));
