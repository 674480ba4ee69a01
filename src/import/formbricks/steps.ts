import { type Loading, loadTable } from "./load.ts";
import type { TableMapping } from "./mapping.ts";
import { apiKeyPermissions, apiKeys, loadApiKeys } from "./tables/api-keys.ts";
import { attributeKeys, contactAttributes, contacts, loadContacts } from "./tables/contacts.ts";
import { memberships, organizations, projectTeams, teamMembers, teams, users } from "./tables/organizations.ts";
import { environments, languages, loadLanguages, loadProjects, projects } from "./tables/projects.ts";
import { displays, responseQuotaLinks, responses, responseTags, tags } from "./tables/responses.ts";
import {
  actionClasses,
  loadFollowUps,
  segments,
  surveyFollowUps,
  surveyLanguages,
  surveyQuotas,
  surveys,
  surveyTriggers,
} from "./tables/surveys.ts";
import { webhooks } from "./tables/webhooks.ts";

/** Tables that come over together. */
export interface ImportStep {
  mappings: readonly TableMapping[];
  load(loading: Loading): Promise<void>;
}

const table = (mapping: TableMapping): ImportStep => ({
  mappings: [mapping],
  load: (loading) => loadTable(loading, mapping),
});

/** Every table that comes over, each after those that its rows refer to. */
export const IMPORT_STEPS: readonly ImportStep[] = [
  table(organizations),
  table(users),
  table(memberships),
  table(teams),
  table(teamMembers),
  { mappings: [projects], load: loadProjects },
  table(environments),
  table(projectTeams),
  { mappings: [apiKeys, apiKeyPermissions], load: loadApiKeys },
  { mappings: [languages], load: loadLanguages },
  table(attributeKeys),
  { mappings: [contacts, contactAttributes], load: loadContacts },
  table(segments),
  table(actionClasses),
  table(surveys),
  table(surveyTriggers),
  table(surveyLanguages),
  table(surveyQuotas),
  { mappings: [surveyFollowUps], load: loadFollowUps },
  table(displays),
  table(responses),
  table(responseQuotaLinks),
  table(tags),
  table(responseTags),
  table(webhooks),
];
