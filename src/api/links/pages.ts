/** The pages of link surveys: the survey, the question for its PIN, and the word that there is nothing to answer. */

import { type Html, html, jsonElement, styleElement } from "../../http/html.ts";
import type { LinkSurvey, Opening } from "../../link-surveys/service.ts";
import { directionOf } from "../../shared/localized-words.ts";
import { pageStyles } from "./page-styles.ts";
import { hasWords, type PageWords, pageWordsOf } from "./page-words.ts";

export interface PageOptions {
  nonce: string;
  /** In a frame of another page: no background, no space around. */
  isEmbedded: boolean;
  /** As asked for in the link. */
  language: string | null;
  /** What the browser asks for, best first; it counts where there is no survey whose language could. */
  browserLanguages: readonly string[];
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
<noscript><p class="word">${wordsOf(link, options).needsScript}</p></noscript>
${jsonElement("mortar-link", data)}`;
  return page({ link, options, head, body });
}

/** The PIN is sent by a plain form, so that this page runs no script at all. */
export function pinPage({ link, isWrong }: Outcome<"pin">, options: PageOptions): string {
  const { pin, wrongPin, continue: goOn } = wordsOf(link, options);
  const problem = isWrong ? html`<p class="wrong" id="wrong" role="alert">${wrongPin}</p>` : null;
  const body = html`<main class="notice"><form method="post" autocomplete="off">
<h1><label for="pin">${pin[0]}</label></h1>
<p>${pin[1]}</p>
<input id="pin" name="pin" inputmode="numeric" pattern="[0-9]{4}" maxlength="4" required autofocus ${
    isWrong ? html`aria-invalid="true" aria-describedby="wrong"` : null
  }>
${problem}<button>${goOn}</button></form></main>`;
  return page({ link, options, body });
}

export function closedPage({ obstacle, link, notice }: Outcome<"closed">, options: PageOptions): string {
  const [heading, text] = wordsOf(link, options).obstacles[obstacle];
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
  const { nonce, isEmbedded } = options;
  const tag = tagOf(link, options);
  return html`<!doctype html>
<html lang="${tag}" dir="${directionOf(tag)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<link rel="icon" href="data:,">
${link === null ? html`<title>${wordsOf(link, options).survey}</title>` : preview(link, options)}
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
function preview(link: LinkSurvey, options: PageOptions): Html {
  const { metadata, survey } = link;
  const key = languageKey(survey, options.language);
  const { headline } = survey.welcomeCard;
  const own = textIn(metadata.title, key) || plain(textIn(isTexts(headline) ? headline : {}, key));
  const title = own || wordsOf(link, options).survey;
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

/** Of the language that the page is in: the survey's, or one that the browser asks for and we have words in. */
function tagOf(link: LinkSurvey | null, { language, browserLanguages }: PageOptions): string {
  if (link === null) return [language, ...browserLanguages].find((tag) => tag !== null && hasWords(tag)) ?? "en";
  const key = languageKey(link.survey, language);
  if (key !== "default") return key;
  return link.survey.languages.find((each) => each.default)?.language.code ?? "en";
}

const wordsOf = (link: LinkSurvey | null, options: PageOptions): PageWords => pageWordsOf(tagOf(link, options));

const textIn = (texts: Readonly<Record<string, string>>, key: string): string => texts[key] || texts.default || "";
const plain = (text: string): string =>
  text
    .replace(/<[^>]*>/g, "")
    .replace(/#recall:[^#]*#/g, "…")
    .trim();
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;
const isTexts = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) && Object.values(value).every((text) => typeof text === "string");
