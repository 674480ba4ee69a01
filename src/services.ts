import type { Logger } from "pino";
import { type ActionClassService, createActionClassService } from "./action-classes/service.ts";
import { type ApiKeyService, createApiKeyService } from "./api-keys/service.ts";
import { type CompleteConfig, publicUrl } from "./config/env.ts";
import { type ContactService, createContactService } from "./contacts/service.ts";
import type { ChangeFeed } from "./db/change-feed.ts";
import type { Database } from "./db/database.ts";
import { createDisplayService, type DisplayService } from "./displays/service.ts";
import { createEnvironmentService, type EnvironmentService } from "./environments/service.ts";
import { createOrganizationService, type OrganizationService } from "./organizations/service.ts";
import { createGates } from "./responses/gates.ts";
import { createRecaptchaVerifier } from "./responses/recaptcha.ts";
import { createResponseService, type ResponseService } from "./responses/service.ts";
import { createSingleUseLinks } from "./responses/single-use.ts";
import { createGateTokens } from "./responses/tokens.ts";
import { createSegmentService, type SegmentService } from "./segments/service.ts";
import { newId } from "./shared/ids.ts";
import { createLiveSurveyService } from "./surveys/live-survey.ts";
import { createSurveyService, type SurveyService } from "./surveys/service.ts";

/** Every service, by the noun it serves. */
export interface Services {
  actionClasses: ActionClassService;
  apiKeys: ApiKeyService;
  contacts: ContactService;
  displays: DisplayService;
  environments: EnvironmentService;
  organizations: OrganizationService;
  responses: ResponseService;
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
  const singleUseLinks = createSingleUseLinks({ encryptionKey: config.ENCRYPTION_KEY });
  const actionClasses = createActionClassService({ db, environments, newId, now: Date.now });
  const surveys = createSurveyService({
    db,
    environments,
    newId,
    now: Date.now,
    buildSingleUseQuery: singleUseLinks.buildQuery,
    publicUrl: publicUrl(config),
  });
  const liveSurveys = createLiveSurveyService({ db });
  const displays = createDisplayService({ db, surveys: liveSurveys, newId });
  const gates = createGates({
    tokens: createGateTokens({ encryptionKey: config.ENCRYPTION_KEY, now: Date.now }),
    singleUseLinks,
    verifyRecaptcha: createRecaptchaVerifier({
      siteKey: config.RECAPTCHA_SITE_KEY,
      secretKey: config.RECAPTCHA_SECRET_KEY,
      fetch: (input, init) => globalThis.fetch(input, init),
    }),
  });
  const responses = createResponseService({
    db,
    environments,
    surveys: liveSurveys,
    gates,
    newId,
    ownOrigins: [publicUrl(config)],
  });
  return { actionClasses, apiKeys, contacts, displays, environments, organizations, responses, segments, surveys };
}

/** Spam protection needs both keys: the SDK fetches a token with one, the server checks it with the other. */
const installationOf = (config: CompleteConfig) => ({
  publicUrl: publicUrl(config),
  recaptchaSiteKey: config.RECAPTCHA_SECRET_KEY === undefined ? null : (config.RECAPTCHA_SITE_KEY ?? null),
});
