/** Dates of filters: parsing, relative periods, and the text form in which both back ends compare them. */

export const PERIOD_UNITS = ["days", "weeks", "months", "years"] as const;

/** A span of time back from now. `amount` is positive. */
export interface Period {
  amount: number;
  unit: (typeof PERIOD_UNITS)[number];
}

/**
 * How a date attribute is stored: ISO 8601 in UTC with milliseconds. Such texts sort as the instants do, so dates are
 * compared as text, and a value of another form is no date. PostgreSQL reads this pattern as JavaScript does.
 */
export const STORED_DATE_PATTERN =
  /^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$/;

const GIVEN_DATE_PATTERN = /^(\d{4})-(\d{2})-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

const DAY_MS = 86_400_000;
const YEAR_0_MS = Date.UTC(-1, 11, 31) + DAY_MS;
const YEAR_10000_MS = Date.UTC(10_000, 0, 1);

/** Sort before and after every stored date; they stand for instants that have no four-digit year. */
const BEFORE_ALL = "";
const AFTER_ALL = "~";

/** The instant in the form that sorts with stored dates. */
export function dateText(ms: number): string {
  if (ms >= YEAR_10000_MS) return AFTER_ALL;
  return ms >= YEAR_0_MS ? new Date(ms).toISOString() : BEFORE_ALL;
}

/**
 * A date as a filter gives it: a day (midnight UTC) or a time with or without zone (UTC then), in ms since the epoch;
 * null when it is anything else or names a day that does not exist.
 */
export function parseDate(text: string): number | null {
  const trimmed = text.trim();
  const match = GIVEN_DATE_PATTERN.exec(trimmed);
  if (!match) return null;
  const [, year, month, day, zone] = match;
  if (Number(day) > daysInMonth(Number(year), Number(month) - 1)) return null;
  const iso = trimmed.replace(" ", "T").toUpperCase();
  const ms = Date.parse(zone === undefined && iso.includes("T") ? `${iso}Z` : iso);
  return Number.isNaN(ms) ? null : ms;
}

/**
 * `now` minus the period, in UTC. Months and years are those of the calendar and clamp to the last day of the month
 * (31 March − 1 month is the end of February, client-api §7.3 and BEAT 14); a fraction of a month is dropped.
 * NaN, which {@link dateText} sorts before every date, when that is before all time.
 */
export function subtractPeriod(now: number, { amount, unit }: Period): number {
  if (unit === "days") return now - amount * DAY_MS;
  if (unit === "weeks") return now - amount * 7 * DAY_MS;
  const date = new Date(now);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() - Math.trunc(amount) * (unit === "years" ? 12 : 1));
  date.setUTCDate(Math.min(day, daysInMonth(date.getUTCFullYear(), date.getUTCMonth())));
  return date.getTime();
}

/** @param month 0 is January; beyond December there are no days */
function daysInMonth(year: number, month: number): number {
  if (month === 1) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month] ?? 0;
}
