/** How this contract shows a contact wherever it lists them. */
import { z } from "zod";
import { OWNER_IN_ANSWER } from "./owner.ts";

export const Contact = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    userId: z.string().nullable(),
    email: z.string().nullable(),
    attributes: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .meta({ description: "All but userId and email, in the types of their keys" }),
    ...OWNER_IN_ANSWER,
  })
  .meta({ id: "V2Contact" });
