/**
 * From what a caller sent to a survey that keeps every rule, or to the reason why not. Nothing is looked up here but
 * the languages that the caller of this module hands in. Source: management-api-v1 §12.3, §12.4; survey-model §17, §18.
 */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { invalid, notFound, type Problem } from "../../shared/problem.ts";
import { Block } from "./block.ts";
import type { FollowUp, FollowUpInput } from "./follow-up.ts";
import { blocksFromQuestions, questionsFromBlocks } from "./generation.ts";
import { asArray, isNestedDeeperThan, isObject, type JsonObject } from "./json.ts";
import { type KnownLanguage, resolveLanguages } from "./language.ts";
import { mediaIssue } from "./media-rules.ts";
import { renameOlderMembers } from "./older-names.ts";
import { Question } from "./question.ts";
import { type SegmentReference, type SurveyContent, type SurveyDocument, SurveyFields } from "./survey.ts";
import { BOTH_GENERATIONS, surveyRuleIssues } from "./survey-rules.ts";

export interface SurveyModelContext {
  newId: () => string;
  /** All languages of the environment the survey belongs to. */
  languages: readonly KnownLanguage[];
}

/** `problem.issues` is absent for what the contract answers as a mere sentence. A language that is not there is `not_found`. */
export type ParsedSurvey =
  | {
      ok: true;
      survey: SurveyContent;
      /** What the body says of the segment; undefined when it says nothing. */
      segment: SegmentReference | null | undefined;
    }
  | { ok: false; problem: Problem };

/** A survey as it is kept. The JSON is whatever the rows hold: an imported survey may break rules. */
export interface StoredSurvey extends Omit<SurveyContent, "document" | "followUps"> {
  document: JsonObject;
  followUps: readonly StoredFollowUp[];
  archivedAt: Date | null;
}

type StoredFollowUp = Pick<FollowUp, "id" | "name"> & { trigger: unknown; action: unknown };

/** Levels of JSON; a group of conditions takes two. */
const MAX_DEPTH = 200;

const CheckedSurvey = SurveyFields.check((context) => {
  for (const { path, message } of surveyRuleIssues(context.value))
    context.issues.push({ code: "custom", path: [...path], message, input: undefined, continue: true });
});

/** A new survey. Ids of blocks made from questions and of follow-ups are given here. */
export function parseSurveyCreate(input: unknown, context: SurveyModelContext): ParsedSurvey {
  const checked = checkFields(input, context);
  if (!checked.ok) return checked;
  const { survey } = checked;
  const message = serviceRuleMessage(survey);
  if (message !== undefined) return { ok: false, problem: invalid(message) };
  const followUps = survey.followUps.map((followUp) => ({ ...followUp, id: context.newId() }));
  return { ...checked, survey: { ...survey, followUps } };
}

/**
 * The stored survey with the members that the body has in place of its own; nested values replace whole. Follow-ups
 * are the exception: those not named stay, and `{ id, deleted: true }` takes one away.
 */
export function parseSurveyUpdate(existing: StoredSurvey, input: unknown, context: SurveyModelContext): ParsedSurvey {
  if (!isObject(input) || isNestedDeeperThan(MAX_DEPTH, input)) return checkFields(input, context);
  const body = withOneGeneration(renameOlderMembers(withChangedOverwrites(input, existing), context.newId), existing);
  if (body === undefined) return { ok: false, problem: invalid(BOTH_GENERATIONS) };
  const checked = checkFields(mergeIntoStored(existing, body), context);
  if (!checked.ok) return checked;
  const survey = withStatusEffects(checked.survey, existing);
  const message =
    existing.archivedAt === null ? serviceRuleMessage(survey) : "This survey is archived. Restore it before editing.";
  return message === undefined ? { ...checked, survey } : { ok: false, problem: invalid(message) };
}

/**
 * Why a survey that exists elsewhere breaks the rules, or undefined. Takes the members of the wire; triggers are not
 * asked for, since action classes come and go.
 */
export function surveyProblem(input: unknown, context: SurveyModelContext): Problem | undefined {
  const checked = checkFields(input, context);
  if (!checked.ok) return checked.problem;
  const message = mediaIssue(checked.survey.document.blocks) ?? scheduleIssue(checked.survey);
  return message === undefined ? undefined : invalid(message);
}

function checkFields(input: unknown, { newId, languages: known }: SurveyModelContext): ParsedSurvey {
  if (isNestedDeeperThan(MAX_DEPTH, input)) return refuse([{ path: [], message: "The survey is nested too deeply" }]);
  const renamed = isObject(input) ? renameOlderMembers(input, newId) : input;
  if (!isObject(renamed)) return refuse(SurveyFields.safeParse(renamed).error?.issues ?? []);
  const { languages, missing } = resolveLanguages(renamed.languages, known);
  // Without knowing all languages nothing can be said of translations; the unknown one is reported in the end.
  const result = CheckedSurvey.safeParse({ ...renamed, languages: missing === undefined ? languages : [] });
  if (!result.success) return refuse(result.error.issues);
  if (missing !== undefined) return { ok: false, problem: notFound("Language", missing) };
  return { ok: true, survey: contentOf(result.data, newId), segment: result.data.segment };
}

function refuse(issues: readonly { path: readonly PropertyKey[]; message: string }[]): ParsedSurvey {
  const problem = invalid("Fields are missing or incorrectly formatted", {
    issues: issues.map(({ path, message }) => ({ field: path.map(String).join("."), issue: message })),
  });
  return { ok: false, problem };
}

function contentOf(fields: SurveyFields, newId: () => string): SurveyContent {
  const { name, type, status, createdBy, slug, triggers, languages, followUps, segment: _segment, ...document } = fields;
  return {
    columns: { name, type, status, createdBy, slug },
    document: inBlocks(document, newId),
    triggers: triggers.map(({ actionClass }) => actionClass.id),
    languages,
    followUps: followUps.map((followUp) => followUpOf(followUp, newId)),
  };
}

function inBlocks(document: SurveyDocument, newId: () => string): SurveyDocument {
  const { questions, endings } = document;
  if (questions.length === 0) return document;
  return { ...document, questions: [], blocks: blocksFromQuestions(questions, new Set(endings.map(({ id }) => id)), newId) };
}

const followUpOf = ({ id, name, trigger, action }: FollowUpInput, newId: () => string): FollowUp => ({
  id: id ?? newId(),
  name,
  trigger,
  action,
});

/** Rules that the contract reports as a sentence, after all others. */
function serviceRuleMessage(survey: SurveyContent): string | undefined {
  const { columns, triggers, document } = survey;
  if (columns.type === "app" && columns.status !== "draft" && triggers.length === 0)
    return "An app survey must have at least one trigger to be set to a non-draft status.";
  if (new Set(triggers).size < triggers.length) return "Duplicate trigger id";
  return mediaIssue(document.blocks) ?? scheduleIssue(survey);
}

/** Both dates are ISO 8601 in UTC and compare as text. */
function scheduleIssue({ document: { publishOn, closeOn } }: SurveyContent): string | undefined {
  return publishOn !== null && closeOn !== null && closeOn <= publishOn ? "Close date must be after publish date" : undefined;
}

/** Members that no update changes. */
const FIXED_MEMBERS = ["id", "workspaceId", "environmentId", "createdBy", "archivedAt", "createdAt", "updatedAt"];

function mergeIntoStored({ columns, document, triggers, languages, followUps }: StoredSurvey, body: JsonObject): JsonObject {
  const changes = Object.entries(body).filter(([member]) => !FIXED_MEMBERS.includes(member));
  return {
    ...document,
    ...columns,
    triggers: triggers.map((id) => ({ actionClass: { id } })),
    languages,
    ...Object.fromEntries(changes),
    followUps: mergeFollowUps(followUps, body.followUps),
  };
}

/** Those of the body come first, so that the paths of their issues are those of the body. */
function mergeFollowUps(stored: readonly StoredFollowUp[], input: unknown): unknown {
  if (input === undefined) return stored;
  if (!Array.isArray(input)) return input;
  const sent = asArray(input);
  const named = new Set(sent.map((followUp) => (isObject(followUp) ? followUp.id : undefined)));
  return [
    ...sent.filter((followUp) => !isObject(followUp) || followUp.deleted !== true),
    ...stored.filter(({ id }) => !named.has(id)),
  ];
}

/** Of two names for the same thing, read together and sent back together, the one that was changed counts. */
function withChangedOverwrites(body: JsonObject, { document }: StoredSurvey): JsonObject {
  const { projectOverwrites, workspaceOverwrites, ...others } = body;
  if (projectOverwrites === undefined || workspaceOverwrites === undefined) return body;
  const isUnchanged = isDeepStrictEqual(workspaceOverwrites, document.workspaceOverwrites ?? null);
  return { ...others, workspaceOverwrites: isUnchanged ? projectOverwrites : workspaceOverwrites };
}

const isFilled = (list: unknown): list is unknown[] => Array.isArray(list) && list.length > 0;

/**
 * The body with at most one generation of content, the other being empty. Of two that were read together the changed
 * one counts; undefined when both were changed and differ.
 */
function withOneGeneration(body: JsonObject, { document }: StoredSurvey): JsonObject | undefined {
  if (isFilled(body.questions) && isFilled(body.blocks)) return withChangedGeneration(body, document.blocks);
  if (isFilled(body.questions)) return { ...body, blocks: [] };
  if (isFilled(body.blocks)) return { ...body, questions: [] };
  return body;
}

function withChangedGeneration(body: JsonObject, storedBlocks: unknown): JsonObject | undefined {
  const questions = normalQuestions(body.questions);
  const blocks = z.array(Block).safeParse(body.blocks).data;
  if (questions === undefined || blocks === undefined) return body; // broken: the schema says where
  if (isDeepStrictEqual(questions, normalQuestions(questionsFromBlocks(blocks)))) return { ...body, questions: [] };
  const stored = z.array(Block).safeParse(storedBlocks).data;
  if (stored === undefined) return undefined;
  if (isDeepStrictEqual(blocks, stored)) return { ...body, blocks: [] };
  if (isDeepStrictEqual(questions, normalQuestions(questionsFromBlocks(stored)))) return { ...body, questions: [] };
  return undefined;
}

/** With every default filled in and older words replaced, so that equal content is equal. */
const normalQuestions = (questions: unknown): Question[] | undefined => z.array(Question).safeParse(questions).data;

/** A change of status takes dates with it that could never come true. */
function withStatusEffects(survey: SurveyContent, { columns: { status: before } }: StoredSurvey): SurveyContent {
  const { columns, document } = survey;
  if (columns.status === before) return survey;
  switch (columns.status) {
    case "completed":
      return { ...survey, document: { ...document, publishOn: null, closeOn: null } };
    case "inProgress":
      return { ...survey, document: { ...document, publishOn: null } };
    case "paused":
      return document.publishOn === null ? { ...survey, document: { ...document, closeOn: null } } : survey;
    default:
      return survey;
  }
}
