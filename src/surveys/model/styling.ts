/** How a survey looks and where it stands. Source: survey-model §11. */
import { z } from "zod";
import { isObject } from "./json.ts";
import { withCurrentColors } from "./older-names.ts";
import { isStorageUrl } from "./url.ts";

const Color = z.string().regex(/^#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$/, "Invalid color");

const schemeColor = z.object({ light: Color, dark: Color.nullish() }).nullish();
const size = z.union([z.number(), z.string()]).nullish();
const flag = z.boolean().nullish();

/** A picture, and the colour behind it. */
export const Logo = z.object({
  url: z.string().refine(isStorageUrl, "Invalid file URL").nullish(),
  bgColor: z.string().nullish(),
});
export type Logo = z.infer<typeof Logo>;

export const Styling = z.object({
  overwriteThemeStyling: flag,
  brandColor: schemeColor,
  accentBgColor: schemeColor,
  accentBgColorSelected: schemeColor,
  footerLinkColor: schemeColor,
  buttonBgColor: schemeColor,
  buttonTextColor: schemeColor,
  inputBgColor: schemeColor,
  inputBorderColor: schemeColor,
  inputTextColor: schemeColor,
  optionBgColor: schemeColor,
  optionLabelColor: schemeColor,
  optionBorderColor: schemeColor,
  elementHeadlineColor: schemeColor,
  elementDescriptionColor: schemeColor,
  elementUpperLabelColor: schemeColor,
  progressTrackBgColor: schemeColor,
  progressIndicatorBgColor: schemeColor,
  cardBackgroundColor: schemeColor,
  cardBorderColor: schemeColor,
  highlightBorderColor: schemeColor,
  buttonBorderRadius: size,
  buttonHeight: size,
  buttonFontSize: size,
  buttonFontWeight: size,
  buttonPaddingX: size,
  buttonPaddingY: size,
  inputBorderRadius: size,
  inputHeight: size,
  inputFontSize: size,
  inputPaddingX: size,
  inputPaddingY: size,
  optionBorderRadius: size,
  optionPaddingX: size,
  optionPaddingY: size,
  optionFontSize: size,
  elementHeadlineFontSize: size,
  elementHeadlineFontWeight: size,
  elementDescriptionFontSize: size,
  elementDescriptionFontWeight: size,
  elementUpperLabelFontSize: size,
  elementUpperLabelFontWeight: size,
  progressTrackHeight: size,
  roundness: size,
  inputPlaceholderOpacity: z.number().min(0).max(1).nullish(),
  fontFamily: z.string().nullish(),
  inputShadow: z.string().nullish(),
  isDarkModeEnabled: flag,
  hideProgressBar: flag,
  isLogoHidden: flag,
  cardArrangement: z
    .object({
      linkSurveys: z.enum(["casual", "straight", "simple", "cardless"]),
      appSurveys: z.enum(["casual", "straight", "simple"]),
    })
    .nullish(),
  background: z
    .object({
      bg: z.string().nullish(),
      bgType: z.enum(["animation", "color", "image", "upload"]).nullish(),
      brightness: z.number().nullish(),
    })
    .refine(({ bgType, bg }) => bgType !== "upload" || Boolean(bg), {
      message: "An uploaded background needs its file",
      path: ["bg"],
    })
    .nullish(),
  logo: Logo.nullish(),
  linkSurveyCardWidth: z.enum(["narrow", "default", "wide"]).nullish(),
});
export type Styling = z.infer<typeof Styling>;

/** How a project's surveys look, those excepted that have a styling of their own and may. Also in the words of 2025. */
export const ProjectStyling = z
  .preprocess(
    (styling) => (isObject(styling) ? withCurrentColors(styling) : styling),
    Styling.omit({ overwriteThemeStyling: true }).extend({
      allowStyleOverwrite: z.boolean().meta({ description: "Whether surveys may have a styling of their own" }),
    }),
  )
  .meta({ id: "ProjectStyling" });
export type ProjectStyling = z.infer<typeof ProjectStyling>;

/** What the survey sets differently from its project. On the wire also `projectOverwrites`. */
export const ProjectOverwrites = z.object({
  brandColor: Color.nullish(),
  highlightBorderColor: Color.nullish(),
  placement: z.enum(["bottomLeft", "bottomRight", "topLeft", "topRight", "center"]).nullish(),
  clickOutsideClose: flag,
  overlay: z.enum(["none", "light", "dark"]).nullish(),
});
