import type { Logger } from "pino";
import { type ApiKeyService, createApiKeyService } from "./api-keys/service.ts";
import { type CompanyService, createCompanyService } from "./companies/service.ts";
import type { CompleteConfig } from "./config/env.ts";
import { type ContactService, createContactService } from "./contacts/service.ts";
import type { ChangeFeed } from "./db/change-feed.ts";
import type { Database } from "./db/database.ts";
import type { JobQueue } from "./db/job-queue.ts";
import { createEnvironmentService, type EnvironmentService } from "./environments/service.ts";
import { createErasureService, createSuppression, type ErasureService } from "./erasures/service.ts";
import { createEventService, type EventService } from "./events/service.ts";
import { createJobService, createRowWriter, type JobService } from "./jobs/service.ts";
import { createOrganizationService, type OrganizationService } from "./organizations/service.ts";
import { createSegmentService, type SegmentService } from "./segments/service.ts";
import { newId } from "./shared/ids.ts";

/** Every service, by the noun it serves. */
export interface Services {
  apiKeys: ApiKeyService;
  companies: CompanyService;
  contacts: ContactService;
  environments: EnvironmentService;
  erasures: ErasureService;
  events: EventService;
  jobs: JobService;
  organizations: OrganizationService;
  segments: SegmentService;
}

/** The composition root: builds every service once, each after what it needs. */
export function createServices({
  config,
  db,
  changes,
  queue,
}: {
  config: CompleteConfig;
  db: Database;
  changes: ChangeFeed;
  queue: JobQueue;
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
  const encryptionKey = config.ENCRYPTION_KEY;
  const suppression = createSuppression({ db, encryptionKey });
  const erasures = createErasureService({ db, suppression, encryptionKey, now: Date.now });
  const events = createEventService({
    db,
    contacts,
    suppression,
    newId,
    now: Date.now,
    retentionDays: config.EVENT_RETENTION_DAYS,
  });
  const writeRows = createRowWriter({ contacts, companies, events, suppression });
  const jobs = createJobService({ db, environments, writeRows, newId, now: Date.now, isStopping: queue.isStopping });
  const organizations = createOrganizationService({
    db,
    newId,
    now: Date.now,
    minimumRole: config.USER_MANAGEMENT_MINIMUM_ROLE,
  });
  const segments = createSegmentService({ db });
  return { apiKeys, companies, contacts, environments, erasures, events, jobs, organizations, segments };
}

/** What runs in the background of a server. */
export function backgroundTasks({ erasures, events, jobs }: Services): Parameters<JobQueue["start"]>[0] {
  const tasks = { ...jobs.tasks, ...erasures.tasks, tidy };
  return { tasks, daily: ["tidy"], onStart: resume };

  async function tidy(): Promise<void> {
    await events.deleteExpired();
    await jobs.deleteExpired();
    await erasures.deleteExpired();
  }

  async function resume(): Promise<void> {
    await jobs.resume();
    await erasures.resume();
  }
}
