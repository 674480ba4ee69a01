import { randomBytes, randomUUID } from "node:crypto";
import { lookup } from "node:dns/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { type ActionClassService, createActionClassService } from "./action-classes/service.ts";
import { type ApiKeyManagement, createApiKeyManagement } from "./api-keys/management.ts";
import { type ApiKeyService, createApiKeyService } from "./api-keys/service.ts";
import { type AttributeKeyService, createAttributeKeyService } from "./attribute-keys/service.ts";
import { type AuditLogService, createAuditLogService } from "./audit-log/service.ts";
import { type CompanyDirectory, createCompanyDirectory } from "./companies/directory.ts";
import { type CompanyService, createCompanyService } from "./companies/service.ts";
import { type CompleteConfig, publicUrl } from "./config/env.ts";
import { type ContactLinkService, createContactLinkService } from "./contact-links/service.ts";
import { createContactLinkTokens } from "./contact-links/token.ts";
import { type AttributeRowService, createAttributeRowService } from "./contacts/attribute-rows.ts";
import { type AttributeWriter, createAttributeWriter } from "./contacts/attribute-writer.ts";
import { type ContactDirectory, createContactDirectory } from "./contacts/directory.ts";
import { type ContactExporter, createContactExporter } from "./contacts/export.ts";
import { type ContactManagement, createContactManagement } from "./contacts/management.ts";
import { createMemberships } from "./contacts/memberships.ts";
import { type ContactMerger, createContactMerger } from "./contacts/merge.ts";
import {
  type ContactService,
  createContactService,
  createContactWatch,
  createTypeConflicts,
  type TypeConflicts,
} from "./contacts/service.ts";
import type { ChangeFeed } from "./db/change-feed.ts";
import type { Database } from "./db/database.ts";
import type { JobQueue } from "./db/job-queue.ts";
import type { ListReader } from "./db/read-replica.ts";
import { onceCommitted } from "./db/write-scope.ts";
import { createDisplayService, type DisplayService } from "./displays/service.ts";
import { createIdentifySecretService, type IdentifySecretService } from "./environments/identify-secret.ts";
import { createEnvironmentRemoval, type EnvironmentRemoval } from "./environments/removal.ts";
import { createEnvironmentService, type EnvironmentService } from "./environments/service.ts";
import { createErasureService, createSuppression, type ErasureService } from "./erasures/service.ts";
import { createEventDirectory, type EventDirectory } from "./events/directory.ts";
import { createEventService, type EventService } from "./events/service.ts";
import { createIdempotencyService, type IdempotencyService } from "./idempotency/service.ts";
import { createJobService, createRowWriter, type JobService } from "./jobs/service.ts";
import { createLanguageService, type LanguageService } from "./languages/service.ts";
import { createLinkSurveyService, type LinkSurveyService } from "./link-surveys/service.ts";
import { createOrganizationService, type OrganizationService } from "./organizations/service.ts";
import { createProjectService, type ProjectService } from "./projects/service.ts";
import { createGates } from "./responses/gates.ts";
import { createResponseManagement, type ResponseManagement } from "./responses/management.ts";
import { createRecaptchaVerifier } from "./responses/recaptcha.ts";
import { createResponseService, type ResponseService } from "./responses/service.ts";
import { createSingleUseLinks } from "./responses/single-use.ts";
import { readElements } from "./responses/survey-elements.ts";
import { createGateTokens } from "./responses/tokens.ts";
import { createSealedSecretService, type SealedSecretService } from "./sealed-secrets/service.ts";
import { createSegmentManagement, type SegmentManagement } from "./segments/management.ts";
import { createSegmentService, type SegmentService } from "./segments/service.ts";
import { newId } from "./shared/ids.ts";
import { createSecretBox } from "./shared/secret-box.ts";
import { type Trace, untraced } from "./shared/trace.ts";
import { createLiveSurveyService } from "./surveys/live-survey.ts";
import { createQuotaManagement, type QuotaManagement } from "./surveys/quota-management.ts";
import { createSurveyService, type SurveyService } from "./surveys/service.ts";
import { createTagService, type TagService } from "./tags/service.ts";
import { createTeamService, type TeamService } from "./teams/service.ts";
import { createDiskStore } from "./uploads/disk-store.ts";
import { createS3Store } from "./uploads/s3-store.ts";
import { createUploadService, type UploadService } from "./uploads/service.ts";
import type { UploadStore } from "./uploads/store.ts";
import { createUploadTokens } from "./uploads/upload-token.ts";
import { createAddressRules } from "./webhooks/address-rules.ts";
import { createAnnouncer } from "./webhooks/announcer.ts";
import { createDeliverer } from "./webhooks/deliverer.ts";
import { createDeliveryLog, type DeliveryLog } from "./webhooks/delivery-log.ts";
import { createDeliveryQueue } from "./webhooks/delivery-queue.ts";
import { createDeliveryWorker, type DeliveryWorker } from "./webhooks/delivery-worker.ts";
import { createOutbox } from "./webhooks/outbox.ts";
import { createSender } from "./webhooks/sender.ts";
import { createWebhookService, type WebhookService } from "./webhooks/service.ts";

/** Every service, by the noun it serves. */
export interface Services {
  actionClasses: ActionClassService;
  apiKeys: ApiKeyService;
  apiKeyManagement: ApiKeyManagement;
  attributeKeys: AttributeKeyService;
  attributeRows: AttributeRowService;
  attributeWriter: AttributeWriter;
  auditLog: AuditLogService;
  contactLinks: ContactLinkService;
  companies: CompanyService;
  companyDirectory: CompanyDirectory;
  contactDirectory: ContactDirectory;
  contactExporter: ContactExporter;
  contactMerger: ContactMerger;
  contactManagement: ContactManagement;
  contacts: ContactService;
  displays: DisplayService;
  environmentRemoval: EnvironmentRemoval;
  environments: EnvironmentService;
  erasures: ErasureService;
  eventDirectory: EventDirectory;
  events: EventService;
  identifySecrets: IdentifySecretService;
  idempotency: IdempotencyService;
  jobs: JobService;
  languages: LanguageService;
  linkSurveys: LinkSurveyService;
  organizations: OrganizationService;
  projects: ProjectService;
  quotas: QuotaManagement;
  responseManagement: ResponseManagement;
  responses: ResponseService;
  sealedSecrets: SealedSecretService;
  segmentManagement: SegmentManagement;
  segments: SegmentService;
  surveys: SurveyService;
  tags: TagService;
  teams: TeamService;
  /** Of values that came through contracts that refuse none. */
  typeConflicts: TypeConflicts;
  uploads: UploadService;
  webhookDeliveries: DeliveryLog;
  /** Delivers webhooks once it is started. */
  webhookWorker: DeliveryWorker;
  webhooks: WebhookService;
}

/** The composition root: builds every service once, each after what it needs. */
export function createServices({
  config,
  db,
  lists = db,
  changes,
  queue,
  log,
  trace = untraced,
}: {
  config: CompleteConfig;
  db: Database;
  /** What lists and exports are read with, which may be some seconds behind; default `db`. */
  lists?: ListReader | undefined;
  changes: ChangeFeed;
  queue: JobQueue;
  log: Logger;
  trace?: Trace | undefined;
}): Services {
  const { ENCRYPTION_KEY: encryptionKey, ENCRYPTION_KEY_PREVIOUS: previousKeys } = config;
  const secretBox = createSecretBox(encryptionKey, previousKeys);
  const apiKeys = createApiKeyService({ db, changes, newId, now: Date.now });
  const environments = createEnvironmentService({
    db,
    changes,
    log,
    installation: installationOf(config),
    openSecret: secretBox.open,
    identifySecrets: config.IDENTIFY_SECRET,
  });
  const { outbox, ...webhooks } = createWebhooks({ config, db, changes, environments, log, trace });
  const watch = createContactWatch({ outbox, now: Date.now });
  const companies = createCompanyService({ db, newId });
  const contacts = createContactService({
    db,
    companies,
    environments,
    watch,
    newId,
    now: Date.now,
    maxAttributeKeys: config.MAX_ATTRIBUTE_KEYS,
  });
  const suppression = createSuppression({ db, encryptionKey, previousKeys });
  const events = createEventService({
    db,
    contacts,
    suppression,
    outbox,
    newId,
    now: Date.now,
    retentionDays: config.EVENT_RETENTION_DAYS,
  });
  const typeConflicts = createTypeConflicts();
  const writeRows = createRowWriter({ contacts, companies, events, suppression, typeConflicts, watch });
  const jobs = createJobService({ db, environments, writeRows, newId, now: Date.now, isStopping: queue.isStopping });
  const environmentRemoval = createEnvironmentRemoval({ db, isStopping: queue.isStopping });
  const organizations = createOrganizationService({
    db,
    newId,
    now: Date.now,
    minimumRole: config.USER_MANAGEMENT_MINIMUM_ROLE,
  });
  const segments = createSegmentService({ db });
  const singleUseLinks = createSingleUseLinks({ encryptionKey, previousKeys });
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
  const displays = createDisplayService({ db, surveys: liveSurveys, watch, outbox, newId });
  const gateTokens = createGateTokens({ encryptionKey: config.ENCRYPTION_KEY, now: Date.now });
  const gates = createGates({
    tokens: gateTokens,
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
    outbox,
    newId,
    ownOrigins: [publicUrl(config)],
  });
  const uploads = createUploadService({
    db,
    store: createUploadStore(config),
    tokens: createUploadTokens({ encryptionKey: config.ENCRYPTION_KEY, now: Date.now }),
    newUuid: randomUUID,
    now: Date.now,
    maxBytes: config.UPLOAD_MAX_BYTES,
    publicUrl: config.PUBLIC_URL,
    readElements,
  });
  const attributeKeys = createAttributeKeyService({
    db,
    newId,
    now: Date.now,
    maxAttributeKeys: config.MAX_ATTRIBUTE_KEYS,
    forgetEnvironment: environments.forget,
  });
  const segmentManagement = createSegmentManagement({
    db,
    segments,
    newId,
    now: Date.now,
    forgetEnvironment: environments.forget,
  });
  const teams = createTeamService({ db, newId, now: Date.now, minimumRole: config.USER_MANAGEMENT_MINIMUM_ROLE });
  const contactLinkTokens = createContactLinkTokens({ encryptionKey, previousKeys, now: Date.now });
  const contactLinks = createContactLinkService({
    db,
    environments,
    surveys: liveSurveys,
    segments,
    tokens: contactLinkTokens,
    buildSingleUseQuery: singleUseLinks.buildQuery,
    newId,
    now: Date.now,
    publicUrl: publicUrl(config),
  });
  const linkSurveys = createLinkSurveyService({
    db,
    readSingleUse: singleUseLinks.read,
    readVerifiedEmail: gateTokens.readEmail,
    readContactLink: contactLinkTokens.read,
    issuePin: gateTokens.issuePin,
  });
  const responseManagement = createResponseManagement({
    db,
    lists,
    environments,
    surveys: liveSurveys,
    outbox,
    newId,
    publicUrl: publicUrl(config),
    removeFile: uploads.removeFile,
    log,
  });
  const erasures = createErasureService({
    db,
    environments,
    outbox,
    suppression,
    encryptionKey,
    now: Date.now,
    discardFiles: responseManagement.discardFiles,
  });
  const contactManagement = createContactManagement({
    db,
    lists,
    environments,
    watch,
    newId,
    now: Date.now,
    maxAttributeKeys: config.MAX_ATTRIBUTE_KEYS,
    eraseContact: erasures.eraseContact,
  });
  const contactDirectory = createContactDirectory({
    db,
    lists,
    segments,
    memberships: createMemberships({ db, environments, now: Date.now }),
  });
  return {
    actionClasses,
    apiKeys,
    apiKeyManagement: createApiKeyManagement({ db, newId, now: Date.now, forget: apiKeys.forget }),
    attributeKeys,
    attributeRows: createAttributeRowService({ lists }),
    attributeWriter: createAttributeWriter({
      db,
      createKeys: contacts.createKeys,
      directory: contactDirectory,
      environments,
      watch,
    }),
    auditLog: createAuditLogService({ db, lists, now: Date.now, retentionDays: config.AUDIT_RETENTION_DAYS }),
    contactLinks,
    companies,
    companyDirectory: createCompanyDirectory({ db, lists }),
    contactDirectory,
    contactExporter: createContactExporter({
      lists,
      directory: contactDirectory,
      listResponses: responseManagement.listPage,
    }),
    contactManagement,
    contactMerger: createContactMerger({ db, environments, watch }),
    contacts,
    displays,
    environmentRemoval,
    environments,
    erasures,
    eventDirectory: createEventDirectory({ lists }),
    events,
    identifySecrets: createIdentifySecretService({
      db,
      secretBox,
      newSecret: newIdentifySecret,
      forget: environments.forget,
      isRequiredAnyway: config.IDENTIFY_SECRET.length > 0,
    }),
    sealedSecrets: createSealedSecretService({ db, secretBox }),
    idempotency: createIdempotencyService({ db, secretBox, now: Date.now }),
    jobs,
    languages: createLanguageService({ db, newId, now: Date.now, forgetEnvironment: environments.forget }),
    linkSurveys,
    organizations,
    projects: createProjectService({
      db,
      newId,
      now: Date.now,
      forgetEnvironment: environments.forget,
      forgetApiKeys: apiKeys.forget,
      removeEnvironments: environmentRemoval.schedule,
    }),
    quotas: createQuotaManagement({ db, surveys, newId, now: Date.now, forgetEnvironment: environments.forget }),
    responseManagement,
    responses,
    segmentManagement,
    segments,
    surveys,
    tags: createTagService({ db, newId, now: Date.now }),
    teams,
    typeConflicts,
    uploads,
    ...webhooks,
  };
}

function createUploadStore(config: CompleteConfig): UploadStore {
  const { S3_BUCKET: bucket, S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = config;
  if (bucket === undefined)
    return createDiskStore({ folder: join(config.DATA_DIR, "uploads"), newUuid: randomUUID, now: Date.now });
  return createS3Store({
    bucket,
    region: config.S3_REGION,
    endpoint: config.S3_ENDPOINT,
    credentials: accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey },
    forcePathStyle: config.S3_FORCE_PATH_STYLE,
  });
}

/** Webhooks, their deliveries and the worker that makes them. */
function createWebhooks({
  config,
  db,
  changes,
  environments,
  log,
  trace,
}: {
  config: CompleteConfig;
  db: Database;
  changes: ChangeFeed;
  environments: EnvironmentService;
  log: Logger;
  trace: Trace;
}) {
  const now = Date.now;
  const secretBox = createSecretBox(config.ENCRYPTION_KEY, config.ENCRYPTION_KEY_PREVIOUS);
  const newSecret = () => `whsec_${randomBytes(32).toString("base64")}`;
  const addresses = createAddressRules({
    allowInternal: config.DANGEROUSLY_ALLOW_WEBHOOK_INTERNAL_URLS,
    allowedNetworks: config.WEBHOOK_ALLOWED_CIDRS,
  });
  const resolve = (hostname: string) => lookup(hostname, { all: true, verbatim: true });
  const resolveHost = async (hostname: string) => (await resolve(hostname)).map(({ address }) => address);
  const queue = createDeliveryQueue({ db, now });
  const deliverer = createDeliverer({
    queue,
    sender: createSender({ addresses, resolve }),
    secretBox,
    publicUrl: publicUrl(config),
    now,
    random: Math.random,
    log,
  });
  const send: typeof deliverer.send = (delivery, signal) =>
    trace("webhook delivery", { "mortar.webhook.event": delivery.event }, () => deliverer.send(delivery, signal));
  const keepMs = config.WEBHOOK_LOG_DAYS * 86_400_000;
  const webhookWorker = createDeliveryWorker({ queue, deliverer: { ...deliverer, send }, now, log, keepMs });
  const announce = createAnnouncer({ db, changes, worker: webhookWorker });
  const webhookDeliveries = createDeliveryLog({
    db,
    queue,
    deliverer,
    wake: () => onceCommitted(announce),
    now,
    newId,
    newMessageId: () => randomBytes(32).toString("hex"),
    newSecret,
    secretBox,
  });
  const webhooks = createWebhookService({
    db,
    newId,
    newSecret,
    now,
    secretBox,
    targetRules: { resolveHost, addresses },
    forgetEnvironment: environments.forget,
  });
  return { webhookDeliveries, webhookWorker, webhooks, outbox: createOutbox({ newId, announce }) };
}

/** Spam protection needs both keys: the SDK fetches a token with one, the server checks it with the other. */
const installationOf = (config: CompleteConfig) => ({
  publicUrl: publicUrl(config),
  recaptchaSiteKey: config.RECAPTCHA_SECRET_KEY === undefined ? null : (config.RECAPTCHA_SITE_KEY ?? null),
});

const newIdentifySecret = (): string => randomBytes(32).toString("base64url");

/** What runs in the background of a server. */
export function backgroundTasks(services: Services): Parameters<JobQueue["start"]>[0] {
  const { auditLog, environmentRemoval, erasures, events, idempotency, jobs } = services;
  const tasks = { ...jobs.tasks, ...erasures.tasks, ...environmentRemoval.tasks, tidy };
  return { tasks, daily: ["tidy"], onStart: resume };

  async function tidy(): Promise<void> {
    await events.deleteExpired();
    await jobs.deleteExpired();
    await erasures.deleteExpired();
    await idempotency.deleteExpired();
    await auditLog.deleteExpired();
    await environmentRemoval.resume();
  }

  async function resume(): Promise<void> {
    await jobs.resume();
    await erasures.resume();
    await environmentRemoval.resume();
  }
}
