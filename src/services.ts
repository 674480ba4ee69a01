import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Logger } from "pino";
import { type ApiKeyService, createApiKeyService } from "./api-keys/service.ts";
import { type CompleteConfig, publicUrl } from "./config/env.ts";
import { type ContactService, createContactService } from "./contacts/service.ts";
import type { ChangeFeed } from "./db/change-feed.ts";
import type { Database } from "./db/database.ts";
import { createEnvironmentService, type EnvironmentService } from "./environments/service.ts";
import { createOrganizationService, type OrganizationService } from "./organizations/service.ts";
import { readElements } from "./responses/survey-elements.ts";
import { createSegmentService, type SegmentService } from "./segments/service.ts";
import { newId } from "./shared/ids.ts";
import { createDiskStore } from "./uploads/disk-store.ts";
import { createS3Store } from "./uploads/s3-store.ts";
import { createUploadService, type UploadService } from "./uploads/service.ts";
import type { UploadStore } from "./uploads/store.ts";
import { createUploadTokens } from "./uploads/upload-token.ts";

/** Every service, by the noun it serves. */
export interface Services {
  apiKeys: ApiKeyService;
  contacts: ContactService;
  environments: EnvironmentService;
  organizations: OrganizationService;
  segments: SegmentService;
  uploads: UploadService;
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
  return { apiKeys, contacts, environments, organizations, segments, uploads };
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

/** Spam protection needs both keys: the SDK fetches a token with one, the server checks it with the other. */
const installationOf = (config: CompleteConfig) => ({
  publicUrl: publicUrl(config),
  recaptchaSiteKey: config.RECAPTCHA_SECRET_KEY === undefined ? null : (config.RECAPTCHA_SITE_KEY ?? null),
});
