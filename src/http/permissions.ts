/**
 * Who may call what: one entry for every operation of every contract, by its `operationId`. The edge asks this table
 * (permission-check.ts), the OpenAPI document shows it, and the authorization tests are made from it.
 * Sources: management-api-v1 §2.2, §2.3; management-api-v2 §2; userpilot-api §1.3; sprig-api §1.2.
 */
import type { PermissionLevel } from "../shared/principal.ts";

/** What an operation asks of its caller. */
export type Permission =
  /** Nothing. An operator's routes ask nothing either: whoever runs the server keeps the network away from them. */
  | { audience: "public" | "operator"; scope: "none"; level: "none" }
  /** Nothing but the id of an environment, which is no secret: it stands in every page that an SDK runs in. */
  | { audience: "client"; scope: "environment"; level: "none" }
  | KeyedPermission
  /**
   * A key in `Authorization`, under the vendor's scheme. It stands for one environment: the one that it may write to, else,
   * where reading is enough, the one that it may read.
   */
  | { audience: "vendor"; vendor: "userpilot" | "sprig"; scope: "environment"; level: "read" | "write" };

/** What asks for an API key in `x-api-key` or, unless `bearer` is false, as a bearer token. */
export type KeyedPermission = { bearer?: false } & (
  | {
      audience: "management";
      scope: "environment";
      /** Needed on the environment of each row that is touched. */
      level: PermissionLevel;
      /** A key that may use no environment at all is let in; elsewhere it is as good as none. */
      withoutEnvironment?: true;
    }
  /** `level` is the access to the organization that the path names, or else to the key's own. */
  | { audience: "organization"; scope: "organization"; level: "read" | "write" }
  /** Any key. */
  | { audience: "management"; scope: "none"; level: "none" }
);

const PUBLIC = { audience: "public", scope: "none", level: "none" } as const;
const OPERATOR = { audience: "operator", scope: "none", level: "none" } as const;
const CLIENT = { audience: "client", scope: "environment", level: "none" } as const;
const ANY_KEY = { audience: "management", scope: "none", level: "none" } as const;
const READ = { audience: "management", scope: "environment", level: "read" } as const;
const WRITE = { audience: "management", scope: "environment", level: "write" } as const;
const MANAGE = { audience: "management", scope: "environment", level: "manage" } as const;
const ORGANIZATION_READ = { audience: "organization", scope: "organization", level: "read" } as const;
const ORGANIZATION_WRITE = { audience: "organization", scope: "organization", level: "write" } as const;
const USERPILOT = { audience: "vendor", vendor: "userpilot", scope: "environment", level: "write" } as const;
const SPRIG_READ = { audience: "vendor", vendor: "sprig", scope: "environment", level: "read" } as const;
const SPRIG = { audience: "vendor", vendor: "sprig", scope: "environment", level: "write" } as const;

export const PERMISSIONS = {
  // The process and its papers.
  health: PUBLIC,
  ready: PUBLIC,
  getMetrics: OPERATOR,
  getOpenApiDocument: PUBLIC,
  readDocumentation: PUBLIC,
  getScript: PUBLIC,

  // Pages for people. What a link lets its visitor do is in the link.
  showSurveyPage: PUBLIC,
  enterSurveyPin: PUBLIC,
  showPersonalPage: PUBLIC,
  enterPersonalPin: PUBLIC,
  showPlayground: PUBLIC,

  // Uploaded files.
  refuseFileAccess: PUBLIC,
  getPublicFile: PUBLIC,
  getPrivateFile: { ...READ, withoutEnvironment: true },

  // Client API, v1.
  clientPreflight: CLIENT,
  getPreviewImage: PUBLIC,
  v1GetEnvironment: CLIENT,
  v1Identify: CLIENT,
  v1CreateDisplay: CLIENT,
  v1FindResponseOfDisplay: CLIENT,
  v1CreateResponse: CLIENT,
  v1UpdateResponse: CLIENT,
  v1RequestUpload: CLIENT,
  v1UploadFile: CLIENT,
  v1IdentifyContact: CLIENT,
  v1IdentifyPerson: CLIENT,
  v1IdentifyAppPerson: CLIENT,
  v1CreatePerson: CLIENT,
  v1SetContactAttributes: CLIENT,
  v1SetPersonAttributes: CLIENT,
  v1Sync: CLIENT,

  // Client API, v2.
  v2GetEnvironment: CLIENT,
  v2Identify: CLIENT,
  v2CreateDisplay: CLIENT,
  v2CreateResponse: CLIENT,
  v2UpdateResponse: CLIENT,
  v2RequestUpload: CLIENT,
  v2UploadFile: CLIENT,
  v2IdentifyContact: CLIENT,
  v2IdentifyPerson: CLIENT,
  v2IdentifyAppPerson: CLIENT,
  v2SetContactAttributes: CLIENT,

  // Management API, v1.
  redirectOldPath: PUBLIC,
  getMe: { ...READ, withoutEnvironment: true, bearer: false },
  getWebhooksV1: READ,
  createWebhookV1: WRITE,
  getWebhookV1: READ,
  deleteWebhookV1: MANAGE,
  getActionClasses: READ,
  createActionClass: WRITE,
  getActionClass: READ,
  updateActionClass: WRITE,
  deleteActionClass: MANAGE,
  getContactsV1: READ,
  getContactV1: READ,
  deleteContactV1: MANAGE,
  getPeople: READ,
  getPerson: READ,
  deletePerson: MANAGE,
  getContactAttributes: READ,
  getContactAttributeKeysV1: READ,
  createContactAttributeKeyV1: WRITE,
  getContactAttributeKeyV1: READ,
  updateContactAttributeKeyV1: WRITE,
  deleteContactAttributeKeyV1: MANAGE,
  getAttributeClasses: READ,
  createAttributeClass: WRITE,
  getAttributeClass: READ,
  updateAttributeClass: WRITE,
  deleteAttributeClass: MANAGE,
  getResponsesV1: READ,
  createResponseV1: WRITE,
  getResponseV1: READ,
  updateResponseV1: WRITE,
  deleteResponseV1: MANAGE,
  requestPublicUpload: WRITE,
  getSurveys: { ...READ, withoutEnvironment: true },
  createSurvey: WRITE,
  getSurvey: READ,
  updateSurvey: WRITE,
  deleteSurvey: MANAGE,
  getSurveySingleUseIds: WRITE,

  // Management API, v2: environments.
  healthCheck: PUBLIC,
  me: ORGANIZATION_READ,
  getRoles: ANY_KEY,
  getResponses: READ,
  createResponse: WRITE,
  getResponse: READ,
  updateResponse: WRITE,
  deleteResponse: MANAGE,
  getContacts: READ,
  createContact: WRITE,
  uploadBulkContacts: WRITE,
  getContact: READ,
  exportContact: READ,
  updateContactAttributes: WRITE,
  mergeContacts: WRITE,
  deleteContact: MANAGE,
  getCompanies: READ,
  getCompany: READ,
  getEvents: READ,
  getContactAttributeKeys: READ,
  createContactAttributeKey: WRITE,
  getContactAttributeKey: READ,
  updateContactAttributeKey: WRITE,
  deleteContactAttributeKey: MANAGE,
  getPersonalizedSurveyLink: READ,
  getContactLinksBySegment: READ,
  getSegments: READ,
  createSegment: WRITE,
  getSegment: READ,
  updateSegment: WRITE,
  deleteSegment: MANAGE,
  getSegmentContacts: READ,
  countSegmentContacts: READ,
  explainSegment: READ,
  getLanguages: READ,
  createLanguage: WRITE,
  getLanguage: READ,
  updateLanguage: WRITE,
  deleteLanguage: MANAGE,
  getManagedSurveys: READ,
  createManagedSurvey: WRITE,
  getManagedSurvey: READ,
  updateManagedSurvey: WRITE,
  deleteManagedSurvey: MANAGE,
  getQuotas: READ,
  createQuota: WRITE,
  getQuota: READ,
  updateQuota: WRITE,
  deleteQuota: MANAGE,
  getTags: READ,
  createTag: WRITE,
  getTag: READ,
  updateTag: WRITE,
  mergeTags: WRITE,
  deleteTag: MANAGE,
  getResponseTags: READ,
  addResponseTag: WRITE,
  removeResponseTag: WRITE,
  getWebhooks: READ,
  createWebhook: WRITE,
  getWebhook: READ,
  updateWebhook: WRITE,
  deleteWebhook: MANAGE,
  getWebhookDeliveries: READ,
  getWebhookDelivery: READ,
  replayWebhookDelivery: WRITE,
  replayWebhookDeliveries: WRITE,
  testWebhook: WRITE,
  getWebhookStatus: READ,
  enableWebhook: WRITE,
  rotateWebhookSecret: WRITE,

  // Management API, v2: the organization.
  getWorkspaceTeams: ORGANIZATION_READ,
  createWorkspaceTeam: ORGANIZATION_WRITE,
  updateWorkspaceTeam: ORGANIZATION_WRITE,
  deleteWorkspaceTeam: ORGANIZATION_WRITE,
  getProjectTeams: ORGANIZATION_READ,
  createProjectTeam: ORGANIZATION_WRITE,
  updateProjectTeam: ORGANIZATION_WRITE,
  deleteProjectTeam: ORGANIZATION_WRITE,
  getProjects: ORGANIZATION_READ,
  createProject: ORGANIZATION_WRITE,
  getProject: ORGANIZATION_READ,
  updateProject: ORGANIZATION_WRITE,
  // Also `manage` on each environment of the project.
  deleteProject: ORGANIZATION_WRITE,
  getWorkspaces: ORGANIZATION_READ,
  createWorkspace: ORGANIZATION_WRITE,
  getWorkspace: ORGANIZATION_READ,
  updateWorkspace: ORGANIZATION_WRITE,
  deleteWorkspace: ORGANIZATION_WRITE,
  getEnvironments: ORGANIZATION_READ,
  getEnvironment: ORGANIZATION_READ,
  getIdentifySecret: ORGANIZATION_READ,
  // Also `manage` on the environment.
  setIdentifySecret: ORGANIZATION_WRITE,
  rotateIdentifySecret: ORGANIZATION_WRITE,
  dropPreviousIdentifySecret: ORGANIZATION_WRITE,
  deleteIdentifySecret: ORGANIZATION_WRITE,
  getApiKeys: ORGANIZATION_READ,
  // Also all that the key that is made or rotated may do.
  createApiKey: ORGANIZATION_WRITE,
  getApiKey: ORGANIZATION_READ,
  rotateApiKey: ORGANIZATION_WRITE,
  deleteApiKey: ORGANIZATION_WRITE,
  getAuditLog: ORGANIZATION_READ,
  getUsers: ORGANIZATION_READ,
  createUser: ORGANIZATION_WRITE,
  updateUser: ORGANIZATION_WRITE,
  deleteUser: ORGANIZATION_WRITE,
  getTeams: ORGANIZATION_READ,
  createTeam: ORGANIZATION_WRITE,
  getTeamById: ORGANIZATION_READ,
  updateTeam: ORGANIZATION_WRITE,
  deleteTeam: ORGANIZATION_WRITE,

  // Userpilot.
  userpilotIdentify: USERPILOT,
  userpilotIdentifyCompany: USERPILOT,
  userpilotTrack: USERPILOT,
  userpilotDeleteUsers: USERPILOT,
  userpilotCheckUsers: USERPILOT,
  userpilotDeleteCompanies: USERPILOT,
  userpilotBulkIdentifyUsers: USERPILOT,
  userpilotBulkIdentifyCompanies: USERPILOT,
  userpilotImport: USERPILOT,
  userpilotListJobs: USERPILOT,
  userpilotGetJob: USERPILOT,
  userpilotValidate: USERPILOT,

  // Sprig.
  sprigCreateLegacyUser: SPRIG,
  sprigUpsertUser: SPRIG,
  sprigGetUser: SPRIG_READ,
  sprigPurgeVisitors: SPRIG,
  sprigGetPurge: SPRIG_READ,
  sprigCancelPurge: SPRIG,
  sprigGetLegacyUser: SPRIG_READ,
  sprigUpdateLegacyUser: SPRIG,
  sprigCreateLegacyEvent: SPRIG,
  sprigBulkUsers: SPRIG,
  sprigExportSurveys: SPRIG_READ,
  sprigExportResponses: SPRIG_READ,
  sprigExportThemes: SPRIG_READ,
} as const satisfies Record<string, Permission>;

export type OperationId = keyof typeof PERMISSIONS;
