/**
 * Quotas, the part without a database. A write goes: `evaluateQuotas` says which pass; the caller locks those, counts
 * for each the *other* responses linked `screenedIn` (finished ones, or all where `countPartialSubmissions`);
 * `decideQuotas` says what to store; all in the response's transaction. Source: client-api §12.
 */
import { evaluateConditions, type LogicInput } from "./survey-logic.ts";

export interface Quota {
  id: string;
  createdAt: Date;
  /** How many responses may be let in; at least 1. */
  limit: number;
  /** `{ connector, conditions }`, as it is stored. */
  logic: unknown;
  action: "endSurvey" | "continueSurvey";
  endingCardId: string | null;
  countPartialSubmissions: boolean;
}

export interface QuotaEvaluation {
  /** The quotas whose conditions the response meets, newest first. */
  passing: Quota[];
  failing: Quota[];
}

/** Sorts a survey's quotas by whether the response, with a change's data merged in, meets their conditions. */
export function evaluateQuotas(quotas: readonly Quota[], input: LogicInput): QuotaEvaluation {
  const newestFirst = [...quotas].sort(
    (one, other) => other.createdAt.getTime() - one.createdAt.getTime() || (other.id > one.id ? 1 : -1),
  );
  const passing = newestFirst.filter(({ logic }) => evaluateConditions(logic, input));
  return { passing, failing: newestFirst.filter((quota) => !passing.includes(quota)) };
}

export interface QuotaDecision {
  /** Links to delete, if they are there. */
  unlink: string[];
  /** Links to create as `screenedIn` where there is none; one that is there stays as it is. */
  screenIn: string[];
  /** Links to create as, or change to, `screenedOut`. */
  screenOut: string[];
  /** Set when the response is to be stored as finished with this ending, whatever the request said. */
  end: { endingId: string | null } | null;
  /** What the answer says of quotas. */
  outcome: QuotaOutcome;
}

/** The quota part of the answer to a response's write (client-api §9.5); `quota` is the newest full one. */
export type QuotaOutcome =
  | { quotaFull: false }
  | { quotaFull: true; quota: { id: string; action: Quota["action"]; endingCardId?: string } };

export const NO_QUOTA: QuotaOutcome = { quotaFull: false };

/**
 * What follows from the counts, by quota id (a passing quota without one counts 0).
 * @param finished whether the response is finished as the request leaves it
 */
export function decideQuotas({
  passing,
  failing,
  counts,
  finished,
}: QuotaEvaluation & { counts: ReadonlyMap<string, number>; finished: boolean }): QuotaDecision {
  const isFull = ({ id, limit }: Quota) => (counts.get(id) ?? 0) >= limit;
  const firstFull = passing.find(isFull);
  const ends = firstFull?.action === "endSurvey";
  const linked = finished || ends ? passing : passing.filter((quota) => quota.countPartialSubmissions);
  return {
    unlink: idsOf(failing),
    screenIn: idsOf(linked.filter((quota) => !isFull(quota))),
    screenOut: idsOf(linked.filter(isFull)),
    end: firstFull !== undefined && ends ? { endingId: firstFull.endingCardId } : null,
    outcome: firstFull === undefined ? NO_QUOTA : { quotaFull: true, quota: presentQuota(firstFull) },
  };
}

const idsOf = (quotas: readonly Quota[]): string[] => quotas.map(({ id }) => id);

const presentQuota = ({ id, action, endingCardId }: Quota) => ({
  id,
  action,
  ...(endingCardId === null ? {} : { endingCardId }),
});
