/** Surveys and answers as rows of an export. Pure. Source: sprig-api §6. */
import { createHash } from "node:crypto";
import type { ResponseRecord } from "../../responses/management.ts";
import { questionsFromBlocks, type SurveyRecord } from "../../surveys/service.ts";
import { isObject } from "./values.ts";

/**
 * The number by which an id of ours is known here, where ids are numbers: always the same, made of 52 bits of a hash, so
 * that two of a million meet with a chance of one to nine thousand.
 */
export const numberOf = (...ids: string[]): number =>
  Number.parseInt(createHash("sha256").update(ids.join("\0")).digest("hex").slice(0, 13), 16);

export const STATUSES = ["IN_PROGRESS", "PAUSED", "COMPLETED", "DRAFT", "ARCHIVED", "NEW"] as const;
export type Status = (typeof STATUSES)[number];

const STATUS = { draft: "DRAFT", inProgress: "IN_PROGRESS", paused: "PAUSED", completed: "COMPLETED" } as const;

export const statusOf = ({ status, archivedAt }: SurveyRecord): Status => (archivedAt === null ? STATUS[status] : "ARCHIVED");

interface Question {
  id: string;
  type: string;
  text: string;
  options: { id: string; labels: string[] }[];
}

/** The questions of a survey, texts in its default language; what cannot be read of an imported one is left out. */
export function questionsOf({ document: { blocks, questions } }: Pick<SurveyRecord, "document">): Question[] {
  const ofBlocks = questionsFromBlocks(blocks);
  const given: unknown[] = ofBlocks.length > 0 ? ofBlocks : Array.isArray(questions) ? questions : [];
  return given.flatMap((question) => {
    if (!isObject(question) || typeof question.id !== "string" || typeof question.type !== "string") return [];
    const choices: unknown[] = Array.isArray(question.choices) ? question.choices : [];
    const options = choices.flatMap((choice) =>
      isObject(choice) ? { id: typeof choice.id === "string" ? choice.id : "", labels: textsOf(choice.label) } : [],
    );
    return { id: question.id, type: question.type, text: textsOf(question.headline)[0] ?? "", options };
  });
}

/** The default text first. */
function textsOf(text: unknown): string[] {
  if (typeof text === "string") return [text];
  if (!isObject(text)) return [];
  return [text.default, ...Object.values(text)].filter((each) => typeof each === "string");
}

export function surveyRow(survey: SurveyRecord) {
  const { id, name, type, createdAt, updatedAt, document } = survey;
  return {
    id: numberOf(id),
    name,
    type,
    status: statusOf(survey),
    platform: type === "app" ? "web" : "link",
    createdAt: createdAt.getTime(),
    updatedAt: updatedAt.getTime(),
    launchedAt: null,
    completedAt: null,
    totalResponseLimit: typeof document.autoComplete === "number" ? document.autoComplete : null,
    constraints: [],
    questions: questionsOf(survey).map((question) => ({
      id: numberOf(id, question.id),
      type: question.type,
      questionText: question.text,
      options: question.options.map(({ labels }) => labels[0] ?? ""),
      optionsProperties: [],
      routingOptions: [],
    })),
  };
}

export interface RowOptions {
  withUrls: boolean;
  withMeta: boolean;
}

/** A row for each question that the response answers. */
export function responseRows(
  response: ResponseRecord,
  questions: readonly Question[],
  visitorUuid: string | null,
  { withUrls, withMeta }: RowOptions,
) {
  const { id, createdAt, updatedAt, surveyId, contact, data, meta } = response;
  return questions
    .filter((question) => Object.hasOwn(data, question.id))
    .map((question) => ({
      createdAt: createdAt.getTime(),
      updatedAt: updatedAt.getTime(),
      externalUserId: contact?.userId ?? null,
      questionId: numberOf(surveyId, question.id),
      questionText: question.text,
      questionType: question.type,
      response: data[question.id],
      responseGroupUid: id,
      surveyId: numberOf(surveyId),
      visitorId: contact === null ? null : numberOf(contact.id),
      visitorUuid,
      ...(question.options.length > 0 && { selectedIndexes: indexesOf(data[question.id], question) }),
      ...(withUrls && { url: typeof meta.url === "string" ? meta.url : null }),
      ...(withMeta && { meta }),
    }));
}

/** Which options were chosen, from 0. */
function indexesOf(answer: unknown, { options }: Question): number[] {
  const chosen: unknown[] = Array.isArray(answer) ? answer : [answer];
  return options.flatMap(({ id, labels }, at) =>
    chosen.some((each) => typeof each === "string" && each !== "" && (each === id || labels.includes(each))) ? [at] : [],
  );
}
