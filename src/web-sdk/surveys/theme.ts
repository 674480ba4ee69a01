/** From a survey's styling to CSS variables. Source: survey-model §11. */
import { isRecord } from "../../responses/answer-values.ts";

const COLORS = [
  ...["brandColor", "accentBgColor", "accentBgColorSelected", "footerLinkColor", "buttonBgColor", "buttonTextColor"],
  ...["inputBgColor", "inputBorderColor", "inputTextColor", "optionBgColor", "optionLabelColor", "optionBorderColor"],
  ...["elementHeadlineColor", "elementDescriptionColor", "elementUpperLabelColor", "progressTrackBgColor"],
  ...["progressIndicatorBgColor", "cardBackgroundColor", "cardBorderColor", "highlightBorderColor"],
];
const SIZES = [
  ...["buttonBorderRadius", "buttonHeight", "buttonFontSize", "buttonPaddingX", "buttonPaddingY", "inputBorderRadius"],
  ...["inputHeight", "inputFontSize", "inputPaddingX", "inputPaddingY", "optionBorderRadius", "optionPaddingX"],
  ...["optionPaddingY", "optionFontSize", "elementHeadlineFontSize", "elementDescriptionFontSize"],
  ...["elementUpperLabelFontSize", "progressTrackHeight", "roundness"],
];
const WEIGHTS = ["buttonFontWeight", "elementHeadlineFontWeight", "elementDescriptionFontWeight", "elementUpperLabelFontWeight"];
/** Names from before there were several colours. Source: survey-model §11.1. */
const FORMER_COLORS: Readonly<Record<string, readonly string[]>> = {
  questionColor: [
    "elementHeadlineColor",
    "elementDescriptionColor",
    "elementUpperLabelColor",
    "inputTextColor",
    "optionLabelColor",
  ],
  inputColor: ["optionBgColor", "inputBgColor"],
};

const DEFAULT_BRAND = "#2f5bd8";
/** WCAG AA for text. */
const TEXT_CONTRAST = 4.5;

/** How the cards that follow lie behind the one that is answered; `cardless` is for link surveys. */
export type Arrangement = "casual" | "straight" | "simple" | "cardless";

export interface Theme {
  /** CSS variable (and `color-scheme`) → value. */
  variables: Record<string, string>;
  isProgressHidden: boolean;
}

const ARRANGEMENTS: readonly Arrangement[] = ["casual", "straight", "simple", "cardless"];

/** Straight where the styling does not say. */
export function arrangementOf({ cardArrangement }: Styling, type: "app" | "link"): Arrangement {
  const given = isRecord(cardArrangement) ? cardArrangement : {};
  const wanted = type === "link" ? given.linkSurveys : given.appSurveys;
  const found = ARRANGEMENTS.find((known) => known === wanted) ?? "straight";
  return found === "cardless" && type === "app" ? "simple" : found;
}

type Styling = Readonly<Record<string, unknown>>;

/** `prefersDark`: what the respondent's system asks for; it counts only where the styling has a dark mode. */
export function buildTheme(styling: Styling, prefersDark: boolean): Theme {
  const isDark = prefersDark && styling.isDarkModeEnabled === true;
  const colors = readColors(styling, isDark);
  const card = colors.cardBackgroundColor ?? (isDark ? "#16181d" : "#ffffff");
  const brand = colors.brandColor ?? DEFAULT_BRAND;
  const button = colors.buttonBgColor ?? brand;
  const isCardDark = contrast(card, "#ffffff") > contrast(card, "#000000");
  const variables: Record<string, string> = {
    ...plainVariables(colors),
    ...sizeVariables(styling),
    "color-scheme": isCardDark ? "dark" : "light", // of what the browser draws: pickers, ticks, scroll bars
    "--mo-brand-color": brand,
    "--mo-card-background-color": card,
    "--mo-button-bg-color": button,
    "--mo-button-text-color": colors.buttonTextColor ?? onColor(button),
    "--mo-button-hover": hovered(button),
    "--mo-on-brand": onColor(brand),
    "--mo-brand-text": readable(brand, card),
    "--mo-text": isCardDark ? "#f3f4f6" : "#16181d",
    "--mo-muted": isCardDark ? "#b3b8c2" : "#565d6b",
    "--mo-line": isCardDark ? "#7d8594" : "#858d9b",
    "--mo-soft": isCardDark ? "#2a2e37" : "#f4f5f7",
    "--mo-error": isCardDark ? "#ffb4a9" : "#b3261e",
  };
  return { variables, isProgressHidden: styling.hideProgressBar === true };
}

function readColors(styling: Styling, isDark: boolean): Record<string, string | undefined> {
  const colors: Record<string, string | undefined> = {};
  for (const [former, names] of Object.entries(FORMER_COLORS))
    for (const name of names) colors[name] = schemeColor(styling[former], isDark);
  for (const name of COLORS) colors[name] = schemeColor(styling[name], isDark) ?? colors[name];
  return colors;
}

function schemeColor(value: unknown, isDark: boolean): string | undefined {
  if (!isRecord(value)) return undefined;
  const color = isDark ? (value.dark ?? value.light) : value.light;
  return typeof color === "string" && /^#[0-9a-f]{3,8}$/i.test(color) ? color : undefined;
}

function plainVariables(colors: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(colors).flatMap(([name, color]): [string, string][] =>
      color === undefined ? [] : [[variableOf(name), color]],
    ),
  );
}

function sizeVariables(styling: Styling): Record<string, string> {
  const variables: Record<string, string> = {};
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined) variables[variableOf(name)] = value;
  };
  for (const name of SIZES) set(name, cssSize(styling[name], "px"));
  for (const name of WEIGHTS) set(name, cssSize(styling[name], ""));
  if (typeof styling.inputPlaceholderOpacity === "number")
    set("inputPlaceholderOpacity", String(styling.inputPlaceholderOpacity));
  if (typeof styling.fontFamily === "string" && styling.fontFamily !== "") set("fontFamily", styling.fontFamily);
  if (typeof styling.inputShadow === "string" && styling.inputShadow !== "") set("inputShadow", styling.inputShadow);
  return variables;
}

/** A number, or a text that is one, gets the unit; other texts are CSS already. */
function cssSize(value: unknown, unit: string): string | undefined {
  if (typeof value === "number") return `${value}${unit}`;
  if (typeof value !== "string" || value === "") return undefined;
  return /^\d+(\.\d+)?$/.test(value) ? `${value}${unit}` : value;
}

const variableOf = (name: string): string => `--mo-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Black or white, whichever is easier to read on the colour. */
export const onColor = (background: string): string =>
  contrast(background, "#ffffff") >= contrast(background, "#16181d") ? "#ffffff" : "#16181d";

/** Darker, as long as it is not near black already. */
const hovered = (color: string): string => mix(color, contrast(color, "#000000") > 2 ? 0 : 255, 0.14);

/** The colour, or as much lighter or darker as reading it on the background takes. */
export function readable(color: string, background: string): string {
  const target = contrast(background, "#ffffff") > contrast(background, "#000000") ? 255 : 0;
  for (let share = 0; share < 1; share += 0.1) {
    const mixed = mix(color, target, share);
    if (contrast(mixed, background) >= TEXT_CONTRAST) return mixed;
  }
  return mix(color, target, 1);
}

/** As WCAG defines it, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((left, right) => right - left);
  return ((light ?? 1) + 0.05) / ((dark ?? 0) + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = channels(color).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Red, green and blue, 0 to 255; transparency is ignored. */
function channels(color: string): number[] {
  const digits = color.slice(1);
  const long = digits.length < 6 ? [...digits].map((digit) => digit + digit).join("") : digits;
  return [0, 2, 4].map((start) => Number.parseInt(long.slice(start, start + 2), 16) || 0);
}

const mix = (color: string, target: number, share: number): string =>
  `#${channels(color)
    .map((value) =>
      Math.round(value + (target - value) * share)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
