/** What a link survey's page may load: our own, and from elsewhere only what the survey itself names. */
import type { Opening } from "../../link-surveys/service.ts";

export interface PolicyOptions {
  nonce: string;
  isEmbedded: boolean;
  recaptchaSiteKey: string | null;
  uploadOrigins: readonly string[];
}

/** Where videos of surveys are played; the renderer frames no other. */
const VIDEO_HOSTS = ["https://www.youtube-nocookie.com", "https://player.vimeo.com", "https://www.loom.com"];
const RECAPTCHA_SCRIPTS = ["https://www.google.com/recaptcha/", "https://www.gstatic.com/recaptcha/"];
const RECAPTCHA_FRAMES = ["https://www.google.com/recaptcha/", "https://recaptcha.google.com/recaptcha/"];

/** Members of a survey and its styling that hold the address of a picture, or of a film behind the card. */
const MEDIA_MEMBERS = new Set(["imageUrl", "fileUrl", "bg"]);

/** A host in an address may hold what ends a rule of the policy, `;` and `,`; no picture is loaded from such. */
const ORIGIN = /^https?:\/\/[\w.:[\]-]+$/;

export function contentPolicy(opening: Opening, { nonce, isEmbedded, recaptchaSiteKey, uploadOrigins }: PolicyOptions): string {
  const { link } = opening;
  const media = link === null ? [] : mediaOrigins([link.survey, link.styling, { imageUrl: link.logo?.url }]);
  const isProtected = recaptchaSiteKey !== null && link?.survey.recaptcha?.enabled === true;
  const hasVideo = link !== null && JSON.stringify(link.survey).includes('"videoUrl":"http');
  const directives: Record<string, string[]> = {
    "default-src": ["'none'"],
    "script-src": [`'nonce-${nonce}'`, ...(isProtected ? RECAPTCHA_SCRIPTS : [])],
    "style-src": [`'nonce-${nonce}'`],
    "img-src": ["'self'", "data:", ...media],
    "media-src": ["'self'", ...media],
    "font-src": ["'self'"],
    "connect-src": ["'self'", ...uploadOrigins, ...(isProtected ? RECAPTCHA_SCRIPTS : [])],
    "frame-src": [...(hasVideo ? VIDEO_HOSTS : []), ...(isProtected ? RECAPTCHA_FRAMES : [])],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": [isEmbedded ? "*" : "'self'"],
  };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.length > 0 ? sources.join(" ") : "'none'"}`)
    .join("; ");
}

function mediaOrigins(value: unknown): string[] {
  const origins = new Set<string>();
  visit(value);
  return [...origins];

  function visit(part: unknown): void {
    if (typeof part !== "object" || part === null) return;
    for (const [name, member] of Object.entries(part)) {
      if (typeof member !== "string") visit(member);
      else if (MEDIA_MEMBERS.has(name) && URL.canParse(member)) add(new URL(member).origin);
    }
  }

  function add(origin: string): void {
    if (ORIGIN.test(origin)) origins.add(origin);
  }
}
