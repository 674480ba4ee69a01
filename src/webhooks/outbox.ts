import type { Transaction } from "../db/database.ts";
import type { OwnSnapshot, OwnTrigger } from "./payload.ts";

/** Something that happened, to be told to webhooks. */
export interface ToldEvent {
  type: OwnTrigger;
  surveyId?: string | undefined;
  /** Whom it is about; what is told of one contact is told in order, and forgotten with it. */
  contactId?: string | undefined;
  payload: OwnSnapshot;
}

export type Outbox = ReturnType<typeof createOutbox>;

const APPEND = {
  name: "append_outbox_events",
  text: `
insert into outbox_events ("environmentId", id, type, "surveyId", "contactId", payload)
select $1, e.id, e.type::response_event_type, e."surveyId", e."contactId", e.payload
from rows from (unnest($2::text[], $3::text[], $4::text[], $5::text[]), jsonb_array_elements($6::jsonb))
  as e(id, type, "surveyId", "contactId", payload)`,
};

/**
 * The outbox: events that are told to webhooks, written with what they tell of. Responses write theirs in their own
 * statements (src/responses/response-statements.ts) and call `announce` when those are committed.
 */
export function createOutbox({ newId, announce }: { newId: () => string; announce: () => void }) {
  return { announce, append };

  /** Writes events in the order in which they happened; whoever delivers is told of them when `tx` is committed. */
  async function append(tx: Transaction, environmentId: string, events: readonly ToldEvent[]): Promise<void> {
    if (events.length === 0) return;
    await tx.query(APPEND, [
      environmentId,
      events.map(() => newId()),
      events.map(({ type }) => type),
      events.map(({ surveyId }) => surveyId ?? null),
      events.map(({ contactId }) => contactId ?? null),
      JSON.stringify(events.map(({ payload }) => payload)),
    ]);
    tx.afterCommit(announce);
  }
}
