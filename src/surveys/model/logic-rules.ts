/** What logic may refer to, and that it always leads forward. Source: survey-model §8.2. */
import type { Block } from "./block.ts";
import type { Variable } from "./card.ts";
import { checkLeftOperand, checkRightOperand } from "./condition-rules.ts";
import type { SurveyElement } from "./element.ts";
import {
  type BlockAction,
  type BlockLogicItem,
  type CalculateAction,
  type Condition,
  type ConditionGroup,
  isGroup,
  type LogicReference,
  UNARY_OPERATORS,
} from "./logic.ts";
import type { Path, Report } from "./rule-issue.ts";
import { isRowId } from "./text.ts";

/** All that logic may name, indexed once per survey. */
export interface LogicScope {
  elements: ReadonlyMap<string, { element: SurveyElement; blockIndex: number }>;
  blocks: ReadonlyMap<string, number>;
  endings: ReadonlySet<string>;
  variables: ReadonlyMap<string, Variable>;
  hiddenFields: ReadonlySet<string>;
  /** Ids of the choices of an element that has choices. */
  choicesOf(element: SurveyElement): ReadonlySet<string>;
}

export function logicScope(
  blocks: readonly Block[],
  named: { endings: readonly { id: string }[]; variables: readonly Variable[]; hiddenFields: readonly string[] },
): LogicScope {
  const choices = new Map<string, ReadonlySet<string>>();
  return {
    elements: new Map(
      blocks.flatMap(({ elements }, blockIndex) => elements.map((element) => [element.id, { element, blockIndex }] as const)),
    ),
    blocks: new Map(blocks.map(({ id }, index) => [id, index])),
    endings: new Set(named.endings.map(({ id }) => id)),
    variables: new Map(named.variables.map((variable) => [variable.id, variable])),
    hiddenFields: new Set(named.hiddenFields),
    choicesOf(element) {
      const known = choices.get(element.id) ?? new Set("choices" in element ? element.choices.map(({ id }) => id) : []);
      choices.set(element.id, known);
      return known;
    },
  };
}

/** Whether the reference leads to something in the survey. */
function isKnownReference({ type, value }: LogicReference, scope: LogicScope): boolean {
  if (type === "variable") return scope.variables.has(value);
  if (type === "hiddenField") return scope.hiddenFields.has(value);
  return scope.elements.has(value);
}

/** @param path of the block, or of the question it was made from */
export function checkBlockLogic(block: Block, blockIndex: number, path: Path, scope: LogicScope, report: Report): void {
  for (const [index, item] of (block.logic ?? []).entries()) {
    const itemPath = [...path, "logic", index];
    checkLogicIds(item, itemPath, report);
    checkGroup(item.conditions, blockIndex, [...itemPath, "conditions"], scope, report);
    for (const [actionIndex, action] of item.actions.entries())
      checkAction(action, blockIndex, [...itemPath, "actions", actionIndex], scope, report);
    const jumps = item.actions.filter(({ objective }) => objective === "jumpToBlock");
    if (jumps.length > 1) report([...itemPath, "actions"], "Only one jump is allowed");
  }
  checkFallback(block, path, scope, report);
}

function checkLogicIds(item: BlockLogicItem, path: Path, report: Report): void {
  const ids = [item.id, ...item.actions.map(({ id }) => id)];
  if (!ids.every(isRowId)) report(path, "Invalid cuid2");
}

function checkGroup(group: ConditionGroup, blockIndex: number, path: Path, scope: LogicScope, report: Report): void {
  if (!isRowId(group.id)) report(path, "Invalid cuid2");
  for (const node of group.conditions) {
    // Issues name the outermost group only: clients show one text per rule.
    if (isGroup(node)) checkGroup(node, blockIndex, path, scope, report);
    else checkCondition(node, blockIndex, path, scope, report);
  }
}

const UNARY: ReadonlySet<string> = new Set(UNARY_OPERATORS);

/** @param blockIndex elements of later blocks cannot be asked about */
export function checkCondition(condition: Condition, blockIndex: number, path: Path, scope: LogicScope, report: Report): void {
  if (!isRowId(condition.id)) report(path, "Invalid cuid2");
  const leftIssue = checkLeftOperand(condition, blockIndex, scope);
  if (leftIssue !== undefined) {
    report(path, leftIssue);
    return;
  }
  const { operator, rightOperand } = condition;
  if (UNARY.has(operator)) {
    if (rightOperand !== undefined) report(path, `"${operator}" compares with nothing`);
    return;
  }
  if (rightOperand === undefined || rightOperand.value === "") {
    report(path, `"${operator}" needs a value to compare with`);
    return;
  }
  const rightIssue = checkRightOperand(condition, rightOperand, scope);
  if (rightIssue !== undefined) report(path, rightIssue);
}

function checkAction(action: BlockAction, blockIndex: number, path: Path, scope: LogicScope, report: Report): void {
  if (action.objective === "calculate") {
    checkCalculation(action, path, scope, report);
    return;
  }
  if (action.objective === "jumpToBlock") {
    const target = scope.blocks.get(action.target);
    if (target === undefined && !scope.endings.has(action.target)) report(path, "The target of the jump does not exist");
    if (target === blockIndex) report(path, "A block cannot jump to itself");
    return;
  }
  const target = scope.elements.get(action.target);
  if (target === undefined || target.blockIndex <= blockIndex) report(path, "Only a later element can be made required");
  else if (target.element.required) report(path, "The element is required already");
}

const NUMBER_OPERATORS: ReadonlySet<string> = new Set(["add", "subtract", "multiply", "divide", "assign"]);
const TEXT_OPERATORS: ReadonlySet<string> = new Set(["assign", "concat"]);
const TEXT_SOURCES: ReadonlySet<string> = new Set(["openText", "multipleChoiceSingle", "rating", "nps", "date"]);

function checkCalculation({ variableId, operator, value }: CalculateAction, path: Path, scope: LogicScope, report: Report): void {
  const variable = scope.variables.get(variableId);
  if (variable === undefined) {
    report(path, "The variable does not exist");
    return;
  }
  const operators = variable.type === "number" ? NUMBER_OPERATORS : TEXT_OPERATORS;
  if (!operators.has(operator)) report(path, `"${operator}" does not apply to a ${variable.type} variable`);
  if (value.type === "static") {
    const isOfType =
      variable.type === "number" ? typeof value.value === "number" : typeof value.value === "string" && value.value !== "";
    if (!isOfType) report(path, `A ${variable.type} is needed`);
    if (operator === "divide" && value.value === 0) report(path, "Division by zero");
    return;
  }
  if (!isKnownReference(value, scope)) {
    report(path, `The ${value.type} does not exist`);
    return;
  }
  if (value.type === "variable" && scope.variables.get(value.value)?.type !== variable.type)
    report(path, "The variables are of different types");
  const element = value.type === "element" ? scope.elements.get(value.value)?.element : undefined;
  if (element && !suppliesValue(element, variable.type)) report(path, `The element gives no ${variable.type}`);
}

const suppliesValue = (element: SurveyElement, type: Variable["type"]): boolean =>
  type === "text" ? TEXT_SOURCES.has(element.type) : element.type !== "openText" || element.inputType === "number";

function checkFallback({ id, logic, logicFallback }: Block, path: Path, scope: LogicScope, report: Report): void {
  if (logicFallback === undefined) return;
  const fallbackPath = [...path, "logicFallback"];
  if (!logic?.length) report(fallbackPath, "A fallback needs logic to fall back from");
  if (logicFallback === id) report(fallbackPath, "A block cannot fall back to itself");
  else if (!scope.blocks.has(logicFallback) && !scope.endings.has(logicFallback))
    report(fallbackPath, "The target of the fallback does not exist");
}

/**
 * Reports jumps and fallbacks that lead back into a circle. The graph is that of jumps, fallbacks and, where there is
 * no fallback, the way on to the next block. Linear in blocks and jumps: whatever can be taken away because nothing
 * leads to it, or nothing leads on from it, is no part of a circle.
 */
export function checkNoCycles(
  blocks: readonly Block[],
  { blocks: indexes }: LogicScope,
  pathOf: (blockIndex: number) => Path,
  report: Report,
): void {
  const jumps = blocks.map((block) => jumpTargets(block, indexes));
  const next = blocks.map(({ logicFallback }, index) => {
    const fallback = logicFallback === undefined ? undefined : indexes.get(logicFallback);
    if (logicFallback !== undefined) return fallback;
    return index + 1 < blocks.length ? index + 1 : undefined;
  });
  const targets = blocks.map((_, index) => {
    const onward = next[index];
    return onward === undefined ? (jumps[index] ?? []) : [...(jumps[index] ?? []), onward];
  });
  const circular = inCycles(targets);
  const leadsBack = (from: number, to: number) => to <= from && circular.has(from) && circular.has(to);
  for (const [index] of blocks.entries()) {
    const onward = next[index];
    if (jumps[index]?.some((target) => target !== index && leadsBack(index, target)))
      report([...pathOf(index), "logic"], "The logic leads in a circle");
    if (onward !== undefined && onward !== index && leadsBack(index, onward))
      report([...pathOf(index), "logicFallback"], "The logic leads in a circle");
  }
}

const jumpTargets = ({ logic = [] }: Block, indexes: ReadonlyMap<string, number>): number[] =>
  logic.flatMap(({ actions }) =>
    actions.flatMap((action) => {
      const target = action.objective === "jumpToBlock" ? indexes.get(action.target) : undefined;
      return target === undefined ? [] : [target];
    }),
  );

/** The nodes that remain when every node without a way in, and then every node without a way out, is taken away. */
function inCycles(targets: readonly (readonly number[])[]): ReadonlySet<number> {
  const sources: number[][] = targets.map(() => []);
  for (const [from, list] of targets.entries()) for (const to of list) sources[to]?.push(from);
  const entered = withoutLoose(new Set(targets.keys()), sources, targets);
  return withoutLoose(entered, targets, sources);
}

/** Takes away, again and again, the nodes that have no neighbour left on the side of `behind`. */
function withoutLoose(
  nodes: ReadonlySet<number>,
  behind: readonly (readonly number[])[],
  ahead: readonly (readonly number[])[],
): Set<number> {
  const kept = new Set(nodes);
  const degree = behind.map((list) => list.filter((node) => kept.has(node)).length);
  const loose = [...kept].filter((node) => degree[node] === 0);
  for (let node = loose.pop(); node !== undefined; node = loose.pop()) {
    kept.delete(node);
    for (const neighbour of ahead[node] ?? []) {
      if (!kept.has(neighbour)) continue;
      const left = (degree[neighbour] ?? 0) - 1;
      degree[neighbour] = left;
      if (left === 0) loose.push(neighbour);
    }
  }
  return kept;
}
