/** The pages of link surveys: the survey, the question for its PIN, and the word that there is nothing to answer. */

import { type Html, html, jsonElement, styleElement } from "../../http/html.ts";
import type { LinkSurvey, Obstacle, Opening } from "../../link-surveys/service.ts";
import { pageStyles } from "./page-styles.ts";

export interface PageOptions {
  nonce: string;
  /** In a frame of another page: no background, no space around. */
  isEmbedded: boolean;
  /** As asked for in the link. */
  language: string | null;
}

type Outcome<Name extends Opening["outcome"]> = Extract<Opening, { outcome: Name }>;

/** The survey's first card is drawn by scripts, which are asked for as early as the page's head arrives. */
export function surveyPage(
  { link, singleUseId, responseId, pinAuthToken, contactId }: Outcome<"open">,
  { recaptchaSiteKey, ...options }: PageOptions & { recaptchaSiteKey: string | null },
): string {
  const { survey } = link;
  const isProtected = recaptchaSiteKey !== null && survey.recaptcha?.enabled === true;
  const data = {
    survey: { ...survey, type: "link", status: "inProgress" },
    styling: link.styling,
    environmentId: link.environmentId,
    languageCode: languageKey(survey, options.language),
    isBrandingEnabled: link.isBrandingShown,
    isEmbedded: options.isEmbedded,
    ...{ singleUseId, responseId, pinAuthToken, contactId },
    ...(isProtected && { recaptchaSiteKey, isSpamProtectionEnabled: true }),
  };
  const head = html`<link rel="preload" as="script" href="/js/surveys.umd.cjs" nonce="${options.nonce}">
<script defer src="/js/surveys.umd.cjs" nonce="${options.nonce}"></script>
<script defer src="/js/links.umd.cjs" nonce="${options.nonce}"></script>`;
  const body = html`<main><div id="survey"></div></main>
<noscript><p class="word">This survey needs JavaScript.</p></noscript>
${jsonElement("mortar-link", data)}`;
  return page({ link, options, head, body });
}

/** The PIN is sent by a plain form, so that this page runs no script at all. */
export function pinPage({ link, isWrong }: Outcome<"pin">, options: PageOptions): string {
  const problem = isWrong ? html`<p class="wrong" id="wrong" role="alert">That is not the PIN of this survey.</p>` : null;
  const body = html`<main class="notice"><form method="post" autocomplete="off">
<h1><label for="pin">This survey is protected by a PIN</label></h1>
<p>Please enter the four digits you were given.</p>
<input id="pin" name="pin" inputmode="numeric" pattern="[0-9]{4}" maxlength="4" required autofocus ${
    isWrong ? html`aria-invalid="true" aria-describedby="wrong"` : null
  }>
${problem}<button>Continue</button></form></main>`;
  return page({ link, options, body });
}

const TEXTS = {
  notFound: ["This survey does not exist", "Please check the link you were given."],
  expired: ["This link has expired", "Please ask for a new one."],
  paused: ["This survey is paused", "It takes no answers right now. Please come back later."],
  completed: ["This survey is closed", "It takes no more answers. Thank you for your interest."],
  singleUseInvalid: ["This link is not valid", "Please use the link exactly as you were given it."],
  singleUseUsed: ["This link was used already", "It is good for one answer, which we have. Thank you."],
  answered: ["You have answered already", "Your answers have arrived. Thank you."],
  unverified: ["Your email address must be verified", "This server sends no mail. Please use the link you were mailed."],
} as const satisfies Record<Obstacle, readonly [heading: string, text: string]>;

export function closedPage({ obstacle, link, notice }: Outcome<"closed">, options: PageOptions): string {
  const [heading, text] = TEXTS[obstacle];
  const body = html`<main class="notice"><h1>${notice?.heading || heading}</h1><p>${notice ? notice.subheading : text}</p></main>`;
  return page({ link, options, body });
}

/** A page without a survey and without any style of its own, for what went wrong on the way to one. */
export const messagePage = ({ heading, text }: { heading: string; text: string }): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow"><title>${heading}</title></head>
<body><main><h1>${heading}</h1><p>${text}</p></main></body></html>`.html;

function page({ link, options, head, body }: { link: LinkSurvey | null; options: PageOptions; head?: Html; body: Html }): string {
  const { nonce, isEmbedded, language } = options;
  const key = link === null ? "default" : languageKey(link.survey, language);
  return html`<!doctype html>
<html lang="${tagOf(link, key)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<link rel="icon" href="data:,">
${link === null ? html`<title>Survey</title>` : preview(link, key)}
${styleElement(nonce, pageStyles(link, { isEmbedded }))}
${head ?? null}
</head>
<body class="${isEmbedded ? "embedded" : ""}">
${link === null ? null : backdrop(link, isEmbedded)}
${body}
</body>
</html>
`.html;
}

/** The survey's name is the team's own and is not shown to respondents. */
function preview({ metadata, survey }: LinkSurvey, key: string): Html {
  const { headline } = survey.welcomeCard;
  const title = textIn(metadata.title, key) || plain(textIn(isTexts(headline) ? headline : {}, key)) || "Survey";
  const description = textIn(metadata.description, key);
  const { imageUrl } = metadata;
  return html`<title>${title}</title>
<meta property="og:type" content="website">
<meta property="og:title" content="${title}">
${description === "" ? null : html`<meta name="description" content="${description}"><meta property="og:description" content="${description}">`}
${imageUrl === null ? null : html`<meta property="og:image" content="${imageUrl}">`}`;
}

function backdrop({ styling, logo }: LinkSurvey, isEmbedded: boolean): Html | null {
  if (isEmbedded) return null;
  const { bg, bgType } = isObject(styling.background) ? styling.background : {};
  const film =
    bgType === "animation" && typeof bg === "string" && /^(https?:\/\/|\/storage\/)/.test(bg)
      ? html`<video class="backdrop" src="${bg}" autoplay muted loop playsinline aria-hidden="true"></video>`
      : html`<div class="backdrop"></div>`;
  return logo === null ? film : html`${film}<header><img class="logo" src="${logo.url}" alt=""></header>`;
}

/** The key of the survey's texts: by code or alias, then by the language alone (`de` for `de-AT`). */
function languageKey({ languages }: LinkSurvey["survey"], asked: string | null): string {
  const wanted = asked?.toLowerCase();
  if (wanted === undefined) return "default";
  const enabled = languages.filter((language) => language.enabled || language.default);
  const found =
    enabled.find(({ language: { code, alias } }) => [code, alias].some((name) => name?.toLowerCase() === wanted)) ??
    enabled.find(({ language: { code } }) => code.toLowerCase().split("-")[0] === wanted.split("-")[0]);
  return found === undefined || found.default ? "default" : found.language.code;
}

function tagOf(link: LinkSurvey | null, key: string): string {
  if (key !== "default") return key;
  return link?.survey.languages.find((language) => language.default)?.language.code ?? "en";
}

const textIn = (texts: Readonly<Record<string, string>>, key: string): string => texts[key] || texts.default || "";
const plain = (text: string): string =>
  text
    .replace(/<[^>]*>/g, "")
    .replace(/#recall:[^#]*#/g, "…")
    .trim();
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;
const isTexts = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) && Object.values(value).every((text) => typeof text === "string");
