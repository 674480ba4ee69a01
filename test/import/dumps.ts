/** Small dumps of either generation's tables. The same rows, as far as both generations can say the same. */
import { createHash } from "node:crypto";

export type Row = Record<string, unknown>;
export type Dump = Record<string, Row[]>;

const T = "2025-03-01T10:00:00.123";
const times = { created_at: T, updated_at: "2025-03-02T10:00:00.000" };
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

export const MODERN_SECRET = "a-modern-secret-of-some-length";
export const LEGACY_KEY = "a-key-from-before-the-prefix";

const organization = { id: "org1", ...times, name: "Org", whitelabel: {}, isAISmartToolsEnabled: false };

const user = (id: string, email: string, more: Row = {}): Row => ({
  id,
  ...times,
  name: `Name of ${id}`,
  email,
  email_verified: true,
  password: "$2b$12$hash",
  twoFactorSecret: null,
  identityProvider: "email",
  notificationSettings: { alert: {} },
  locale: "de-DE",
  isActive: true,
  ...more,
});

const BLOCK = {
  ...{ id: "cm6orqtcl000319wj9wb7dlt1", name: "Block 1" },
  elements: [
    {
      id: "q1",
      type: "openText",
      headline: { default: "How was it?" },
      required: true,
      inputType: "email",
      charLimit: { enabled: false },
    },
  ],
};

const followUp = {
  ...{
    id: "cm6orqtcl000319wj9wb7dlf1",
    ...times,
    surveyId: "sur1",
    name: "Mail",
    trigger: { type: "response", properties: null },
  },
  action: {
    type: "send-email",
    properties: {
      ...{ to: "q1", from: "a@example.com", replyTo: ["b@example.com"], subject: "Thanks", body: "<p>Thanks</p>" },
      attachResponseData: false,
    },
  },
};

const survey = (id: string, owner: Row, more: Row = {}): Row => ({
  id,
  ...times,
  ...owner,
  name: `Survey ${id}`,
  type: "app",
  status: "inProgress",
  createdBy: "usr1",
  segmentId: "seg1",
  questions: [],
  blocks: [BLOCK],
  endings: [],
  welcomeCard: { enabled: false },
  hiddenFields: { enabled: false },
  variables: [],
  displayOption: "displayOnce",
  delay: 0,
  displayPercentage: "12.5",
  slug: null,
  archivedAt: null,
  publishOn: "2025-04-01T00:00:00.000",
  ...more,
});

/** Tables that are the same in both generations but for the column that names the owner. */
function common(owner: Row): Dump {
  return {
    Organization: [organization],
    User: [user("usr1", "Ann@Example.com"), user("usr2", "bob@example.com", { email_verified: false, password: null })],
    Membership: [
      { organizationId: "org1", userId: "usr1", accepted: true, role: "owner" },
      { organizationId: "org1", userId: "usr2", accepted: false, role: "billing" },
    ],
    Team: [{ id: "team1", ...times, name: "Team", organizationId: "org1" }],
    TeamUser: [{ ...times, teamId: "team1", userId: "usr2", role: "contributor" }],
    ContactAttributeKey: ["userId", "email", "plan"].map((key) => ({
      ...{ id: `key-${key}`, ...times, ...owner },
      ...{ key, name: key, description: null, type: key === "plan" ? "custom" : "default", isUnique: key !== "plan" },
    })),
    Contact: [{ id: "con1", ...times, ...owner }],
    ContactAttribute: [
      { id: "att1", ...times, attributeKeyId: "key-userId", contactId: "con1", value: "ada" },
      { id: "att2", ...times, attributeKeyId: "key-plan", contactId: "con1", value: "pro" },
    ],
    Segment: [{ id: "seg1", ...times, ...owner, title: "All", description: null, isPrivate: false, filters: [] }],
    ActionClass: [
      { id: "act1", ...times, ...owner, name: "Bought", description: null, type: "code", key: "bought", noCodeConfig: null },
    ],
    Survey: [survey("sur1", owner)],
    SurveyTrigger: [{ id: "trg1", ...times, surveyId: "sur1", actionClassId: "act1" }],
    SurveyLanguage: [{ languageId: "lan1", surveyId: "sur1", default: true, enabled: true }],
    SurveyQuota: [
      {
        ...{ id: "quo1", ...times, surveyId: "sur1", name: "Quota", limit: 3, logic: { connector: "and", conditions: [] } },
        ...{ action: "endSurvey", endingCardId: null, countPartialSubmissions: true },
      },
    ],
    SurveyFollowUp: [followUp],
    SurveyAttributeFilter: [
      { id: "fil1", ...times, attributeKeyId: "key-plan", surveyId: "sur1", condition: "equals", value: "pro" },
    ],
    Display: [{ id: "dis1", ...times, surveyId: "sur1", contactId: "con1" }],
    Response: [
      {
        ...{ id: "res1", ...times, finished: true, surveyId: "sur1", contactId: "con1", displayId: "dis1", singleUseId: null },
        ...{
          data: { q1: "fine" },
          meta: {},
          ttc: { q1: 12.5 },
          variables: {},
          contactAttributes: null,
          language: "default",
          endingId: null,
        },
      },
    ],
    ResponseQuotaLink: [{ responseId: "res1", quotaId: "quo1", status: "screenedIn" }],
    Tag: [{ id: "tag1", ...times, ...owner, name: "important" }],
    TagsOnResponses: [{ responseId: "res1", tagId: "tag1" }],
    Webhook: [
      {
        ...{ id: "web1", ...times, ...owner, name: null, url: "https://hooks.example/1", source: "zapier" },
        ...{ triggers: ["responseFinished"], surveyIds: ["sur1"], secret: "whsec_c2VjcmV0" },
      },
    ],
    ApiKey: [
      apiKey("apk1", { lookupHash: sha256(MODERN_SECRET), hashedKey: "$2b$12$bcrypt" }),
      apiKey("apk2", { lookupHash: null, hashedKey: sha256(LEGACY_KEY) }),
    ],
    Session: [{ id: "ses1" }, { id: "ses2" }],
  };
}

const apiKey = (id: string, hashes: Row): Row => ({
  ...{ id, createdAt: T, createdBy: "usr1", lastUsedAt: null, label: `Key ${id}`, organizationId: "org1" },
  ...{ organizationAccess: { accessControl: { read: true, write: false } } },
  ...hashes,
});

/** The generation of 2026: a workspace, which remembers the id of its former production environment. */
export function dump2026(): Dump {
  return {
    ...common({ workspaceId: "wsp1" }),
    Workspace: [
      {
        ...{ id: "wsp1", ...times, name: "App", organizationId: "org1", legacyEnvironmentId: "env1", appSetupCompleted: true },
        ...{
          recontactDays: 3,
          overlay: "dark",
          placement: "center",
          styling: { allowStyleOverwrite: false },
          config: {},
          logo: null,
        },
      },
    ],
    WorkspaceTeam: [{ ...times, workspaceId: "wsp1", teamId: "team1", permission: "readWrite" }],
    ApiKeyWorkspace: [
      { id: "akw1", createdAt: T, updatedAt: T, apiKeyId: "apk1", workspaceId: "wsp1", permission: "manage" },
      { id: "akw2", createdAt: T, updatedAt: T, apiKeyId: "apk2", workspaceId: "wsp1", permission: "read" },
    ],
    Language: [{ id: "lan1", ...times, code: "en-US", alias: null, workspaceId: "wsp1" }],
  };
}

/** The generation of 2025: a project with two environments. */
export function dump2025(): Dump {
  return {
    ...common({ environmentId: "env1" }),
    User: [
      user("usr1", "Ann@Example.com", { email_verified: "2025-01-05T00:00:00.000" }),
      user("usr2", "bob@example.com", { email_verified: null }),
    ],
    Project: [
      {
        ...{
          id: "prj1",
          ...times,
          name: "App",
          organizationId: "org1",
          recontactDays: 3,
          placement: "center",
          darkOverlay: true,
        },
        ...{ styling: { allowStyleOverwrite: false }, config: {}, logo: null, clickOutsideClose: true },
      },
    ],
    Environment: [
      { id: "env1", ...times, type: "production", projectId: "prj1", appSetupCompleted: true },
      { id: "env2", ...times, type: "development", projectId: "prj1", appSetupCompleted: false },
    ],
    ProjectTeam: [{ ...times, projectId: "prj1", teamId: "team1", permission: "readWrite" }],
    ApiKeyEnvironment: [
      { id: "ake1", createdAt: T, updatedAt: T, apiKeyId: "apk1", environmentId: "env1", permission: "write" },
      { id: "ake2", createdAt: T, updatedAt: T, apiKeyId: "apk1", environmentId: "env2", permission: "manage" },
    ],
    Language: [{ id: "lan1", ...times, code: "en-US", alias: null, projectId: "prj1" }],
  };
}

/** A contact with its attribute rows, to be added to a dump of 2026. */
export function addContact(dump: Dump, id: string, createdAt: string, attributes: Record<string, string>): void {
  const row = { created_at: createdAt, updated_at: createdAt };
  dump.Contact?.push({ id, ...row, workspaceId: "wsp1" });
  for (const [key, value] of Object.entries(attributes))
    dump.ContactAttribute?.push({ id: `${id}-${key}`, ...row, attributeKeyId: `key-${key}`, contactId: id, value });
}
