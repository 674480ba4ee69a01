import type { NoCodeConfig, UrlFilter } from "./state.ts";

/** Whether a page belongs to an action; without filters every page does. Source: sdk-contract §3.2. */
export function matchesPage(config: Pick<NoCodeConfig, "urlFilters" | "urlFiltersConnector">, url: string): boolean {
  const filters = config.urlFilters ?? [];
  if (filters.length === 0) return true;
  const matches = (filter: UrlFilter) => matchesRule(filter, url);
  return config.urlFiltersConnector === "and" ? filters.every(matches) : filters.some(matches);
}

/** An unknown rule, or a pattern that is none, matches nothing. */
function matchesRule({ rule, value }: UrlFilter, url: string): boolean {
  switch (rule) {
    case "exactMatch":
      return url === value;
    case "notMatch":
      return url !== value;
    case "contains":
      return url.includes(value);
    case "notContains":
      return !url.includes(value);
    case "startsWith":
      return url.startsWith(value);
    case "endsWith":
      return url.endsWith(value);
    case "matchesRegex":
      return matchesPattern(value, url);
    default:
      return false;
  }
}

function matchesPattern(pattern: string, url: string): boolean {
  try {
    return new RegExp(pattern).test(url);
  } catch {
    return false;
  }
}
