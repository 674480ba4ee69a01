/** What comes before and after the blocks, and what a response carries besides answers. Source: survey-model §9. */
import { z } from "zod";
import { collapsed } from "./element.ts";
import { LocalizedText } from "./text.ts";
import { isStorageUrl } from "./url.ts";

const StorageUrl = z.string().refine(isStorageUrl, "Invalid file URL");

export const WelcomeCard = z.object({
  enabled: z.boolean(),
  headline: LocalizedText.optional(),
  subheader: LocalizedText.optional(),
  buttonLabel: LocalizedText.optional(),
  fileUrl: StorageUrl.optional(),
  videoUrl: StorageUrl.optional(),
  timeToFinish: z.boolean().default(true),
  showResponseCount: z.boolean().default(false),
});
export type WelcomeCard = z.infer<typeof WelcomeCard>;

const EndScreen = z.object({
  id: z.string(),
  type: z.literal("endScreen"),
  headline: LocalizedText.optional(),
  subheader: LocalizedText.optional(),
  buttonLabel: LocalizedText.optional(),
  buttonLink: z.string().optional(),
  imageUrl: z.string().optional(),
  videoUrl: z.string().optional(),
});

const RedirectToUrl = z.object({
  id: z.string(),
  type: z.literal("redirectToUrl"),
  url: z.string().optional(),
  label: z.string().optional(),
});

const EndingByType = z.discriminatedUnion("type", [EndScreen, RedirectToUrl]);
export type Ending = z.infer<typeof EndingByType>;

export const Ending = collapsed("SurveyEnding", EndingByType);

/** Values that come with the link or the SDK call instead of from the respondent. */
export const HiddenFields = z.object({ enabled: z.boolean(), fieldIds: z.array(z.string()).optional() });

export const Variable = z.discriminatedUnion("type", [
  z.object({ id: z.string(), name: z.string(), type: z.literal("number"), value: z.number().default(0) }),
  z.object({ id: z.string(), name: z.string(), type: z.literal("text"), value: z.string().default("") }),
]);
export type Variable = z.infer<typeof Variable>;
