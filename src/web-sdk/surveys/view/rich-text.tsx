import DOMPurify from "dompurify";
import { useMemo } from "preact/hooks";
import { type LocalizedText, textIn } from "../../../responses/element.ts";
import { fillRecall } from "../recall.ts";
import type { Ui } from "./ui.ts";

const ALLOWED = {
  ALLOWED_TAGS: [
    "p",
    "br",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "a",
    "ul",
    "ol",
    "li",
    "span",
    "h1",
    "h2",
    "h3",
    "code",
    "blockquote",
  ],
  ALLOWED_ATTR: ["href", "target", "rel", "dir"],
};

export interface RichTextProps {
  id?: string | undefined;
  className?: string;
  text: LocalizedText;
  ui: Ui;
  /** A `span` where it stands in a label or a line. */
  as?: "div" | "span";
}

/** A text that may hold the survey author's HTML; what respondents wrote and it recalls is shown as text. */
export function RichText({ id, className = "", text, ui, as: Tag = "div" }: RichTextProps) {
  const source = textIn(text, ui.texts);
  const isHtml = /<[a-z/]|&[a-z#]/i.test(source);
  const filled = fillRecall(source, ui.recall, isHtml ? escapeHtml : undefined);
  const html = useMemo(() => (isHtml ? safeHtml(filled) : ""), [isHtml, filled]);
  if (filled === "") return null;
  if (!isHtml)
    return (
      <Tag id={id} class={className} dir={Tag === "span" ? "auto" : undefined}>
        {filled}
      </Tag>
    );
  return <Tag id={id} class={`${className} mo-rich`} dangerouslySetInnerHTML={{ __html: html }} />;
}

/** Links open beside the survey, which would be lost otherwise. */
function safeHtml(source: string): string {
  const fragment = DOMPurify.sanitize(source, { ...ALLOWED, RETURN_DOM_FRAGMENT: true });
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  const holder = document.createElement("div");
  holder.append(fragment);
  return holder.innerHTML;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escapeHtml = (value: string): string => value.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
