/** Quotas, the part with a database: counts that hold while others answer at the same moment. Source: client-api §12. */
import type { Transaction } from "../db/database.ts";
import type { LiveSurvey } from "../surveys/live-survey.ts";
import { elementsOf } from "./answer-checks.ts";
import { decideQuotas, evaluateQuotas, NO_QUOTA, type QuotaDecision, type QuotaEvaluation, type QuotaOutcome } from "./quotas.ts";
import type { ResponseValues } from "./response-values.ts";
import { textKeys } from "./survey-elements.ts";

type Queries = Pick<Transaction, "query">;

/** In the order of their ids, so that two transactions cannot wait for each other. */
const LOCK_QUOTAS = {
  name: "lock_quotas",
  text: `select id from survey_quotas where "environmentId" = $1 and id = any($2::text[]) order by id for no key update`,
};

/** No further than to the limit. Parameters: environment id, quota ids, the response that does not count. */
const COUNT_QUOTAS = {
  name: "count_quotas",
  text: `
    select q.id, q."limit", c.count from survey_quotas q cross join lateral (
      select count(*)::int as count from (
        select from response_quota_links l
        join responses r on r."environmentId" = l."environmentId" and r.id = l."responseId"
        where l."environmentId" = q."environmentId" and l."quotaId" = q.id and l.status = 'screenedIn'
          and l."responseId" <> $3 and (r.finished or q."countPartialSubmissions")
        limit q."limit"
      ) counted
    ) c
    where q."environmentId" = $1 and q.id = any($2::text[])`,
};

/** Parameters: environment id, response id, quotas to unlink, to screen in, to screen out. */
const LINK_QUOTAS = {
  name: "link_quotas",
  text: `
    with unlinked as (
      delete from response_quota_links where "environmentId" = $1 and "responseId" = $2 and "quotaId" = any($3::text[])
    )
    insert into response_quota_links ("environmentId", "responseId", "quotaId", status)
    select $1, $2, id, 'screenedIn'::quota_link_status from unnest($4::text[]) as s(id)
    union all
    select $1, $2, id, 'screenedOut' from unnest($5::text[]) as s(id)
    on conflict ("environmentId", "responseId", "quotaId") do update set status = excluded.status
      where excluded.status = 'screenedOut'`,
};

/** Which of the survey's quotas the response meets the conditions of. */
export function evaluateSurveyQuotas(
  survey: LiveSurvey,
  { data, variables, language }: Pick<ResponseValues, "data" | "variables" | "language">,
): QuotaEvaluation {
  return evaluateQuotas(survey.quotas, {
    elements: elementsOf(survey),
    variables: survey.variables,
    data,
    variableValues: variables,
    texts: textKeys(language, survey.languages),
  });
}

/**
 * Decides with the passing quotas locked until the transaction ends, so that of the responses that arrive at once no
 * more are let in than there is room for. A quota that was deleted meanwhile counts as none.
 */
export async function decideLocked(
  tx: Transaction,
  scope: { environmentId: string; responseId: string; finished: boolean },
  evaluation: QuotaEvaluation,
): Promise<QuotaDecision> {
  if (evaluation.passing.length > 0) await tx.query(LOCK_QUOTAS, [scope.environmentId, evaluation.passing.map(({ id }) => id)]);
  return await decide(tx, scope, evaluation);
}

async function decide(
  tx: Queries,
  { environmentId, responseId, finished }: { environmentId: string; responseId: string; finished: boolean },
  { passing, failing }: QuotaEvaluation,
): Promise<QuotaDecision> {
  const rows =
    passing.length === 0
      ? []
      : await tx.query<{ id: string; limit: number; count: number }>(COUNT_QUOTAS, [
          environmentId,
          passing.map(({ id }) => id),
          responseId,
        ]);
  const current = new Map(rows.map((row) => [row.id, row]));
  const there = passing.flatMap((quota) => {
    const limit = current.get(quota.id)?.limit;
    return limit === undefined ? [] : [{ ...quota, limit }];
  });
  const counts = new Map(rows.map(({ id, count }) => [id, count]));
  return decideQuotas({ passing: there, failing, counts, finished });
}

export async function linkQuotas(
  tx: Transaction,
  environmentId: string,
  responseId: string,
  { unlink, screenIn, screenOut }: QuotaDecision,
): Promise<void> {
  if (unlink.length + screenIn.length + screenOut.length === 0) return;
  await tx.query(LINK_QUOTAS, [environmentId, responseId, unlink, screenIn, screenOut]);
}

/** What a request that is sent again is told of quotas: what a new one like it would be, its own response not counted. */
export async function outcomeFor(
  queries: Queries,
  survey: LiveSurvey,
  responseId: string,
  values: Pick<ResponseValues, "data" | "variables" | "language" | "finished">,
): Promise<QuotaOutcome> {
  if (survey.quotas.length === 0) return NO_QUOTA;
  const scope = { environmentId: survey.environmentId, responseId, finished: values.finished };
  return (await decide(queries, scope, evaluateSurveyQuotas(survey, values))).outcome;
}
