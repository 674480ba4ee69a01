import type { Logger } from "pino";
import { type ApiKeyService, createApiKeyService } from "./api-keys/service.ts";
import { type CompanyService, createCompanyService } from "./companies/service.ts";
import type { CompleteConfig } from "./config/env.ts";
import { type ContactService, createContactService } from "./contacts/service.ts";
import type { ChangeFeed } from "./db/change-feed.ts";
import type { Database } from "./db/database.ts";
import { createEnvironmentService, type EnvironmentService } from "./environments/service.ts";
import { createOrganizationService, type OrganizationService } from "./organizations/service.ts";
import { createSegmentService, type SegmentService } from "./segments/service.ts";
import { newId } from "./shared/ids.ts";

/** Every service, by the noun it serves. */
export interface Services {
  apiKeys: ApiKeyService;
  companies: CompanyService;
  contacts: ContactService;
  environments: EnvironmentService;
  organizations: OrganizationService;
  segments: SegmentService;
}

/** The composition root: builds every service once, each after what it needs. */
export function createServices({
  config,
  db,
  changes,
}: {
  config: CompleteConfig;
  db: Database;
  changes: ChangeFeed;
  log: Logger;
}): Services {
  const apiKeys = createApiKeyService({ db, changes, newId, now: Date.now });
  const environments = createEnvironmentService({ db, changes });
  const companies = createCompanyService({ db, newId });
  const contacts = createContactService({
    db,
    companies,
    environments,
    newId,
    now: Date.now,
    maxAttributeKeys: config.MAX_ATTRIBUTE_KEYS,
  });
  const organizations = createOrganizationService({
    db,
    newId,
    now: Date.now,
    minimumRole: config.USER_MANAGEMENT_MINIMUM_ROLE,
  });
  const segments = createSegmentService({ db });
  return { apiKeys, companies, contacts, environments, organizations, segments };
}
