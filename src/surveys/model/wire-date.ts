import { z } from "zod";

/** Anything `new Date()` reads, as ISO 8601 in UTC with milliseconds, which is how documents keep it. */
export const wireDate = z
  .union([z.string(), z.number(), z.date()])
  .pipe(z.coerce.date())
  .transform((date) => date.toISOString());
