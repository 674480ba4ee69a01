import type { Database } from "../db/database.ts";
import { type LiveSurvey, type LiveSurveyRow, readLiveSurvey, readStyling } from "../environments/service.ts";
import { equalsInConstantTime } from "../shared/constant-time.ts";
import { ID_PATTERN } from "../shared/ids.ts";

export type LinkSurveyService = ReturnType<typeof createLinkSurveyService>;

/** What the link and its visitor show. */
export interface Visit {
  surveyId: string;
  /** Of the link's query; null where it is not there. */
  suId: string | null;
  suToken: string | null;
  /** Of a link that was mailed to an address to verify it. */
  verify: string | null;
  /** As it was entered; null: not asked for yet. */
  pin: string | null;
  /** Whose own the link is; null: anybody's. */
  contactId: string | null;
}

/** A link survey as its page needs it. */
export interface LinkSurvey {
  environmentId: string;
  /** What is shown and answered; members that only the server minds are not in it. */
  survey: LiveSurvey;
  styling: Readonly<Record<string, unknown>>;
  isBrandingShown: boolean;
  logo: { url: string; bgColor: string | null } | null;
  /** For previews of the link; languages' codes (or `default`) → text. */
  metadata: { title: Texts; description: Texts; imageUrl: string | null };
}

type Texts = Readonly<Record<string, string>>;
type JsonObject = Record<string, unknown>;

/** Why a survey is not shown. */
export type Obstacle =
  | "notFound"
  | "expired"
  | "paused"
  | "completed"
  | "singleUseInvalid"
  | "singleUseUsed"
  | "answered"
  | "unverified";

export type Opening =
  | {
      outcome: "open";
      link: LinkSurvey;
      singleUseId: string | null;
      /** The unfinished response that the link was used for, which is gone on with. */
      responseId: string | null;
      pinAuthToken: string | null;
      contactId: string | null;
    }
  | { outcome: "pin"; link: LinkSurvey; isWrong: boolean }
  /** `notice`: the survey's own words for it; `link` is null where there is no survey to speak of. */
  | { outcome: "closed"; obstacle: Obstacle; link: LinkSurvey | null; notice: { heading: string; subheading: string } | null };

/** Environments may share a survey's id, as imports keep ids; then the link goes on leading where it led first. */
const LOAD = {
  name: "link_survey",
  text: `
    select s."environmentId", s.id, s.status, s.document, s."segmentId", '[]'::json as triggers,
      p.styling as "projectStyling", p."linkSurveyBranding", p.logo,
      (select coalesce(json_agg(json_build_object('default', sl."default", 'enabled', sl.enabled,
          'language', json_build_object('id', l.id, 'code', l.code, 'alias', l.alias, 'createdAt', l."createdAt", 'updatedAt', l."updatedAt"))
          order by sl."default" desc, l."createdAt", l.id), '[]')
        from survey_languages sl join languages l on l."environmentId" = sl."environmentId" and l.id = sl."languageId"
        where sl."environmentId" = s."environmentId" and sl."surveyId" = s.id) as languages
    from surveys s
    join environments e on e.id = s."environmentId"
    join projects p on p.id = e."projectId"
    where s.id = $1 and s.type = 'link' and s.status <> 'draft' and s."archivedAt" is null
    order by s."createdAt", s."environmentId" limit 1`,
};

interface Row extends LiveSurveyRow {
  environmentId: string;
  status: "inProgress" | "paused" | "completed";
  projectStyling: unknown;
  linkSurveyBranding: boolean;
  logo: unknown;
}

/** Surveys that are answered on a page of ours, found by their link. Source: client-api §13, survey-model §12. */
export function createLinkSurveyService({
  db,
  readSingleUse,
  readVerifiedEmail,
  readContactLink,
  issuePin,
}: {
  db: Database;
  /** The id that a link was made for; null: the link is not in order. */
  readSingleUse: (link: { surveyId: string; isEncrypted: boolean; suId: string; suToken: string | null }) => string | null;
  /** The address that a token of this survey verifies; null: it verifies none. */
  readVerifiedEmail: (token: string | null, surveyId: string) => string | null;
  readContactLink: (token: string) => { contactId: string; surveyId: string } | "expired" | null;
  /** The token that says that this survey's PIN was entered. */
  issuePin: (surveyId: string) => string;
}) {
  return { open, openPersonal };

  /** A contact's own link. What is wrong is told in the outcome; nothing is thrown. */
  async function openPersonal(token: string, visit: Omit<Visit, "surveyId" | "contactId">): Promise<Opening> {
    const subject = readContactLink(token);
    if (subject === null || subject === "expired") return closed(subject ?? "notFound", null);
    return await open({ ...visit, ...subject });
  }

  /** Nothing is kept of a visit: what it was given here is checked again when it answers. */
  async function open(visit: Visit): Promise<Opening> {
    const [row] = ID_PATTERN.test(visit.surveyId) ? await db.query<Row>(LOAD, [visit.surveyId]) : [];
    if (row === undefined) return closed("notFound", null);
    const document = objectOf(row.document);
    const link = readLink(row, document);
    if (row.status !== "inProgress") return closed(row.status, link, noticeOf(document.surveyClosedMessage));
    const contact = visit.contactId === null ? null : await findObstacleOfContact(row, visit.contactId);
    if (contact !== null) return closed(contact, link);
    const singleUse = await admitSingleUse(row, objectOf(document.singleUse), visit);
    if (singleUse.obstacle !== null) return closed(singleUse.obstacle, link, noticeOf(document.singleUse));
    if (document.isVerifyEmailEnabled === true && readVerifiedEmail(visit.verify, row.id) === null)
      return closed("unverified", link);
    const { id: singleUseId, responseId } = singleUse;
    const opened = { outcome: "open" as const, link, singleUseId, responseId, contactId: visit.contactId };
    return admitByPin(document.pin, visit, opened);
  }

  function admitByPin(pin: unknown, visit: Visit, opened: Omit<Extract<Opening, { outcome: "open" }>, "pinAuthToken">): Opening {
    if (typeof pin !== "string" || pin === "") return { ...opened, pinAuthToken: null };
    if (visit.pin === null || !equalsInConstantTime(visit.pin, pin))
      return { outcome: "pin", link: opened.link, isWrong: visit.pin !== null };
    return { ...opened, pinAuthToken: issuePin(visit.surveyId) };
  }

  /**
   * Who was deleted has no link any more, and who has answered has used it. Who was merged into another has the other's
   * answers.
   */
  async function findObstacleOfContact({ environmentId, id }: Row, contactId: string): Promise<Obstacle | null> {
    const [contact] = await db.query<{ hasResponded: boolean }>(
      `select exists (select 1 from responses r where r."environmentId" = $1 and r."contactId" = c.id and r."surveyId" = $3
         and r.finished) as "hasResponded"
       from contacts c where c."environmentId" = $1 and c.id = coalesce(
         (select a."contactId" from contact_aliases a where a."environmentId" = $1 and a.id = $2), $2)`,
      [environmentId, contactId, id],
    );
    if (contact === undefined) return "notFound";
    return contact.hasResponded ? "answered" : null;
  }

  async function admitSingleUse(
    { environmentId, id: surveyId }: Row,
    { enabled, isEncrypted }: JsonObject,
    { suId, suToken }: Visit,
  ): Promise<{ id: string | null; responseId: string | null; obstacle: Obstacle | null }> {
    if (enabled !== true) return { id: null, responseId: null, obstacle: null };
    const id = suId === null ? null : readSingleUse({ surveyId, isEncrypted: isEncrypted !== false, suId, suToken });
    if (id === null) return { id, responseId: null, obstacle: "singleUseInvalid" };
    const [response] = await db.query<{ id: string; finished: boolean }>(
      `select id, finished from responses where "environmentId" = $1 and "surveyId" = $2 and "singleUseId" = $3`,
      [environmentId, surveyId, id],
    );
    return { id, responseId: response?.id ?? null, obstacle: response?.finished ? "singleUseUsed" : null };
  }
}

const closed = (
  obstacle: Obstacle,
  link: LinkSurvey | null,
  notice: { heading: string; subheading: string } | null = null,
): Opening => ({ outcome: "closed", obstacle, link, notice });

function readLink(row: Row, document: JsonObject): LinkSurvey {
  const project = readStyling(row.projectStyling) ?? {};
  const own = readStyling(document.styling);
  const styling = project.allowStyleOverwrite === true && own?.overwriteThemeStyling === true ? own : project;
  const metadata = objectOf(document.metadata);
  const logo = objectOf(objectOf(styling.logo).url ? styling.logo : row.logo);
  return {
    environmentId: row.environmentId,
    survey: readLiveSurvey(row, null),
    styling,
    isBrandingShown: row.linkSurveyBranding,
    logo:
      typeof logo.url === "string" && logo.url !== "" && styling.isLogoHidden !== true
        ? { url: logo.url, bgColor: typeof logo.bgColor === "string" ? logo.bgColor : null }
        : null,
    metadata: {
      title: textsOf(metadata.title),
      description: textsOf(metadata.description),
      imageUrl: typeof metadata.ogImage === "string" ? metadata.ogImage : null,
    },
  };
}

function noticeOf(value: unknown): { heading: string; subheading: string } | null {
  const { enabled, heading, subheading } = objectOf(value);
  if (enabled === false || (!heading && !subheading)) return null;
  return { heading: typeof heading === "string" ? heading : "", subheading: typeof subheading === "string" ? subheading : "" };
}

const textsOf = (value: unknown): Texts =>
  Object.fromEntries(Object.entries(objectOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === "string"));

const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {});

const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);
