import { z } from "zod";

/**
 * In answers, an object of ours that may have any members: the document shows it as what is given, but nobody looks at
 * it again on its way out. Nothing could be left out of it, and in a page of contacts it is nearly all there is.
 */
export function storedObject(documented: z.ZodRecord) {
  const { $schema: _, ...schema } = z.toJSONSchema(documented);
  return z.unknown().meta(schema);
}
