import type { ContactWatch } from "../contacts/service.ts";
import type { Database, Transaction } from "../db/database.ts";
import { isMissingRow } from "../db/errors.ts";
import type { EnvironmentConfiguration } from "../environments/service.ts";
import { ID_PATTERN } from "../shared/ids.ts";
import { invalid, notFound, Problem } from "../shared/problem.ts";
import { type LiveSurveyService, requireAccepting } from "../surveys/live-survey.ts";
import type { DisplaySnapshot, Outbox } from "../webhooks/service.ts";
import { createDisplayBatcher, type NewDisplay } from "./display-batcher.ts";
import { CREATE_DISPLAY, type DisplayRow, RESPONSE_OF_DISPLAY, TELL_DISPLAY } from "./display-statements.ts";

export interface DisplayInput {
  environment: EnvironmentConfiguration;
  surveyId: string;
  /** Who saw it: a user id, whose contact is created if missing, or a contact's id, ignored if there is none. */
  viewer: { userId: string } | { contactId: string } | null;
  /** The client's own name for the request, when it gives one: the same name again is the same display. */
  idempotencyKey: string | null;
}

/** A survey that was shown. */
export type Display = DisplayRow;

/** How often a display whose contact goes away while it is stored is stored again. */
const MAX_TRIES = 4;

export type DisplayService = ReturnType<typeof createDisplayService>;

/** Displays: that a survey was shown, and to whom. */
export function createDisplayService({
  db,
  surveys,
  watch,
  outbox,
  newId,
}: {
  db: Database;
  surveys: LiveSurveyService;
  watch: ContactWatch;
  outbox: Outbox;
  newId: () => string;
}) {
  const batcher = createDisplayBatcher(db);
  return { create, findResponseId };

  /**
   * Stores a display, and with it the contact of a user id that is new: both or nothing. A display that is sent again
   * is counted once (src/decisions/0010). Throws `not_found` for a survey that is not the environment's, `forbidden`
   * for one that is not in progress, `conflict` for an idempotency key that names another display.
   */
  async function create({ environment, surveyId, viewer, idempotencyKey }: DisplayInput): Promise<Display> {
    const survey = await surveys.find(environment, surveyId);
    if (survey.environmentId !== environment.id) throw notFound("survey", surveyId);
    requireAccepting(survey);
    const item: NewDisplay = {
      environmentId: environment.id,
      id: newId(),
      surveyId,
      contactId: viewer !== null && "contactId" in viewer ? viewer.contactId : null,
      userId: viewer !== null && "userId" in viewer ? viewer.userId : null,
      requestKey: idempotencyKey === null ? null : `key:${idempotencyKey}`,
    };
    const isTold = environment.listenedEvents.has("displayCreated") || (item.userId !== null && watch.watches(environment));
    const display = await storeRepeatedly(() => (isTold ? storeAndTell(environment, item) : store(item)), surveyId);
    if (display.surveyId !== surveyId)
      throw new Problem("conflict", "The Idempotency-Key was used for a display of another survey");
    return display;
  }

  async function storeRepeatedly(attempt: () => Promise<Display>, surveyId: string): Promise<Display> {
    for (let tries = 1; ; tries++) {
      try {
        return await attempt();
      } catch (error) {
        // The contact was merged or deleted a moment ago: it is looked up again.
        if (isMissingRow(error, "contactId") && tries < MAX_TRIES) continue;
        if (isMissingRow(error)) throw notFound("survey", surveyId); // deleted a moment ago
        throw error;
      }
    }
  }

  /** Together with others that arrive now; alone when more has to be done for it. */
  async function store(item: NewDisplay): Promise<Display> {
    return (await batcher.submit(item)) ?? (await storeAlone(db, item));
  }

  async function storeAlone(queries: Pick<Transaction, "query">, item: NewDisplay): Promise<Display> {
    const { environmentId, id, surveyId, contactId, userId, requestKey } = item;
    const [display] = await queries.query<DisplayRow>(CREATE_DISPLAY, [
      ...[environmentId, id, surveyId, contactId, userId, newId(), requestKey],
    ]);
    if (display === undefined) throw new Error("the statement stores a display or finds one");
    return display;
  }

  /** In a transaction, with what webhooks are to be told of the display and of the contact. */
  function storeAndTell(environment: EnvironmentConfiguration, item: NewDisplay): Promise<Display> {
    const touched = { userIds: item.userId === null ? [] : [item.userId] };
    return db.transaction(async (tx) => {
      const display = await watch.around(tx, environment, touched, () => storeAlone(tx, item));
      const isNew = display.id === item.id;
      if (isNew && environment.listenedEvents.has("displayCreated")) await tellDisplay(tx, environment.id, item.id);
      return display;
    });
  }

  async function tellDisplay(tx: Transaction, environmentId: string, displayId: string): Promise<void> {
    const [payload] = await tx.query<DisplaySnapshot>(TELL_DISPLAY, [environmentId, displayId]);
    if (payload === undefined) throw new Error("the display was stored a moment ago");
    const { surveyId, contact } = payload;
    await outbox.append(tx, environmentId, [{ type: "displayCreated", surveyId, contactId: contact?.id, payload }]);
  }

  /** The id of the response that a display led to, null when there is none. Throws `not_found` (type `display`). */
  async function findResponseId(environment: EnvironmentConfiguration, displayId: string): Promise<string | null> {
    if (!ID_PATTERN.test(displayId)) throw invalid("Validation failed: Invalid cuid2");
    const [row] = await db.query<{ responseId: string | null }>(RESPONSE_OF_DISPLAY, [environment.id, displayId]);
    if (!row) throw notFound("display", displayId);
    return row.responseId;
  }
}
