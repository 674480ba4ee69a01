/** From questions to blocks, when a survey is written, and back, when it is read. Source: survey-model §1.1, §1.2. */
import type { Block } from "./block.ts";
import { type ElementOf, SurveyElement } from "./element.ts";
import { asArray, isObject, type JsonObject } from "./json.ts";
import { type BlockLogicItem, type Condition, type ConditionGroup, isGroup, type QuestionLogicItem } from "./logic.ts";
import type { Question } from "./question.ts";

type CtaQuestion = Extract<Question, { type: "cta" }>;

/** One block per question, in their order; block i holds nothing but question i. */
export function blocksFromQuestions(
  questions: readonly Question[],
  endingIds: ReadonlySet<string>,
  newId: () => string,
): Block[] {
  const ids = questions.map(() => newId());
  const blockIds = new Map(questions.map((question, index) => [question.id, ids[index] ?? ""]));
  const clickable = new Map(questions.filter(isCta).map((question) => [question.id, isExternal(question)]));
  return questions.map((question, index) => {
    const logic = convertLogic(question.logic, blockIds, clickable);
    const fallback = convertFallback(question.logicFallback, blockIds, endingIds);
    // A clean-up that took all the rules away leaves nothing to fall back from.
    const keepsFallback = fallback !== undefined && (logic !== undefined || !question.logic?.length);
    const element = elementOf(question);
    const ownLabel = element.type === "cta" && sameText(element.ctaButtonLabel, question.buttonLabel);
    return {
      id: ids[index] ?? "",
      name: `Block ${index + 1}`,
      elements: [element],
      ...(logic && { logic }),
      ...(keepsFallback && { logicFallback: fallback }),
      ...(question.buttonLabel && !ownLabel && { buttonLabel: question.buttonLabel }),
      ...(question.backButtonLabel && { backButtonLabel: question.backButtonLabel }),
    };
  });
}

const isCta = (question: Question): question is CtaQuestion => question.type === "cta";

const isExternal = (question: CtaQuestion): boolean => question.buttonExternal && Boolean(question.buttonUrl);

const sameText = (one: Record<string, string> | undefined, other: Record<string, string> | undefined): boolean =>
  one !== undefined && other !== undefined && JSON.stringify(one) === JSON.stringify(other);

function elementOf(question: Question): SurveyElement {
  const { logic: _logic, logicFallback: _fallback, buttonLabel: _label, backButtonLabel: _back, ...element } = question;
  return element.type === "cta" && isCta(question) ? ctaElement(question) : (element satisfies SurveyElement);
}

function ctaElement(question: CtaQuestion): ElementOf<"cta"> {
  const { logic, logicFallback, buttonLabel, backButtonLabel, dismissButtonLabel, buttonUrl, ctaButtonLabel, ...element } =
    question;
  if (!isExternal(question)) return { ...element, buttonExternal: false };
  const label = ctaButtonLabel ?? buttonLabel;
  return { ...element, ...(buttonUrl && { buttonUrl }), ...(label && { ctaButtonLabel: label }) };
}

function convertLogic(
  logic: readonly QuestionLogicItem[] | undefined,
  blockIds: ReadonlyMap<string, string>,
  clickable: ReadonlyMap<string, boolean>,
): BlockLogicItem[] | undefined {
  const converted = (logic ?? []).flatMap((item): BlockLogicItem[] => {
    const conditions = withoutDeadCtaConditions(item.conditions, clickable);
    if (conditions === undefined) return [];
    const actions = item.actions.map((action) =>
      action.objective === "jumpToQuestion"
        ? { ...action, objective: "jumpToBlock" as const, target: blockIds.get(action.target) ?? action.target }
        : action,
    );
    return [{ ...item, conditions, actions }];
  });
  return converted.length > 0 ? converted : undefined;
}

/** The group without conditions on buttons that nobody can click; undefined when the clean-up emptied it. */
function withoutDeadCtaConditions(group: ConditionGroup, clickable: ReadonlyMap<string, boolean>): ConditionGroup | undefined {
  if (clickable.size === 0) return group;
  const conditions = group.conditions.flatMap((node): (Condition | ConditionGroup)[] => {
    if (isGroup(node)) {
      const kept = withoutDeadCtaConditions(node, clickable);
      return kept ? [kept] : [];
    }
    return isDeadCtaCondition(node, clickable) ? [] : [node];
  });
  return conditions.length === 0 && group.conditions.length > 0 ? undefined : { ...group, conditions };
}

function isDeadCtaCondition({ leftOperand, operator }: Condition, clickable: ReadonlyMap<string, boolean>): boolean {
  const external = leftOperand.type === "element" ? clickable.get(leftOperand.value) : undefined;
  if (external === undefined) return false;
  return operator === "isSkipped" || (operator === "isClicked" && !external);
}

function convertFallback(
  target: string | undefined,
  blockIds: ReadonlyMap<string, string>,
  endingIds: ReadonlySet<string>,
): string | undefined {
  if (target === undefined) return undefined;
  return blockIds.get(target) ?? (endingIds.has(target) ? target : undefined);
}

/**
 * The questions that the blocks amount to for a client of the older generation: one per element, in order. Works on
 * stored JSON as it is and adds nothing to it, so that an imported survey is shown as it came.
 */
export function questionsFromBlocks(blocks: unknown): JsonObject[] {
  const pages = asArray(blocks)
    .filter(isObject)
    .map((block) => ({ block, elements: asArray(block.elements).filter(isObject) }));
  const firstElements = new Map<unknown, unknown>(pages.map(({ block, elements }) => [block.id, elements[0]?.id]));
  return pages.flatMap(({ block, elements }) =>
    elements.map((element, index) => ({
      ...element,
      ...(element.type === "cta" && { buttonExternal: element.buttonExternal ?? false }),
      ...(element.type === "cta" && element.ctaButtonLabel !== undefined && { buttonLabel: element.ctaButtonLabel }),
      ...(index === elements.length - 1 && blockMembers(block, firstElements)),
    })),
  );
}

function blockMembers(block: JsonObject, firstElements: ReadonlyMap<unknown, unknown>): JsonObject {
  const { logic, logicFallback, buttonLabel, backButtonLabel } = block;
  return {
    ...(logic !== undefined && { logic: asArray(logic).map((item) => questionLogicItem(item, firstElements)) }),
    ...(logicFallback !== undefined && { logicFallback: firstElements.get(logicFallback) ?? logicFallback }),
    ...(buttonLabel !== undefined && { buttonLabel }),
    ...(backButtonLabel !== undefined && { backButtonLabel }),
  };
}

function questionLogicItem(item: unknown, firstElements: ReadonlyMap<unknown, unknown>): unknown {
  if (!isObject(item)) return item;
  return {
    ...item,
    conditions: questionConditions(item.conditions),
    actions: asArray(item.actions).map((action) =>
      isObject(action) && action.objective === "jumpToBlock"
        ? { ...action, objective: "jumpToQuestion", target: firstElements.get(action.target) ?? action.target }
        : action,
    ),
  };
}

function questionConditions(node: unknown): unknown {
  if (!isObject(node)) return node;
  if (Array.isArray(node.conditions)) return { ...node, conditions: node.conditions.map(questionConditions) };
  return {
    ...node,
    leftOperand: questionOperand(node.leftOperand),
    ...("rightOperand" in node && { rightOperand: questionOperand(node.rightOperand) }),
  };
}

const questionOperand = (operand: unknown): unknown =>
  isObject(operand) && operand.type === "element" ? { ...operand, type: "question" } : operand;

/**
 * The elements of a stored survey in order, whichever generation its document is in. An element of no known shape,
 * as only an imported survey can have, is left out.
 */
export function surveyElements(document: { blocks?: unknown; questions?: unknown }): SurveyElement[] {
  const blocks = asArray(document.blocks);
  const elements =
    blocks.length > 0 ? blocks.flatMap((block) => (isObject(block) ? asArray(block.elements) : [])) : asArray(document.questions);
  return elements.flatMap((element) => {
    const parsed = SurveyElement.safeParse(element);
    return parsed.success ? [parsed.data] : [];
  });
}
