/** The rows that a survey consists of, written inside a transaction that holds the survey's row. */
import type { Transaction } from "../db/database.ts";
import { invalid, Problem } from "../shared/problem.ts";
import type { SurveyContent } from "./model/survey.ts";

export interface SurveyWrite {
  environmentId: string;
  id: string;
  content: SurveyContent;
  segmentId: string | null;
  at: Date;
}

export async function insertSurvey(tx: Transaction, write: SurveyWrite): Promise<void> {
  const { environmentId, id, content, segmentId, at } = write;
  const { name, type, status, createdBy, slug } = content.columns;
  await tx.query(
    `insert into surveys
       ("environmentId", id, "createdAt", "updatedAt", name, type, status, "createdBy", slug, "segmentId", document)
     values ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [environmentId, id, at, name, type, status, createdBy, slug, segmentId, JSON.stringify(content.document)],
  );
  await writeParts(tx, write);
}

/** A survey that was imported against the rules keeps them from now on. */
export async function updateSurvey(tx: Transaction, write: SurveyWrite): Promise<void> {
  const { environmentId, id, content, segmentId, at } = write;
  const { name, type, status, slug } = content.columns;
  await tx.query(
    `update surveys set "updatedAt" = $3, name = $4, type = $5, status = $6, slug = $7, "segmentId" = $8, document = $9,
       refusal = null
     where "environmentId" = $1 and id = $2`,
    [environmentId, id, at, name, type, status, slug, segmentId, JSON.stringify(content.document)],
  );
  await writeParts(tx, write);
}

async function writeParts(tx: Transaction, write: SurveyWrite): Promise<void> {
  await writeTriggers(tx, write);
  await writeLanguages(tx, write);
  await writeFollowUps(tx, write);
}

/** What stays keeps the time it was added at, and with it its place. */
async function writeTriggers(tx: Transaction, { environmentId, id, content: { triggers }, at }: SurveyWrite): Promise<void> {
  await tx.query(
    `delete from survey_triggers where "environmentId" = $1 and "surveyId" = $2 and "actionClassId" <> all($3::text[])`,
    [environmentId, id, triggers],
  );
  await tx.query(
    `insert into survey_triggers ("environmentId", "surveyId", "actionClassId", "createdAt", "updatedAt")
     select $1, $2, t.id, $4::timestamptz, $4::timestamptz from unnest($3::text[]) t(id) on conflict do nothing`,
    [environmentId, id, triggers, at],
  );
}

async function writeLanguages(tx: Transaction, { environmentId, id, content: { languages } }: SurveyWrite): Promise<void> {
  const ids = languages.map(({ language }) => language.id);
  await tx.query(
    `delete from survey_languages where "environmentId" = $1 and "surveyId" = $2 and "languageId" <> all($3::text[])`,
    [environmentId, id, ids],
  );
  await tx.query(
    `insert into survey_languages as s ("environmentId", "surveyId", "languageId", "default", enabled)
     select $1, $2, l.* from unnest($3::text[], $4::boolean[], $5::boolean[]) l
     on conflict ("environmentId", "surveyId", "languageId") do update
       set "default" = excluded."default", enabled = excluded.enabled
       where (s."default", s.enabled) is distinct from (excluded."default", excluded.enabled)`,
    [environmentId, id, ids, languages.map((language) => language.default), languages.map(({ enabled }) => enabled)],
  );
}

async function writeFollowUps(tx: Transaction, { environmentId, id, content: { followUps }, at }: SurveyWrite): Promise<void> {
  const ids = followUps.map((followUp) => followUp.id);
  if (new Set(ids).size < ids.length)
    throw invalid("Fields are missing or incorrectly formatted", {
      issues: [{ field: "followUps", issue: "Follow-up ids must be unique" }],
    });
  await tx.query(`delete from survey_follow_ups where "environmentId" = $1 and "surveyId" = $2 and id <> all($3::text[])`, [
    environmentId,
    id,
    ids,
  ]);
  const written = await tx.query(
    `insert into survey_follow_ups as f ("environmentId", "surveyId", id, name, trigger, action, "createdAt", "updatedAt")
     select $1, $2, n.id, n.name, n.trigger, n.action, $4::timestamptz, $4::timestamptz
     from jsonb_to_recordset($3::jsonb) n(id text, name text, trigger jsonb, action jsonb)
     on conflict ("environmentId", id) do update
       set name = excluded.name, trigger = excluded.trigger, action = excluded.action, "updatedAt" = excluded."updatedAt"
       where f."surveyId" = excluded."surveyId"
     returning id`,
    [environmentId, id, JSON.stringify(followUps), at],
  );
  if (written.length < ids.length) throw new Problem("conflict", "A follow-up with this id belongs to another survey");
}

/** Throws `invalid` unless the environment has every action class. */
export async function checkTriggers(tx: Transaction, environmentId: string, triggers: readonly string[]): Promise<void> {
  const known = await tx.query(`select id from action_classes where "environmentId" = $1 and id = any($2) for key share`, [
    environmentId,
    triggers,
  ]);
  if (known.length < new Set(triggers).size) throw invalid("Invalid trigger id");
}

const MAX_SLUG_BYTES = 2_000;

/** Throws `invalid` when the slug is too long and `conflict` when another survey of the environment has it. */
export async function checkSlug(
  tx: Transaction,
  { environmentId, id, slug }: { environmentId: string; id: string; slug: string | null },
): Promise<void> {
  if (slug === null) return;
  if (slug.length > MAX_SLUG_BYTES) throw slugProblem();
  const others = await tx.query(`select 1 from surveys where "environmentId" = $1 and slug = $2 and id <> $3`, [
    environmentId,
    slug,
    id,
  ]);
  if (others.length > 0) throw new Problem("conflict", `Survey with slug ${slug} already exists`);
}

const slugProblem = (): Problem =>
  invalid("Fields are missing or incorrectly formatted", {
    issues: [{ field: "slug", issue: `Must not be longer than ${MAX_SLUG_BYTES} characters` }],
  });
