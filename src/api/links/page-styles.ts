/** How the pages of link surveys look around the card. Source: survey-model §11. */
import type { LinkSurvey } from "../../link-surveys/service.ts";

const WIDTHS: Readonly<Record<string, string>> = { narrow: "480px", default: "640px", wide: "820px" };
const COLOR = /^#[0-9a-f]{3,8}$/i;

const SHEET = `
:root { --brand: #2f5bd8; --bg: #f3f4f7; --width: 640px; color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: flex; flex-direction: column; color: #16181d; background: var(--bg); font: 400 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.backdrop { position: fixed; inset: 0; z-index: -1; width: 100%; height: 100%; object-fit: cover; background: center / cover no-repeat; }
header { padding: 20px 24px 0; }
.logo { display: block; max-height: 48px; max-width: 180px; padding: 6px; border-radius: 8px; }
main { width: 100%; max-width: calc(var(--width) + 32px); margin: auto; padding: 24px 16px; }
#survey { min-height: 120px; }
.notice { text-align: center; max-width: 480px; }
.notice > *, .notice form { background: none; }
.notice h1 { font-size: 24px; line-height: 1.3; margin: 0 0 8px; text-wrap: balance; }
.notice p { margin: 0 0 20px; color: #4b5261; }
.notice .wrong { color: #b3261e; font-weight: 500; margin: -8px 0 16px; }
.notice input { display: block; width: 180px; margin: 0 auto 20px; padding: 12px; font: 600 28px/1 ui-monospace, monospace; letter-spacing: .35em; text-indent: .35em; text-align: center; border: 1px solid #858d9b; border-radius: 10px; background: #fff; color: inherit; }
.notice button { min-height: 44px; padding: 9px 28px; font: inherit; font-weight: 600; color: #fff; background: #16181d; border: 0; border-radius: 10px; cursor: pointer; }
:focus-visible { outline: 2px solid #2f5bd8; outline-offset: 2px; }
.word { text-align: center; }
body.embedded { background: none; min-height: 0; }
.embedded main { padding: 0; max-width: none; margin: 0; }
`;

/** Everything a survey sets is checked before it gets into the sheet. */
export function pageStyles(link: LinkSurvey | null, { isEmbedded }: { isEmbedded: boolean }): string {
  if (link === null) return SHEET;
  const { styling, logo } = link;
  const rules = [`:root { --width: ${WIDTHS[String(styling.linkSurveyCardWidth)] ?? "640px"}; }`];
  if (!isEmbedded) rules.push(...backgroundRules(isObject(styling.background) ? styling.background : {}));
  if (logo?.bgColor && COLOR.test(logo.bgColor)) rules.push(`.logo { background: ${logo.bgColor}; }`);
  return SHEET + rules.join("\n");
}

function backgroundRules({ bg, bgType, brightness }: Readonly<Record<string, unknown>>): string[] {
  const rules: string[] = [];
  if (typeof bg === "string" && COLOR.test(bg)) rules.push(`:root { --bg: ${bg}; }`);
  if ((bgType === "image" || bgType === "upload") && typeof bg === "string" && /^(https?:\/\/|\/storage\/)/.test(bg))
    rules.push(`.backdrop { background-image: url("${encodeURI(bg).replace(/[()'\\]/g, encodeURIComponent)}"); }`);
  if (typeof brightness === "number" && brightness >= 0 && brightness <= 200)
    rules.push(`.backdrop { filter: brightness(${brightness}%); }`);
  return rules;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;
