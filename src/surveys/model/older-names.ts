/**
 * What older clients and the published examples send, renamed to what the schemas know. Works on unchecked JSON:
 * whatever it does not recognise is left for the schemas to refuse. Source: survey-model §11, §18.
 */
import { isObject, type JsonObject } from "./json.ts";

export function renameOlderMembers(input: JsonObject, newId: () => string): JsonObject {
  const renamed: JsonObject = { ...input };
  renameMember(renamed, "projectOverwrites", "workspaceOverwrites");
  renameMember(renamed, "productOverwrites", "workspaceOverwrites");
  renameMember(renamed, "runOnDate", "publishOn");
  renameMember(renamed, "closeOnDate", "closeOn");
  if (renamed.status === "scheduled") renamed.status = "paused";
  change(renamed, "workspaceOverwrites", withOverlay);
  change(renamed, "styling", withCurrentColors);
  change(renamed, "welcomeCard", (card) => withoutBlankUrls(withSubheader(card), ["fileUrl", "videoUrl"]));
  change(renamed, "metadata", (metadata) => withoutBlankUrls(metadata, ["ogImage"]));
  changeEach(renamed, "endings", (ending) => withoutBlankUrls(ending, ["imageUrl", "videoUrl", "buttonLink"]));
  changeEach(renamed, "questions", (question) => currentElement(question, newId));
  changeEach(renamed, "blocks", (block) => {
    const current = { ...block };
    changeEach(current, "elements", (element) => currentElement(element, newId));
    return current;
  });
  return renamed;
}

function renameMember(object: JsonObject, older: string, current: string): void {
  if (!(older in object)) return;
  if (object[current] === undefined) object[current] = object[older];
  delete object[older];
}

function change(object: JsonObject, member: string, by: (value: JsonObject) => JsonObject): void {
  const value = object[member];
  if (isObject(value)) object[member] = by(value);
}

function changeEach(object: JsonObject, member: string, by: (value: JsonObject) => JsonObject): void {
  const list = object[member];
  if (Array.isArray(list)) object[member] = list.map((value: unknown) => (isObject(value) ? by(value) : value));
}

/** `darkOverlay` said something only about a widget in the middle of the page. */
function withOverlay({ darkOverlay, ...overwrites }: JsonObject): JsonObject {
  if (typeof darkOverlay !== "boolean" || overwrites.placement !== "center" || overwrites.overlay != null) return overwrites;
  return { ...overwrites, overlay: darkOverlay ? "dark" : "light" };
}

/** Where the colours of 2025 went. Only the members of that time tell that a styling is of that time. */
const CURRENT_COLORS = {
  questionColor: [
    "elementHeadlineColor",
    "elementDescriptionColor",
    "elementUpperLabelColor",
    "inputTextColor",
    "optionLabelColor",
  ],
  inputColor: ["optionBgColor", "inputBgColor"],
  brandColor: ["buttonBgColor", "progressIndicatorBgColor"],
  inputBorderColor: ["optionBorderColor"],
} as const;

export function withCurrentColors(styling: JsonObject): JsonObject {
  if (styling.questionColor === undefined && styling.inputColor === undefined) return styling;
  const { questionColor, inputColor, ...current } = styling;
  for (const [older, targets] of Object.entries(CURRENT_COLORS)) {
    const color = styling[older];
    if (color == null) continue;
    for (const target of targets) current[target] ??= color;
  }
  return current;
}

const WITH_HTML: ReadonlySet<unknown> = new Set(["cta", "consent"]);

function currentElement(element: JsonObject, newId: () => string): JsonObject {
  const current = withoutBlankUrls(WITH_HTML.has(element.type) ? withSubheader(element) : { ...element }, [
    "imageUrl",
    "videoUrl",
    "buttonUrl",
  ]);
  if (element.type !== "matrix") return current;
  for (const axis of ["rows", "columns"]) {
    // a label without the id that came with version 4
    changeEach(current, axis, (entry) => ("label" in entry ? entry : { id: newId(), label: entry }));
  }
  return current;
}

function withSubheader({ html, ...rest }: JsonObject): JsonObject {
  return html === undefined || rest.subheader !== undefined ? rest : { ...rest, subheader: html };
}

function withoutBlankUrls(object: JsonObject, members: readonly string[]): JsonObject {
  const blank = members.filter((member) => object[member] === "");
  if (blank.length === 0) return object;
  return Object.fromEntries(Object.entries(object).filter(([member]) => !blank.includes(member)));
}
