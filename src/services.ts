import type { Logger } from "pino";
import { type ActionClassService, createActionClassService } from "./action-classes/service.ts";
import { type ApiKeyService, createApiKeyService } from "./api-keys/service.ts";
import { type CompleteConfig, publicUrl } from "./config/env.ts";
import { type ContactService, createContactService } from "./contacts/service.ts";
import type { ChangeFeed } from "./db/change-feed.ts";
import type { Database } from "./db/database.ts";
import { createEnvironmentService, type EnvironmentService } from "./environments/service.ts";
import { createOrganizationService, type OrganizationService } from "./organizations/service.ts";
import { createSingleUseLinks } from "./responses/single-use.ts";
import { createSegmentService, type SegmentService } from "./segments/service.ts";
import { newId } from "./shared/ids.ts";
import { createSurveyService, type SurveyService } from "./surveys/service.ts";

/** Every service, by the noun it serves. */
export interface Services {
  actionClasses: ActionClassService;
  apiKeys: ApiKeyService;
  contacts: ContactService;
  environments: EnvironmentService;
  organizations: OrganizationService;
  segments: SegmentService;
  surveys: SurveyService;
}

/** The composition root: builds every service once, each after what it needs. */
export function createServices({
  config,
  db,
  changes,
  log,
}: {
  config: CompleteConfig;
  db: Database;
  changes: ChangeFeed;
  log: Logger;
}): Services {
  const apiKeys = createApiKeyService({ db, changes, newId, now: Date.now });
  const environments = createEnvironmentService({ db, changes, log, installation: installationOf(config) });
  const contacts = createContactService({ db, environments, newId, now: Date.now, maxAttributeKeys: config.MAX_ATTRIBUTE_KEYS });
  const organizations = createOrganizationService({
    db,
    newId,
    now: Date.now,
    minimumRole: config.USER_MANAGEMENT_MINIMUM_ROLE,
  });
  const segments = createSegmentService({ db });
  const actionClasses = createActionClassService({ db, environments, newId, now: Date.now });
  const surveys = createSurveyService({
    db,
    environments,
    newId,
    now: Date.now,
    buildSingleUseQuery: createSingleUseLinks({ encryptionKey: config.ENCRYPTION_KEY }).buildQuery,
    publicUrl: config.PUBLIC_URL ?? `http://${config.HOST}:${config.PORT}`,
  });
  return { actionClasses, apiKeys, contacts, environments, organizations, segments, surveys };
}

/** Spam protection needs both keys: the SDK fetches a token with one, the server checks it with the other. */
const installationOf = (config: CompleteConfig) => ({
  publicUrl: publicUrl(config),
  recaptchaSiteKey: config.RECAPTCHA_SECRET_KEY === undefined ? null : (config.RECAPTCHA_SITE_KEY ?? null),
});
