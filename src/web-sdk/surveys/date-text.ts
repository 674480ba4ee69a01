/**
 * A day in words, its parts in the order the survey asks for; `2026-03-01` as `1 March 2026` for `d-M-y`. Empty for what
 * is no day. `language` is a BCP 47 tag; one the browser does not know counts as English.
 */
export function dateText(day: string, format: string, language: string | undefined): string {
  const [year, month, date] = day.split("-").map(Number);
  if (year === undefined || month === undefined || date === undefined || Number.isNaN(year + month + date)) return "";
  const monthName = nameOfMonth(month, language);
  if (format === "M-d-y") return `${monthName} ${date}, ${year}`;
  return format === "d-M-y" ? `${date} ${monthName} ${year}` : `${year} ${monthName} ${date}`;
}

function nameOfMonth(month: number, language: string | undefined): string {
  const day = new Date(Date.UTC(2024, month - 1, 1));
  try {
    return day.toLocaleDateString(language, { month: "long", timeZone: "UTC" });
  } catch {
    return day.toLocaleDateString("en", { month: "long", timeZone: "UTC" });
  }
}
