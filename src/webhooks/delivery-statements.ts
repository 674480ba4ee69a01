/**
 * The statements of deliveries. A webhook's deliveries are a queue of their own, and `webhooks."dueAt"` says when it has to
 * be looked at next; `src/decisions/0023` tells why. Whoever makes a delivery due moves `dueAt` forward in the same
 * transaction; {@link CLAIM} and {@link RESCHEDULE} run while the webhook's row is locked.
 */
import type { EventSnapshot } from "./payload.ts";

/**
 * After so many failures in a row a webhook is looked at once a second only, so that an endpoint that is dead, and says so
 * at once, takes no time from the others.
 */
const PATIENCE = 20;
const PAUSE = "interval '1 second'";

/**
 * Turns events of the outbox into deliveries: one for each webhook that asks for the event. A webhook's choice of surveys
 * leaves out no event that is not about a survey. A webhook that is switched off gets a delivery that has failed, to be
 * replayed. Parameters: how many, now.
 */
export const EXPAND = `
with next as (
  select "environmentId", id from outbox_events order by id limit $1 for update skip locked
), taken as (
  delete from outbox_events o using next where o."environmentId" = next."environmentId" and o.id = next.id
  returning o."environmentId", o.id, o."createdAt", o.type::text as type, o."surveyId", o.payload,
    coalesce(o."responseId", o."contactId", o.payload ->> 'id', o.id) as "subjectId"
), matched as (
  select t.*, w.id as "webhookId", w."disabledAt" is not null as "isOff"
  from taken t join webhooks w on w."environmentId" = t."environmentId"
    and t.type = any(w.triggers) and (w."surveyIds" = '{}' or t."surveyId" is null or t."surveyId" = any(w."surveyIds"))
), events as (
  insert into webhook_events ("environmentId", id, "createdAt", type, "surveyId", "subjectId", payload)
  select distinct on ("environmentId", id) "environmentId", id, "createdAt", type, "surveyId", "subjectId", payload from matched
), due as (
  update webhooks w set "dueAt" =
    case when w."consecutiveFailures" < ${PATIENCE} then least(w."dueAt", $2::timestamptz) else coalesce(w."dueAt", $2) end
  from (select distinct "environmentId", "webhookId" from matched where not "isOff") m
  where w."environmentId" = m."environmentId" and w.id = m."webhookId"
), deliveries as (
  insert into webhook_deliveries ("environmentId", id, "createdAt", "updatedAt", "webhookId", "eventId", "subjectId",
    status, "nextAttemptAt", "lastError")
  select "environmentId", encode(sha256(convert_to(id || '.' || "webhookId" || '.' || type, 'UTF8')), 'hex'), $2, $2,
    "webhookId", id, "subjectId", case when "isOff" then 'failed' else 'pending' end::webhook_delivery_status,
    case when not "isOff" then $2 end, case when "isOff" then 'webhook_off' end
  from matched
)
select count(*)::int as events from taken`;

export interface LaneRow {
  environmentId: string;
  webhookId: string;
}

/**
 * Webhooks that have to be looked at, locked: first those whose last delivery arrived. Parameters: now, how many, how many
 * at most of those that fail, environment ids and webhook ids of those that this process has enough of.
 */
export const LOCK_DUE = `
with served as (
  select * from unnest($4::text[], $5::text[]) as s("environmentId", id)
), healthy as (
  select "environmentId", id as "webhookId" from webhooks w
  where "dueAt" <= $1 and "disabledAt" is null and "failingSince" is null
    and not exists (select from served s where s."environmentId" = w."environmentId" and s.id = w.id)
  order by "dueAt" limit $2 for no key update of w skip locked
), failing as (
  select "environmentId", id as "webhookId" from webhooks w
  where "dueAt" <= $1 and "disabledAt" is null and "failingSince" is not null
    and not exists (select from served s where s."environmentId" = w."environmentId" and s.id = w.id)
  order by "dueAt" limit $3 for no key update of w skip locked
)
select * from (select * from healthy union all select * from failing) due limit $2`;

const SAME_LANE = `d."environmentId" = l."environmentId" and d."webhookId" = l."webhookId"`;

/** How far into a webhook's queue a claim looks for subjects that nothing is being sent of. */
const WINDOW = 128;

const candidates = (status: "sending" | "pending", turn: number, dueAt: string) => `
        (select ${turn} as rank, d."environmentId", d.id, d."subjectId", d."nextAttemptAt", d."eventId", ${dueAt} as "dueAt"
         from webhook_deliveries d where ${SAME_LANE} and d.status = '${status}' and d."nextAttemptAt" <= $3
         order by d."nextAttemptAt", d."eventId" limit ${WINDOW})`;

/**
 * Takes what is due of locked webhooks: of each the number asked for, or while another process has something of it what
 * the two may send at once, and of each subject only the first, so that what happened first is sent first. What another process took and did not finish
 * was due before all that waits. Parameters: environment ids, webhook ids, now, end of the lease, how many of each webhook;
 * environment ids, delivery ids and attempts of what this process has; how many at a time.
 */
export const CLAIM = `
with own as (
  select * from unnest($6::text[], $7::text[], $8::int[]) as o("environmentId", id, attempts)
), lanes as (
  select l.*, (
    select case when count(*) = count(o.id) then l.room else greatest($9::int - count(*), 0) end
    from webhook_deliveries d left join own o on o."environmentId" = d."environmentId" and o.id = d.id and o.attempts = d.attempts
    where ${SAME_LANE} and d.status = 'sending' and d."nextAttemptAt" > $3
  ) as free
  from unnest($1::text[], $2::text[], $5::int[]) as l("environmentId", "webhookId", room)
), picked as (
  select p."environmentId", p.id, p."dueAt" from lanes l cross join lateral (
    select c.* from (
      select c.*, row_number() over (partition by c."subjectId" order by c.rank, c."nextAttemptAt", c."eventId") as turn from (
        ${candidates("sending", 0, 'd."createdAt"')}
        union all
        ${candidates("pending", 1, 'd."nextAttemptAt"')}
      ) c
      where not exists (select from webhook_deliveries d where ${SAME_LANE}
        and d.status = 'sending' and d."nextAttemptAt" > $3 and d."subjectId" = c."subjectId")
    ) c
    where c.turn = 1 order by c.rank, c."nextAttemptAt", c."eventId" limit l.free
  ) p
), claimed as (
  update webhook_deliveries d set status = 'sending', attempts = d.attempts + 1, "nextAttemptAt" = $4, "updatedAt" = $3
  from picked where d."environmentId" = picked."environmentId" and d.id = picked.id
  returning d."environmentId", d.id, d."webhookId", d."eventId", d.attempts, d."attemptsBefore", picked."dueAt"
)
select c.*, e.type as event, e.payload, w.url, w.secret, w."previousSecret", w."previousSecretExpiresAt",
  w."failingSince" is not null as "isFailing"
from claimed c
join webhook_events e on e."environmentId" = c."environmentId" and e.id = c."eventId"
join webhooks w on w."environmentId" = c."environmentId" and w.id = c."webhookId"
order by c."dueAt", c."eventId"`;

/** A delivery that this process may send until its lease ends. `secret`s are sealed. */
export interface ClaimedDelivery extends LaneRow {
  /** The message id. */
  id: string;
  eventId: string;
  /** Counts this one. Names the claim: who was claimed anew has another number. */
  attempts: number;
  attemptsBefore: number;
  /** Its place in the queue, should it be given back. */
  dueAt: Date;
  event: string;
  payload: EventSnapshot;
  url: string;
  secret: string | null;
  previousSecret: string | null;
  previousSecretExpiresAt: Date | null;
  /** Whether the webhook's last delivery failed. */
  isFailing: boolean;
}

/** Parameters: environment ids, delivery ids, attempts, new end of the lease. */
export const RENEW = `
update webhook_deliveries d set "nextAttemptAt" = $4
from unnest($1::text[], $2::text[], $3::int[]) as c("environmentId", id, attempts)
where d."environmentId" = c."environmentId" and d.id = c.id and d.attempts = c.attempts and d.status = 'sending'`;

/**
 * When the locked webhooks have to be looked at next. One of which something is due still waits for a lease to end; settling
 * a delivery makes it due before. Parameters: environment ids, webhook ids, now.
 */
export const RESCHEDULE = `
update webhooks w set "dueAt" = case
    when n.sending is null then n.pending
    when n.pending <= $3 then n.sending
    else least(n.pending, n.sending)
  end
from unnest($1::text[], $2::text[]) as l("environmentId", "webhookId")
cross join lateral (
  select
    (select min(d."nextAttemptAt") from webhook_deliveries d where ${SAME_LANE} and d.status = 'pending') as pending,
    (select min(d."nextAttemptAt") from webhook_deliveries d where ${SAME_LANE} and d.status = 'sending') as sending
) n
where w."environmentId" = l."environmentId" and w.id = l."webhookId"`;

/**
 * Writes down what came of attempts at one webhook, in the order in which they ended, unless a delivery has been claimed
 * anew or is gone. Answers the webhook's health when one was written down. The webhook is locked first, as by a claim, so
 * that the two cannot wait for each other. Parameters: environment id, webhook id, now; of each attempt: delivery id, attempt,
 * started at, duration, HTTP status, error, the delivery's new status, when it is tried again.
 */
export const SETTLE = `
with lane as (
  select "environmentId", id from webhooks where "environmentId" = $1 and id = $2 for no key update
), settled as (
  update webhook_deliveries d set status = o.verdict::webhook_delivery_status, "nextAttemptAt" = o."retryAt", "updatedAt" = $3,
    "lastStatus" = o.status, "lastDurationMs" = o."durationMs", "lastError" = o.error
  from lane cross join unnest($4::text[], $5::int[], $6::timestamptz[], $7::int[], $8::int[], $9::text[], $10::text[],
    $11::timestamptz[]) with ordinality
    as o(id, attempt, "startedAt", "durationMs", status, error, verdict, "retryAt", turn)
  where d."environmentId" = $1 and d.id = o.id and d."webhookId" = lane.id and d.status = 'sending' and d.attempts = o.attempt
  returning d.id, o.attempt, o."startedAt", o."durationMs", o.status, o.error, o.turn
), logged as (
  insert into webhook_attempts ("environmentId", "deliveryId", attempt, "startedAt", "durationMs", status, error)
  select $1, id, attempt, "startedAt", "durationMs", status, error from settled
), arrived as (
  select coalesce(max(turn), 0) as turn from settled where error is null
), summary as (
  select array_agg(s.id) as ids, a.turn > 0 as "hasArrived", count(*) filter (where s.turn > a.turn) as failures,
    min(s."startedAt") filter (where s.turn > a.turn) as "failingSince"
  from settled s cross join arrived a group by a.turn
)
update webhooks w set "dueAt" = least(w."dueAt",
    case when s."hasArrived" or w."consecutiveFailures" < ${PATIENCE} then $3::timestamptz else $3 + ${PAUSE} end),
  "lastDeliveredAt" = case when s."hasArrived" then $3 else w."lastDeliveredAt" end,
  "failingSince" = case when s.failures > 0 then
    case when s."hasArrived" then s."failingSince" else coalesce(w."failingSince", s."failingSince") end end,
  "consecutiveFailures" = s.failures + case when s."hasArrived" then 0 else w."consecutiveFailures" end
from summary s where w."environmentId" = $1 and w.id = $2
returning s.ids as settled, w."failingSince", w."disabledAt"`;

export interface WebhookHealth {
  /** Ids of the deliveries that were written down. */
  settled: string[];
  failingSince: Date | null;
  disabledAt: Date | null;
}

/**
 * Gives back deliveries of one webhook that were not sent to their end, to the places that they had in the queue.
 * Parameters: environment id, webhook id, now; of each delivery: id, attempt, place.
 */
export const RELEASE = `
with lane as (
  select "environmentId", id from webhooks where "environmentId" = $1 and id = $2 for no key update
), released as (
  update webhook_deliveries d set status = 'pending', attempts = d.attempts - 1, "nextAttemptAt" = r."dueAt", "updatedAt" = $3
  from lane cross join unnest($4::text[], $5::int[], $6::timestamptz[]) as r(id, attempt, "dueAt")
  where d."environmentId" = $1 and d.id = r.id and d."webhookId" = lane.id and d.status = 'sending' and d.attempts = r.attempt
  returning d.id
)
update webhooks w set "dueAt" = least(w."dueAt", $3::timestamptz)
where w."environmentId" = $1 and w.id = $2 and exists (select from released)`;

/** Switches a webhook off; what still waits for it has failed. Parameters: environment id, webhook id, now. */
export const SWITCH_OFF = `
with off as (
  update webhooks set "disabledAt" = $3, "dueAt" = null
  where "environmentId" = $1 and id = $2 and "disabledAt" is null
  returning "environmentId", id
), failed as (
  update webhook_deliveries d set status = 'failed', "nextAttemptAt" = null, "lastError" = 'webhook_off', "updatedAt" = $3
  from off where d."environmentId" = off."environmentId" and d."webhookId" = off.id and d.status = 'pending'
)
select id from off`;

/** Deletes the oldest events that nobody waits for any more, with their log. Parameters: older than, how many. */
export const SWEEP = `
with old as (
  select e."environmentId", e.id from webhook_events e
  where e."createdAt" < $1 and not exists (
    select from webhook_deliveries d where d."environmentId" = e."environmentId" and d."eventId" = e.id
      and d.status in ('pending', 'sending'))
  order by e."createdAt" limit $2 for update skip locked
)
delete from webhook_events e using old where e."environmentId" = old."environmentId" and e.id = old.id returning 1 as deleted`;

/** How much waits, and for how long the longest has. Parameter: now. */
export const MEASURE = `
select
  (select count(*) from outbox_events)::int as "undistributed",
  (select count(*) from webhook_deliveries where status = 'pending')::int as "pending",
  (select count(*) from webhook_deliveries where status = 'sending')::int as "sending",
  (select extract(epoch from greatest($1::timestamptz - min(at), interval '0'))
   from (
     (select "createdAt" as at from outbox_events order by id limit 1)
     union all
     select min("nextAttemptAt") from webhook_deliveries where status = 'pending'
   ) waiting having min(at) is not null)::float8 as "oldestDueSeconds"`;

export interface QueueDepth {
  /** Events that are not yet turned into deliveries. */
  undistributed: number;
  pending: number;
  sending: number;
  /** For how long the oldest that is due has been so; null when nothing waits. */
  oldestDueSeconds: number | null;
}
