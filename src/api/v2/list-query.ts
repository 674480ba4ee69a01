/** The query that every list of this contract takes. Source: management-api-v2 §1.4. */
import { z } from "zod";

const DATE_FIELDS = ["createdAt", "updatedAt"] as const;

/** PostgreSQL knows fewer years than JavaScript; nothing is stored outside of these. */
const EARLIEST_MS = Date.parse("0001-01-01T00:00:00.000Z");
const LATEST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** A point in time in a query. */
export const QueryDate = z.coerce
  .date()
  .transform((date) => new Date(Math.min(Math.max(date.getTime(), EARLIEST_MS), LATEST_MS)))
  .optional()
  .meta({ type: "string", description: "Inclusive; a date without a time means midnight UTC" });

/** Which part of a list, for lists that have an order of their own. */
export const LIST_PAGE = {
  limit: z.coerce.number().int().min(1).max(250).default(50).meta({ description: "Number of items to return" }),
  skip: z.coerce.number().int().min(0).default(0).meta({ description: "Number of items to skip" }),
};

const LIST_PARAMETERS = {
  ...LIST_PAGE,
  sortBy: z.enum(DATE_FIELDS).default("createdAt").meta({ description: "Sort by field" }),
  order: z.enum(["asc", "desc"]).default("desc").meta({ description: "Sort order" }),
  startDate: QueryDate,
  endDate: QueryDate,
  filterDateField: z.enum(DATE_FIELDS).default("createdAt").meta({ description: "Date field to filter by" }),
};

/** The common parameters and those of one list. */
export const listQuery = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.object({ ...LIST_PARAMETERS, ...shape }).refine(isDateRange, { error: "startDate must be before endDate" });

const Cursor = z.string().max(1_000).optional().meta({ description: "`nextCursor` of the page before" });

/** As {@link listQuery}, and by `cursor`, in place of `skip`; a parameter that the list does not have is refused. */
export const longListQuery = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z
    .strictObject({ ...LIST_PARAMETERS, cursor: Cursor, ...shape })
    .refine(isDateRange, { error: "startDate must be before endDate" });

/** Of a list that is sorted by the date of what it is about, and read by `cursor` only. */
export const streamQuery = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z
    .strictObject({
      limit: LIST_PAGE.limit,
      order: LIST_PARAMETERS.order,
      startDate: QueryDate,
      endDate: QueryDate,
      cursor: Cursor,
      ...shape,
    })
    .refine(isDateRange, { error: "startDate must be before endDate" });

function isDateRange({ startDate, endDate }: { startDate?: unknown; endDate?: unknown }): boolean {
  return !(startDate instanceof Date && endDate instanceof Date) || startDate <= endDate;
}
