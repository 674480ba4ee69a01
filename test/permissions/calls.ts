/** A valid call of every operation that needs a key, with the ids of the objects it is about. */
import type { OperationId, PERMISSIONS } from "../../src/http/permissions.ts";
import { newId } from "../../src/shared/ids.ts";
import type { Ids } from "./objects.ts";

export interface Call {
  path?: Record<string, string>;
  query?: Record<string, string>;
  /** Sent as JSON. */
  body?: object;
  /** Sent as it is, with its type. */
  file?: { type: string; text: string };
}

/** Operations that need a key. */
export type KeyedOperation = {
  [Id in OperationId]: (typeof PERMISSIONS)[Id] extends { audience: "management" | "organization" | "vendor" } ? Id : never;
}[OperationId];

const QUESTION = { id: "q1", type: "openText", headline: { default: "Hi?" }, required: true };
const QUOTA = { limit: 1, logic: { connector: "and", conditions: [] }, action: "continueSurvey" };
const FILTERS = [
  {
    id: newId(),
    connector: null,
    resource: {
      id: newId(),
      root: { type: "attribute", contactAttributeKey: "email" },
      qualifier: { operator: "isSet" },
      value: "",
    },
  },
];
/** A language that no call before has made. */
let languageCount = 0;
const nextLanguage = () => `de-${String(languageCount++).padStart(3, "0")}`;
const moment = () => new Date().toISOString();
const email = () => `${newId()}@example.com`;

const webhook = { name: "n", url: "http://127.0.0.1:9/", source: "user", triggers: ["responseFinished"] };
const attributeKey = () => ({ key: `k${newId()}`, name: null, description: null });
const csvOf = (header: string, row: string) => `${header}\n${row}\n`;

const organization = (ids: Ids) => ({ organizationId: ids.organization });
const team = (ids: Ids) => ({ ...organization(ids), teamId: ids.team });
const link = (ids: Ids) => ({ teamId: ids.team, projectId: ids.project });
const links = {
  list: (ids: Ids): Call => ({ path: organization(ids), query: link(ids) }),
  write: (ids: Ids): Call => ({ path: organization(ids), body: { ...link(ids), permission: "manage" } }),
  remove: (ids: Ids): Call => ({ path: organization(ids), query: link(ids) }),
};

function delivery({ delivery: ids }: Ids): { webhookId: string; deliveryId: string } {
  const [webhookId = "", deliveryId = ""] = ids.split(",");
  return { webhookId, deliveryId };
}

function quota({ quota: ids }: Ids): { surveyId: string; quotaId: string } {
  const [surveyId = "", quotaId = ""] = ids.split(",");
  return { surveyId, quotaId };
}

function taggedResponse({ taggedResponse: ids }: Ids): { responseId: string; tagId: string } {
  const [responseId = "", tagId = ""] = ids.split(",");
  return { responseId, tagId };
}

const nothing = (): Call => ({});
const contact = (ids: Ids): Call => ({ path: { contactId: ids.contact } });
const webhookCall = (ids: Ids): Call => ({ path: { webhookId: ids.webhook } });
const keyCall = (ids: Ids): Call => ({ path: { attributeKeyId: ids.attributeKey } });
const segment = (ids: Ids): Call => ({ path: { segmentId: ids.segment } });
const project = (ids: Ids) => ({ ...organization(ids), projectId: ids.project });
const projects = {
  list: (ids: Ids): Call => ({ path: organization(ids) }),
  create: (ids: Ids): Call => ({ path: organization(ids), body: { name: newId() } }),
  get: (ids: Ids): Call => ({ path: project(ids) }),
  update: (ids: Ids): Call => ({ path: project(ids), body: { name: newId() } }),
};
const apiKey = (ids: Ids): Call => ({ path: { ...organization(ids), apiKeyId: ids.apiKey } });
const environmentCall = (ids: Ids): Call => ({ path: { ...organization(ids), environmentId: ids.environment } });
const language = (ids: Ids): Call => ({ path: { languageId: ids.language } });
const tag = (ids: Ids): Call => ({ path: { tagId: ids.tag } });
const survey = (ids: Ids): Call => ({ path: { surveyId: ids.survey } });
const purge = (ids: Ids): Call => ({ path: { requestId: ids.erasure } });
const sprigUser = (ids: Ids): Call => ({ path: { userId: ids.userId } });

export const CALLS: Record<KeyedOperation, (ids: Ids) => Call> = {
  getPrivateFile: ({ environment }) => ({ path: { environmentId: environment, filePath: "a.png" } }),

  getMe: nothing,
  getWebhooksV1: nothing,
  createWebhookV1: ({ environment, survey }) => ({ body: { ...webhook, environmentId: environment, surveyIds: [survey] } }),
  getWebhookV1: webhookCall,
  deleteWebhookV1: webhookCall,
  getActionClasses: nothing,
  createActionClass: ({ environment }) => ({
    body: { environmentId: environment, name: newId(), type: "code", key: newId() },
  }),
  getActionClass: ({ actionClass }) => ({ path: { actionClassId: actionClass } }),
  updateActionClass: ({ actionClass, environment }) => ({
    path: { actionClassId: actionClass },
    body: { environmentId: environment, name: newId(), type: "code", key: newId() },
  }),
  deleteActionClass: ({ actionClass }) => ({ path: { actionClassId: actionClass } }),
  getContactsV1: nothing,
  getContactV1: contact,
  deleteContactV1: contact,
  getPeople: nothing,
  getPerson: contact,
  deletePerson: contact,
  getContactAttributes: nothing,
  getContactAttributeKeysV1: nothing,
  createContactAttributeKeyV1: ({ environment }) => ({
    body: { environmentId: environment, type: "custom", key: `k${newId()}`, name: "n", description: "d" },
  }),
  getContactAttributeKeyV1: keyCall,
  updateContactAttributeKeyV1: (ids) => ({ ...keyCall(ids), body: { name: "n", description: newId() } }),
  deleteContactAttributeKeyV1: keyCall,
  getAttributeClasses: nothing,
  createAttributeClass: ({ environment }) => ({
    body: { environmentId: environment, type: "custom", key: `k${newId()}`, name: "n", description: "d" },
  }),
  getAttributeClass: keyCall,
  updateAttributeClass: (ids) => ({ ...keyCall(ids), body: { name: "n", description: newId() } }),
  deleteAttributeClass: keyCall,
  getResponsesV1: ({ survey }) => ({ query: { surveyId: survey } }),
  createResponseV1: ({ environment, survey }) => ({
    body: { environmentId: environment, surveyId: survey, finished: true, data: {} },
  }),
  getResponseV1: ({ response }) => ({ path: { responseId: response } }),
  updateResponseV1: ({ response }) => ({ path: { responseId: response }, body: { finished: true, data: { q1: newId() } } }),
  deleteResponseV1: ({ response }) => ({ path: { responseId: response } }),
  requestPublicUpload: ({ environment }) => ({
    body: { environmentId: environment, fileName: "a.png", fileType: "image/png" },
  }),
  getSurveys: nothing,
  createSurvey: ({ environment }) => ({ body: { environmentId: environment, name: "n", type: "link", questions: [QUESTION] } }),
  getSurvey: survey,
  updateSurvey: (ids) => ({ ...survey(ids), body: { name: newId() } }),
  deleteSurvey: survey,
  getSurveySingleUseIds: survey,

  me: nothing,
  getRoles: nothing,
  getResponses: ({ survey }) => ({ query: { surveyId: survey } }),
  createResponse: ({ survey }) => ({ body: { surveyId: survey, finished: true, data: {} } }),
  getResponse: ({ response }) => ({ path: { responseId: response } }),
  updateResponse: ({ response }) => ({
    path: { responseId: response },
    body: {
      createdAt: moment(),
      updatedAt: moment(),
      finished: true,
      contactId: null,
      endingId: null,
      data: { q1: newId() },
      variables: {},
      ttc: {},
      meta: {},
      contactAttributes: null,
      singleUseId: null,
      language: null,
      displayId: null,
    },
  }),
  deleteResponse: ({ response }) => ({ path: { responseId: response } }),
  getContacts: ({ environment }) => ({ query: { environmentId: environment } }),
  createContact: ({ environment }) => ({ body: { workspaceId: environment, attributes: { email: email(), userId: newId() } } }),
  uploadBulkContacts: ({ environment }) => ({
    body: {
      environmentId: environment,
      contacts: [{ attributes: [{ attributeKey: { key: "email", name: "Email" }, value: email() }] }],
    },
  }),
  getContact: contact,
  exportContact: contact,
  updateContactAttributes: (ids) => ({ ...contact(ids), body: { set: { firstName: newId() } } }),
  mergeContacts: (ids) => ({ ...contact(ids), body: { from: ids.otherContact } }),
  deleteContact: contact,
  getCompanies: ({ environment }) => ({ query: { environmentId: environment } }),
  getCompany: ({ company }) => ({ path: { id: company } }),
  getEvents: ({ environment }) => ({ query: { environmentId: environment } }),
  getContactAttributeKeys: ({ environment }) => ({ query: { workspaceId: environment } }),
  createContactAttributeKey: ({ environment }) => ({ body: { workspaceId: environment, ...attributeKey() } }),
  getContactAttributeKey: ({ attributeKey: id }) => ({ path: { contactAttributeKeyId: id } }),
  updateContactAttributeKey: ({ attributeKey: id }) => ({
    path: { contactAttributeKeyId: id },
    body: { name: newId(), description: null },
  }),
  deleteContactAttributeKey: ({ attributeKey: id }) => ({ path: { contactAttributeKeyId: id } }),
  getPersonalizedSurveyLink: ({ survey, contact }) => ({ path: { surveyId: survey, contactId: contact } }),
  getContactLinksBySegment: ({ survey, segment }) => ({ path: { surveyId: survey, segmentId: segment } }),
  getSegments: ({ environment }) => ({ query: { environmentId: environment } }),
  createSegment: ({ environment }) => ({ body: { environmentId: environment, title: newId(), filters: FILTERS } }),
  getSegment: segment,
  updateSegment: (ids) => ({ ...segment(ids), body: { title: newId() } }),
  deleteSegment: segment,
  getSegmentContacts: segment,
  countSegmentContacts: segment,
  explainSegment: (ids) => ({ ...segment(ids), query: { contactId: ids.contact } }),
  getLanguages: ({ environment }) => ({ query: { environmentId: environment } }),
  createLanguage: ({ environment }) => ({ body: { environmentId: environment, code: nextLanguage() } }),
  getLanguage: language,
  updateLanguage: (ids) => ({ ...language(ids), body: { alias: newId() } }),
  deleteLanguage: language,
  getManagedSurveys: ({ environment }) => ({ query: { environmentId: environment } }),
  createManagedSurvey: ({ environment }) => ({
    body: { workspaceId: environment, name: "n", type: "link", questions: [QUESTION] },
  }),
  getManagedSurvey: survey,
  updateManagedSurvey: (ids) => ({ ...survey(ids), body: { name: newId() } }),
  deleteManagedSurvey: survey,
  getQuotas: survey,
  createQuota: (ids) => ({ ...survey(ids), body: { ...QUOTA, name: newId() } }),
  getQuota: (ids) => ({ path: quota(ids) }),
  updateQuota: (ids) => ({ path: quota(ids), body: { name: newId() } }),
  deleteQuota: (ids) => ({ path: quota(ids) }),
  getTags: ({ environment }) => ({ query: { environmentId: environment } }),
  createTag: ({ environment }) => ({ body: { environmentId: environment, name: newId() } }),
  getTag: tag,
  updateTag: (ids) => ({ ...tag(ids), body: { name: newId() } }),
  mergeTags: (ids) => ({ ...tag(ids), body: { from: ids.otherTag } }),
  deleteTag: tag,
  getResponseTags: ({ response }) => ({ path: { responseId: response } }),
  addResponseTag: ({ response, tag: id }) => ({ path: { responseId: response, tagId: id } }),
  removeResponseTag: (ids) => ({ path: taggedResponse(ids) }),
  getWebhooks: ({ environment }) => ({ query: { environmentId: environment } }),
  createWebhook: ({ environment, survey }) => ({ body: { ...webhook, workspaceId: environment, surveyIds: [survey] } }),
  getWebhook: webhookCall,
  updateWebhook: (ids) => ({ ...webhookCall(ids), body: { ...webhook, name: newId(), surveyIds: [ids.survey] } }),
  deleteWebhook: webhookCall,
  getWebhookDeliveries: webhookCall,
  getWebhookDelivery: (ids) => ({ path: delivery(ids) }),
  replayWebhookDelivery: (ids) => ({ path: delivery(ids) }),
  replayWebhookDeliveries: (ids) => ({ ...webhookCall(ids), body: { startDate: moment(), endDate: moment() } }),
  testWebhook: (ids) => ({ ...webhookCall(ids), body: {} }),
  getWebhookStatus: webhookCall,
  enableWebhook: webhookCall,
  rotateWebhookSecret: (ids) => ({ ...webhookCall(ids), body: {} }),

  getWorkspaceTeams: links.list,
  createWorkspaceTeam: links.write,
  updateWorkspaceTeam: links.write,
  deleteWorkspaceTeam: links.remove,
  getProjectTeams: links.list,
  createProjectTeam: links.write,
  updateProjectTeam: links.write,
  deleteProjectTeam: links.remove,
  getProjects: projects.list,
  createProject: projects.create,
  getProject: projects.get,
  updateProject: projects.update,
  deleteProject: projects.get,
  getWorkspaces: projects.list,
  createWorkspace: projects.create,
  getWorkspace: projects.get,
  updateWorkspace: projects.update,
  deleteWorkspace: projects.get,
  getEnvironments: (ids) => ({ path: organization(ids), query: { projectId: ids.project } }),
  getEnvironment: environmentCall,
  getIdentifySecret: environmentCall,
  setIdentifySecret: (ids) => ({ ...environmentCall(ids), body: { secret: newId().repeat(2) } }),
  rotateIdentifySecret: environmentCall,
  dropPreviousIdentifySecret: environmentCall,
  deleteIdentifySecret: environmentCall,
  getApiKeys: (ids) => ({ path: organization(ids) }),
  createApiKey: (ids) => ({
    path: organization(ids),
    body: { label: "l", environmentPermissions: [{ environmentId: ids.environment, permission: "read" }] },
  }),
  getApiKey: apiKey,
  rotateApiKey: apiKey,
  deleteApiKey: apiKey,
  getAuditLog: (ids) => ({ path: organization(ids) }),
  getUsers: (ids) => ({ path: organization(ids) }),
  createUser: (ids) => ({ path: organization(ids), body: { name: "New User", email: email(), role: "member" } }),
  updateUser: (ids) => ({ path: organization(ids), body: { email: ids.user, name: "Other Name" } }),
  deleteUser: (ids) => ({ path: { ...organization(ids), userId: ids.member } }),
  getTeams: (ids) => ({ path: organization(ids) }),
  createTeam: (ids) => ({ path: organization(ids), body: { name: newId() } }),
  getTeamById: (ids) => ({ path: team(ids) }),
  updateTeam: (ids) => ({ path: team(ids), body: { name: newId() } }),
  deleteTeam: (ids) => ({ path: team(ids) }),

  userpilotIdentify: ({ userId }) => ({ body: { user_id: userId, metadata: { plan: newId() } } }),
  userpilotIdentifyCompany: () => ({ body: { company_id: newId(), metadata: { plan: "pro" } } }),
  userpilotTrack: ({ userId }) => ({ body: { user_id: userId, event_name: "e", metadata: {} } }),
  userpilotDeleteUsers: ({ userId }) => ({ body: { users: [userId] } }),
  userpilotCheckUsers: nothing,
  userpilotDeleteCompanies: () => ({ body: { companies: [newId()] } }),
  userpilotBulkIdentifyUsers: ({ userId }) => ({ body: { users: [{ user_id: userId, metadata: { plan: newId() } }] } }),
  userpilotBulkIdentifyCompanies: () => ({ body: { companies: [{ company_id: newId(), metadata: {} }] } }),
  userpilotImport: ({ userId }) => ({
    file: {
      type: "multipart/form-data; boundary=b",
      text: `--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\nuser_id,event_name,occurred_at\r\n${userId},e,${moment()}\r\n--b--\r\n`,
    },
  }),
  userpilotListJobs: nothing,
  userpilotGetJob: ({ job }) => ({ path: { jobId: job } }),
  userpilotValidate: nothing,

  sprigUpsertUser: ({ userId }) => ({ body: { userId, attributes: { plan: newId() } } }),
  sprigGetUser: sprigUser,
  sprigPurgeVisitors: ({ userId }) => ({ body: { userIds: [userId], delaySeconds: 3600 } }),
  sprigGetPurge: purge,
  sprigCancelPurge: purge,
  sprigCreateLegacyUser: ({ userId }) => ({ body: { userId, attributes: { plan: newId() } } }),
  sprigGetLegacyUser: sprigUser,
  sprigUpdateLegacyUser: (ids) => ({ ...sprigUser(ids), body: { attributes: { plan: newId() } } }),
  sprigCreateLegacyEvent: (ids) => ({ ...sprigUser(ids), body: { name: "e" } }),
  sprigBulkUsers: ({ userId }) => ({ file: { type: "text/csv", text: csvOf("user_id,plan", `${userId},${newId()}`) } }),
  sprigExportSurveys: nothing,
  sprigExportResponses: nothing,
  sprigExportThemes: nothing,
};
