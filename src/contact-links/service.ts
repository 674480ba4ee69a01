import type { Database } from "../db/database.ts";
import { findOwnedRow } from "../db/owned-row.ts";
import type { EnvironmentService } from "../environments/service.ts";
import type { SegmentRow, SegmentService } from "../segments/service.ts";
import { attributeText } from "../shared/attributes.ts";
import type { Principal } from "../shared/principal.ts";
import { forbidden, notFound, refused } from "../shared/problem.ts";
import type { LiveSurvey, LiveSurveyService } from "../surveys/live-survey.ts";
import type { ContactLinkTokens } from "./token.ts";

export type ContactLinkService = ReturnType<typeof createContactLinkService>;

export interface ContactLink {
  surveyUrl: string;
  /** Null: never. */
  expiresAt: Date | null;
}

/** A link with whom it is for. */
export interface SegmentContactLink extends ContactLink {
  contactId: string;
  /** Those asked for that the contact has, as text. */
  attributes: Record<string, string>;
}

export interface SegmentLinkRequest {
  limit: number;
  skip: number;
  expirationDays?: number | undefined;
  attributeKeys: string[];
}

const DAY_MS = 86_400_000;

/** Links to a survey that are one contact's own. Nothing is stored: every call makes new ones. Source: management-api-v2 §5.11. */
export function createContactLinkService({
  db,
  environments,
  surveys,
  segments,
  tokens,
  buildSingleUseQuery,
  newId,
  now,
  publicUrl,
}: {
  db: Database;
  environments: EnvironmentService;
  surveys: LiveSurveyService;
  segments: SegmentService;
  tokens: ContactLinkTokens;
  /** The query parameters that make a survey's link one for this single-use id. */
  buildSingleUseQuery: (surveyId: string, singleUseId: string, isEncrypted: boolean) => Record<string, string>;
  newId: () => string;
  /** In ms. */
  now: () => number;
  /** Where respondents find surveys, without a slash at its end. */
  publicUrl: string;
}) {
  return { findSurvey, createForContact, createForSegment };

  /** The survey that links lead to. Throws `not_found` (survey); `forbidden` unless the caller may read it. */
  async function findSurvey(caller: Principal, surveyId: string): Promise<LiveSurvey> {
    const { environmentId } = await findOwnedRow(db, caller, {
      columns: `t."environmentId"`,
      table: "surveys",
      id: surveyId,
      resource: "survey",
      level: "read",
    });
    return await surveys.find(await environments.configuration(environmentId), surveyId);
  }

  /**
   * A link for a contact, by its id or that of one that was merged into it, who has not answered yet. Throws `malformed` (`surveyId`, `contactId`) for a survey that is not
   * answered through links and for a contact who has answered it; `not_found` (contact).
   */
  async function createForContact(
    survey: LiveSurvey,
    contactId: string,
    { expirationDays }: { expirationDays?: number | undefined },
  ): Promise<ContactLink> {
    if (survey.type !== "link") throw refused("surveyId", "Not a link survey");
    const [contact] = await db.query<{ id: string; hasResponded: boolean }>(
      `select c.id, exists (select 1 from responses r
         where r."environmentId" = c."environmentId" and r."contactId" = c.id and r."surveyId" = $3) as "hasResponded"
       from contacts c where c."environmentId" = $1 and c.id = coalesce(
         (select a."contactId" from contact_aliases a where a."environmentId" = $1 and a.id = $2), $2)`,
      [survey.environmentId, contactId, survey.id],
    );
    if (!contact) throw notFound("contact", contactId);
    if (contact.hasResponded) throw refused("contactId", "Already responded");
    return buildLink(survey, contact.id, expiryOf(expirationDays));
  }

  /**
   * Links for a page of a segment's contacts, newest first, whether they have answered or not. Throws `forbidden` unless
   * the survey is answered through links and in progress; `not_found` (segment); `malformed` (`segmentId`) when it is
   * another environment's.
   */
  async function createForSegment(
    survey: LiveSurvey,
    segmentId: string,
    { limit, skip, expirationDays, attributeKeys }: SegmentLinkRequest,
  ): Promise<{ links: SegmentContactLink[]; total: number }> {
    if (survey.type !== "link" || survey.status !== "inProgress") throw forbidden("The survey takes no responses through links");
    const [segment] = await db.query<SegmentRow & { environmentId: string }>(
      `select id, "environmentId", filters from segments where id = $1 order by "environmentId" = $2 desc limit 1`,
      [segmentId, survey.environmentId],
    );
    if (!segment) throw notFound("segment", segmentId);
    if (segment.environmentId !== survey.environmentId) throw refused("segmentId", "Environment mismatch");
    const expiresAt = expiryOf(expirationDays);
    const [contacts, total] = await Promise.all([
      segments.listContacts(survey.environmentId, segment, { limit, skip }),
      segments.countContacts(survey.environmentId, segment),
    ]);
    const links = contacts.map(({ id, userId, email, attributes }) => ({
      contactId: id,
      attributes: pickTexts({ ...attributes, userId, email }, attributeKeys),
      ...buildLink(survey, id, expiresAt),
    }));
    return { links, total };
  }

  function expiryOf(days: number | undefined): Date | null {
    return days === undefined ? null : new Date(now() + days * DAY_MS);
  }

  function buildLink(survey: LiveSurvey, contactId: string, expiresAt: Date | null): ContactLink {
    const url = new URL(`${publicUrl}/c/${tokens.issue({ contactId, surveyId: survey.id }, expiresAt)}`);
    if (survey.singleUse !== null) {
      const query = buildSingleUseQuery(survey.id, newId(), survey.singleUse.isEncrypted);
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    }
    return { surveyUrl: url.href, expiresAt };
  }
}

function pickTexts(attributes: Readonly<Record<string, string | number | boolean | null>>, keys: readonly string[]) {
  const picked: Record<string, string> = {};
  for (const key of keys) {
    const value = Object.hasOwn(attributes, key) ? attributes[key] : null;
    if (value !== null && value !== undefined) picked[key] = attributeText(value);
  }
  return picked;
}
