/**
 * What an export has a line for, and what not: every table has its place in one of the two lists, and a test holds that.
 * The names of line types are part of the format: they outlive those of tables.
 */

export interface LineType {
  type: string;
  table: string;
  /** Who owns the rows: rows of an environment are in every export that has the environment. */
  level: "organization" | "environment";
  /** Which rows, in SQL, where a column of the owner's id does not say it. `$1`: ids of organizations, `$2`: of environments. */
  where?: string;
  /** Columns that stay here. */
  withheld?: readonly string[];
}

const OF_ORGANIZATION = `"organizationId" = any($1)`;
const OF_TEAM = `"teamId" in (select id from teams where ${OF_ORGANIZATION})`;

/** Each after those it refers to. */
export const LINE_TYPES: readonly LineType[] = [
  {
    type: "user",
    table: "users",
    level: "organization",
    where: `id in (select "userId" from memberships where ${OF_ORGANIZATION})`,
  },
  { type: "membership", table: "memberships", level: "organization", where: OF_ORGANIZATION },
  { type: "team", table: "teams", level: "organization", where: OF_ORGANIZATION },
  { type: "teamMember", table: "team_members", level: "organization", where: OF_TEAM },
  { type: "projectTeam", table: "project_teams", level: "organization", where: OF_TEAM },
  { type: "attributeKey", table: "contact_attribute_keys", level: "environment" },
  { type: "company", table: "companies", level: "environment" },
  { type: "contact", table: "contacts", level: "environment" },
  { type: "contactAlias", table: "contact_aliases", level: "environment" },
  { type: "event", table: "events", level: "environment" },
  { type: "segment", table: "segments", level: "environment" },
  { type: "actionClass", table: "action_classes", level: "environment" },
  { type: "language", table: "languages", level: "environment" },
  { type: "survey", table: "surveys", level: "environment" },
  { type: "surveyTrigger", table: "survey_triggers", level: "environment" },
  { type: "surveyLanguage", table: "survey_languages", level: "environment" },
  { type: "surveyQuota", table: "survey_quotas", level: "environment" },
  { type: "surveyFollowUp", table: "survey_follow_ups", level: "environment" },
  { type: "display", table: "displays", level: "environment" },
  { type: "response", table: "responses", level: "environment" },
  { type: "responseQuotaLink", table: "response_quota_links", level: "environment" },
  { type: "tag", table: "tags", level: "environment" },
  { type: "responseTag", table: "response_tags", level: "environment" },
  {
    type: "webhook",
    table: "webhooks",
    level: "environment",
    // Sealed with this installation's key; and how deliveries from here went says nothing of those from there.
    withheld: [
      ...["secret", "previousSecret", "previousSecretExpiresAt", "dueAt"],
      ...["failingSince", "consecutiveFailures", "lastDeliveredAt"],
    ],
  },
];

/** Parents, of which an export has those of its environments. */
export const ROOT_TYPES: readonly Omit<LineType, "level">[] = [
  { type: "organization", table: "organizations", where: "id = any($1)" },
  {
    type: "project",
    table: "projects",
    where: `id in (select "projectId" from environments where id = any($2)) or ($3 and "organizationId" = any($1))`,
  },
  { type: "environment", table: "environments", where: "id = any($2)" },
];

/** Table → why there is no line for its rows. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  api_keys: "a key opens the installation that it was made in; others are made in the new one",
  idempotency_keys: "answers to requests of this installation's keys",
  audit_log: "who did what in this installation",
  jobs: "work under way in this installation",
  job_chunks: "work under way in this installation",
  outbox_events: "deliveries under way from this installation",
  webhook_events: "deliveries from this installation",
  webhook_deliveries: "deliveries from this installation",
  webhook_attempts: "deliveries from this installation",
  erasures: "receipts signed with this installation's encryption key, and requests that are carried out here",
  suppressions: "hashes keyed with this installation's encryption key",
};
