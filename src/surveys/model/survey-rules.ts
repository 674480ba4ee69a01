/** The rules that hold between the parts of a survey. Source: survey-model §9, §10, §15.1, §17, §19. */
import type { Block } from "./block.ts";
import type { Ending, WelcomeCard } from "./card.ts";
import { checkElement } from "./element-rules.ts";
import type { FollowUpInput } from "./follow-up.ts";
import { blocksFromQuestions } from "./generation.ts";
import { checkBlockLogic, checkNoCycles, logicScope } from "./logic-rules.ts";
import { checkQuestionTexts } from "./question-rules.ts";
import type { Path, Report, RuleIssue } from "./rule-issue.ts";
import type { SurveyFields } from "./survey.ts";
import { elementIdIssue, isRowId } from "./text.ts";
import {
  checkHasDefault,
  checkTranslated,
  checkTranslatedIfGiven,
  type LanguageKeys,
  languageKeys,
} from "./translation-rules.ts";
import { isEndingUrl, isStorageUrl } from "./url.ts";

/** Every rule the survey breaks. Its shape is known to be right. */
export function surveyRuleIssues(survey: SurveyFields): RuleIssue[] {
  const issues: RuleIssue[] = [];
  const report: Report = (path, message) => void issues.push({ path, message });
  const keys = languageKeys(survey.languages);
  checkOneGeneration(survey, report);
  checkLanguages(survey, report);
  checkMetadata(survey, report);
  checkWelcomeCard(survey.welcomeCard, keys, report);
  checkContent(survey, keys, report);
  checkEndings(survey.endings, keys, report);
  checkHiddenFields(survey, report);
  checkVariables(survey, report);
  checkCollisions(survey, report);
  checkFollowUps(survey, report);
  return issues;
}

export const BOTH_GENERATIONS = "Cannot provide both questions and blocks. Please provide only one of these fields.";

function checkOneGeneration({ questions, blocks }: SurveyFields, report: Report): void {
  if (questions.length === 0 && blocks.length === 0)
    report(["questions"], "Must provide either questions or blocks. Both cannot be empty.");
  if (questions.length === 0 || blocks.length === 0) return;
  report(["questions"], BOTH_GENERATIONS);
  report(["blocks"], BOTH_GENERATIONS);
}

function checkLanguages({ languages }: SurveyFields, report: Report): void {
  if (languages.filter((entry) => entry.default).length > 1) report(["languages"], "Only one language can be the default");
  const ids = new Set(languages.map(({ language }) => language.id));
  if (ids.size < languages.length) report(["languages"], "A language is repeated");
}

function checkMetadata({ metadata }: SurveyFields, report: Report): void {
  checkHasDefault(metadata.title, ["metadata", "title"], report);
  checkHasDefault(metadata.description, ["metadata", "description"], report);
}

function checkWelcomeCard(card: WelcomeCard, keys: LanguageKeys, report: Report): void {
  for (const member of ["headline", "subheader", "buttonLabel"] as const)
    checkHasDefault(card[member], ["welcomeCard", member], report);
  if (!card.enabled) return;
  if (card.headline === undefined) report(["welcomeCard"], "The welcome card needs a headline");
  else checkTranslated(card.headline, ["welcomeCard", "headline"], keys, report);
  checkTranslatedIfGiven(card.subheader, ["welcomeCard", "subheader"], keys, report);
  checkTranslatedIfGiven(card.buttonLabel, ["welcomeCard", "buttonLabel"], keys, report);
}

/** One way of looking at both generations: blocks, and where their parts stand in what was sent. */
interface PlacedContent {
  blocks: readonly Block[];
  blockPath: (block: number) => Path;
  elementPath: (block: number, element: number) => Path;
}

function placeContent({ questions, blocks, endings }: SurveyFields): PlacedContent {
  if (blocks.length > 0)
    return {
      blocks,
      blockPath: (block) => ["blocks", block],
      elementPath: (block, element) => ["blocks", block, "elements", element],
    };
  let count = 0;
  const endingIds = new Set(endings.map(({ id }) => id));
  return {
    // These ids live as long as the check, in which they only have to differ from those of endings.
    blocks: blocksFromQuestions(questions, endingIds, () => `block/${++count}`),
    blockPath: (block) => ["questions", block],
    elementPath: (block) => ["questions", block],
  };
}

function checkContent(survey: SurveyFields, keys: LanguageKeys, report: Report): void {
  const { blocks, blockPath, elementPath } = placeContent(survey);
  const isQuestions = survey.blocks.length === 0;
  const scope = logicScope(blocks, {
    endings: survey.endings,
    variables: survey.variables,
    hiddenFields: survey.hiddenFields.fieldIds ?? [],
  });
  if (!isQuestions) checkUnique(blocks, (index) => ["blocks", index, "id"], "Block ids must be unique", report);
  const ids = new Set<string>();
  for (const [index, block] of blocks.entries()) {
    for (const [position, element] of block.elements.entries()) {
      const path = elementPath(index, position);
      checkElement(element, path, keys, isQuestions ? withQuestionLabel(survey.questions[index], report) : report);
      if (ids.has(element.id))
        report([...path, "id"], isQuestions ? "Question ids must be unique" : "Element ids must be unique");
      ids.add(element.id);
    }
    if (!isQuestions) {
      checkHasDefault(block.buttonLabel, [...blockPath(index), "buttonLabel"], report);
      checkHasDefault(block.backButtonLabel, [...blockPath(index), "backButtonLabel"], report);
    }
    checkBlockLogic(block, index, blockPath(index), scope, report);
  }
  checkNoCycles(blocks, scope, blockPath, report);
  const { isBackButtonHidden } = survey;
  for (const [index, question] of survey.questions.entries())
    checkQuestionTexts(question, { isFirst: index === 0, isBackButtonHidden }, ["questions", index], keys, report);
}

/** A button of the older generation has its label in `buttonLabel`, unless it was read from a block. */
function withQuestionLabel(question: SurveyFields["questions"][number] | undefined, report: Report): Report {
  if (question?.type !== "cta" || question.ctaButtonLabel !== undefined) return report;
  return (path, message) =>
    report(
      path.map((part) => (part === "ctaButtonLabel" ? "buttonLabel" : part)),
      message,
    );
}

function checkUnique(items: readonly { id: string }[], pathOf: (index: number) => Path, message: string, report: Report): void {
  const seen = new Set<string>();
  for (const [index, { id }] of items.entries()) {
    if (seen.has(id)) report(pathOf(index), message);
    seen.add(id);
  }
}

function checkEndings(endings: readonly Ending[], keys: LanguageKeys, report: Report): void {
  checkUnique(endings, (index) => ["endings", index, "id"], "Ending ids must be unique", report);
  for (const [index, ending] of endings.entries()) {
    const path = ["endings", index];
    if (!isRowId(ending.id)) report([...path, "id"], "Invalid cuid2");
    if (ending.type === "endScreen") checkEndScreen(ending, path, keys, report);
    else checkRedirect(ending, path, report);
  }
}

function checkEndScreen(ending: Extract<Ending, { type: "endScreen" }>, path: Path, keys: LanguageKeys, report: Report): void {
  const { headline, subheader, buttonLabel, buttonLink } = ending;
  checkTranslated(headline ?? {}, [...path, "headline"], keys, report);
  checkHasDefault(subheader, [...path, "subheader"], report);
  checkTranslatedIfGiven(subheader, [...path, "subheader"], keys, report);
  if (buttonLink !== undefined && !isEndingUrl(buttonLink))
    report([...path, "buttonLink"], "Must start with http:// or https://");
  if (buttonLabel === undefined && buttonLink !== undefined) report([...path, "buttonLabel"], "The button needs a label");
  if (buttonLabel !== undefined) {
    checkTranslated(buttonLabel, [...path, "buttonLabel"], keys, report);
    if (buttonLink === undefined) report([...path, "buttonLink"], "The button needs a link");
  }
  for (const member of ["imageUrl", "videoUrl"] as const) {
    const url = ending[member];
    if (url !== undefined && !isStorageUrl(url)) report([...path, member], "Invalid file URL");
  }
}

function checkRedirect({ url, label }: Extract<Ending, { type: "redirectToUrl" }>, path: Path, report: Report): void {
  if (!isEndingUrl(url ?? "")) report([...path, "url"], "Must start with http:// or https://");
  if (!label?.trim()) report([...path, "label"], "The redirect needs a label");
}

function checkHiddenFields({ hiddenFields: { fieldIds = [] } }: SurveyFields, report: Report): void {
  const seen = new Set<string>();
  for (const [index, id] of fieldIds.entries()) {
    const path = ["hiddenFields", "fieldIds", index];
    const issue = elementIdIssue(id);
    if (issue) report(path, issue);
    if (seen.has(id)) report(path, "Hidden field ids must be unique");
    seen.add(id);
  }
}

function checkVariables({ variables }: SurveyFields, report: Report): void {
  const ids = new Set<string>();
  const names = new Set<string>();
  for (const [index, { id, name }] of variables.entries()) {
    if (!isRowId(id)) report(["variables", index, "id"], "Invalid cuid2");
    if (!/^[a-z0-9_]+$/.test(name))
      report(["variables", index, "name"], "Variable name can only contain lowercase letters, numbers and underscores");
    if (ids.has(id)) report(["variables", index, "id"], "Variable ids must be unique");
    if (names.has(name)) report(["variables", index, "name"], "Variable names must be unique");
    ids.add(id);
    names.add(name);
  }
}

/** Recall marks and responses name elements, hidden fields and variables side by side, so no two may share a name. */
function checkCollisions({ questions, blocks, endings, hiddenFields, variables }: SurveyFields, report: Report): void {
  const elementIds = [...blocks.flatMap(({ elements }) => elements), ...questions].map(({ id }) => id.toLowerCase());
  const taken = new Set(elementIds);
  const claim = (names: readonly string[], pathOf: (index: number) => Path) => {
    const lowered = names.map((name) => name.toLowerCase());
    for (const [index, name] of lowered.entries())
      if (taken.has(name)) report(pathOf(index), `"${names[index]}" is used elsewhere in the survey`);
    for (const name of lowered) taken.add(name);
  };
  claim(hiddenFields.fieldIds ?? [], (index) => ["hiddenFields", "fieldIds", index]);
  claim(
    endings.map(({ id }) => id),
    (index) => ["endings", index, "id"],
  );
  claim(
    variables.map(({ name }) => name),
    (index) => ["variables", index, "name"],
  );
}

/** A follow-up goes to an address, or to the answer that holds one. All its issues have one path. */
function checkFollowUps(survey: SurveyFields, report: Report): void {
  if (survey.followUps.length === 0) return;
  const recipients = recipientIds(survey);
  for (const followUp of survey.followUps) {
    if (!recipients.has(followUp.action.properties.to) && !isAddress(followUp.action.properties.to))
      report(["followUps"], `The recipient of the follow-up "${followUp.name}" does not exist`);
    if (!hasEndings(followUp, survey)) report(["followUps"], `The follow-up "${followUp.name}" needs an ending`);
  }
}

function recipientIds({ blocks, questions, hiddenFields }: SurveyFields): ReadonlySet<string> {
  const elements = [...blocks.flatMap((block) => block.elements), ...questions];
  const withAddress = elements.filter(
    (element) =>
      (element.type === "openText" && element.inputType === "email") || (element.type === "contactInfo" && element.email.show),
  );
  return new Set(["verifiedEmail", ...(hiddenFields.fieldIds ?? []), ...withAddress.map(({ id }) => id)]);
}

const MAX_ADDRESS_LENGTH = 320;

const isAddress = (text: string): boolean => text.length <= MAX_ADDRESS_LENGTH && /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(text);

const hasEndings = ({ trigger }: FollowUpInput, { endings }: SurveyFields): boolean =>
  trigger.type !== "endings" || (trigger.properties.endingIds.length > 0 && endings.length > 0);
