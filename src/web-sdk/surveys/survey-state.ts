/** Where a respondent is in a survey, and how an answer moves them on. Source: survey-model §8, §9. */
import { type AnswerValue, isEmptyAnswer, ownValue, type ResponseData } from "../../responses/answer-values.ts";
import type { TextKeys } from "../../responses/element.ts";
import { evaluateConditions } from "../../responses/survey-logic.ts";
import { answerText } from "./recall.ts";
import type { Action, Block, Element, Ending, LogicItem, Survey, Variable } from "./survey.ts";

export type Card = { type: "welcome" } | { type: "block"; block: Block } | { type: "ending"; ending: Ending | null };

export type VariableValues = Readonly<Record<string, string | number>>;

export interface SurveyState {
  card: Card;
  answers: ResponseData;
  hiddenFields: ResponseData;
  variables: VariableValues;
  /** Elements that logic made required. */
  required: readonly string[];
  /** The way here, for going back. */
  visited: readonly Visit[];
}

interface Visit {
  card: Card;
  variables: VariableValues;
  required: readonly string[];
}

/** Hidden fields that the survey does not have are left out, and values that an answer cannot hold are texts. */
export function beginSurvey(
  survey: Survey,
  {
    hiddenFields = {},
    answers = {},
    startAt,
  }: {
    hiddenFields?: Readonly<Record<string, unknown>>;
    answers?: ResponseData;
    /** An element's or a block's id; one that there is not counts as absent. */
    startAt?: string | undefined;
  },
): SurveyState {
  const fields = survey.hiddenFieldIds.flatMap((id): [string, AnswerValue][] => {
    const value = ownValue(hiddenFields, id);
    if (value === undefined || value === null) return [];
    return [[id, typeof value === "number" ? value : answerText(value)]];
  });
  const [first] = survey.blocks;
  const begin: Card =
    first === undefined ? { type: "ending", ending: survey.endings[0] ?? null } : { type: "block", block: first };
  const start = survey.blocks.find(({ id, elements }) => id === startAt || elements.some((element) => element.id === startAt));
  return {
    card: start !== undefined ? { type: "block", block: start } : survey.welcomeCard === null ? begin : { type: "welcome" },
    answers,
    hiddenFields: Object.fromEntries(fields),
    variables: Object.fromEntries(survey.variables.map(({ id, value }) => [id, value])),
    required: [],
    visited: [],
  };
}

/** The state with an element's answer; an empty answer takes the former one away. */
export function withAnswer(state: SurveyState, elementId: string, answer: AnswerValue | undefined): SurveyState {
  const { [elementId]: _former, ...answers } = state.answers;
  return { ...state, answers: answer === undefined || isEmptyAnswer(answer) ? answers : { ...answers, [elementId]: answer } };
}

/** To the card that follows, by logic or by order. */
export function moveOn(survey: Survey, state: SurveyState, texts: TextKeys): SurveyState {
  const { card, variables, required, visited } = state;
  const way = [...visited, { card, variables, required }];
  if (card.type === "ending") return state;
  if (card.type === "welcome") return { ...state, card: cardAfter(survey, null), visited: way };
  const outcome = runLogic(survey, state, card.block, texts);
  const target = outcome.target ?? (card.block.logic.length > 0 ? card.block.logicFallback : undefined);
  return {
    ...state,
    variables: outcome.variables,
    required: outcome.required,
    visited: way,
    card: cardAt(survey, target) ?? cardAfter(survey, card.block),
  };
}

/** To the card before, with what its logic calculated undone; the same state at the beginning. */
export function moveBack(state: SurveyState): SurveyState {
  const last = state.visited[state.visited.length - 1];
  return last === undefined ? state : { ...state, ...last, visited: state.visited.slice(0, -1) };
}

/** The ending of a given id, at once: a quota was full. */
export function moveToEnding(survey: Survey, state: SurveyState, endingId: string | undefined): SurveyState {
  return { ...state, card: { type: "ending", ending: survey.endings.find(({ id }) => id === endingId) ?? null } };
}

/** How much of the survey is behind the respondent, 0 to 1. */
export function progressOf(survey: Survey, { card }: SurveyState): number {
  if (card.type === "ending") return 1;
  if (card.type === "welcome" || survey.blocks.length === 0) return 0;
  return survey.blocks.indexOf(card.block) / survey.blocks.length;
}

/** How many cards there may be after this one, the ending included. */
export function cardsLeft(survey: Survey, { card }: SurveyState): number {
  if (card.type === "ending") return 0;
  const blocks = card.type === "welcome" ? survey.blocks : survey.blocks.slice(survey.blocks.indexOf(card.block) + 1);
  return blocks.length + Math.min(survey.endings.length, 1);
}

function cardAt(survey: Survey, target: string | undefined): Card | null {
  if (target === undefined) return null;
  const block = survey.blocks.find(({ id }) => id === target);
  if (block !== undefined) return { type: "block", block };
  const ending = survey.endings.find(({ id }) => id === target);
  return ending === undefined ? null : { type: "ending", ending };
}

function cardAfter(survey: Survey, block: Block | null): Card {
  const next = survey.blocks[block === null ? 0 : survey.blocks.indexOf(block) + 1];
  return next === undefined ? { type: "ending", ending: survey.endings[0] ?? null } : { type: "block", block: next };
}

interface Outcome {
  variables: VariableValues;
  required: readonly string[];
  target: string | undefined;
}

/** Every item whose conditions hold is run in order, and sees what the ones before it calculated; the first jump counts. */
function runLogic(survey: Survey, state: SurveyState, block: Block, texts: TextKeys): Outcome {
  const elements = survey.blocks.flatMap((each) => each.elements);
  const data = answersOnTheWay(state);
  const initial: Outcome = { variables: state.variables, required: state.required, target: undefined };
  return block.logic.reduce((outcome: Outcome, item: LogicItem) => {
    const input = { elements, variables: survey.variables, data, variableValues: outcome.variables, texts };
    return evaluateConditions(item.conditions, input)
      ? item.actions.reduce((result: Outcome, action) => applyAction(result, action, { survey, data }), outcome)
      : outcome;
  }, initial);
}

/** Who went back and took another turn has not answered what lay on the first one. */
function answersOnTheWay({ answers, hiddenFields, visited, card }: SurveyState): ResponseData {
  const cards = [...visited.map((visit) => visit.card), card];
  const elements: Element[] = cards.flatMap((each) => (each.type === "block" ? each.block.elements : []));
  const given = elements.flatMap(({ id }): [string, AnswerValue][] => {
    const answer = answers[id];
    return answer === undefined ? [] : [[id, answer]];
  });
  return { ...hiddenFields, ...Object.fromEntries(given) };
}

function applyAction(outcome: Outcome, action: Action, { survey, data }: { survey: Survey; data: ResponseData }): Outcome {
  if (action.objective === "jump") return { ...outcome, target: outcome.target ?? action.target };
  if (action.objective === "requireAnswer") return { ...outcome, required: [...outcome.required, action.target] };
  const variable = survey.variables.find(({ id }) => id === action.variableId);
  if (variable === undefined) return outcome;
  const operand =
    action.value.type === "static"
      ? action.value.value
      : ownValue(action.value.type === "variable" ? outcome.variables : data, String(action.value.value));
  const value = calculate(variable, outcome.variables[variable.id], action.operator, operand);
  return { ...outcome, variables: { ...outcome.variables, [variable.id]: value } };
}

/** A text that is no number counts as 0; dividing by 0 changes nothing. */
function calculate(variable: Variable, current: unknown, operator: string, operand: unknown): string | number {
  if (variable.type === "text") {
    const text = answerText(operand);
    return operator === "concat" ? `${answerText(current)}${text}` : text;
  }
  const left = Number(current) || 0;
  const right = Number(operand) || 0;
  switch (operator) {
    case "add":
      return left + right;
    case "subtract":
      return left - right;
    case "multiply":
      return left * right;
    case "divide":
      return right === 0 ? left : left / right;
    default:
      return right;
  }
}
