/** Displays and responses: what was shown to whom, and what they answered. */
import {
  ENVIRONMENT_PARENT,
  ID_AND_TIMES,
  JSON_COLUMN,
  mapEnvironmentId,
  mapIdAndTimes,
  type Parent,
  type TableMapping,
  TEXT,
} from "../mapping.ts";

const SURVEY: Parent = { column: "surveyId", table: "surveys", noun: "Survey", environment: "gives" };
const CONTACT: Parent = { column: "contactId", table: "contacts", noun: "Contact", environment: "within" };
const RESPONSE: Parent = { column: "responseId", table: "responses", noun: "Response", environment: "gives" };

export const displays: TableMapping = {
  sources: ["Display"],
  target: "displays",
  columns: { ...ID_AND_TIMES, surveyId: TEXT, contactId: TEXT },
  key: ["environmentId", "id"],
  parents: [SURVEY, CONTACT],
  uniques: [],
  map: (row) => ({ ...mapIdAndTimes(row), surveyId: row.id("surveyId"), contactId: row.idOrNull("contactId") }),
};

export const responses: TableMapping = {
  sources: ["Response"],
  target: "responses",
  columns: {
    ...ID_AND_TIMES,
    surveyId: TEXT,
    contactId: TEXT,
    displayId: TEXT,
    singleUseId: TEXT,
    finished: "boolean",
    endingId: TEXT,
    language: TEXT,
    data: JSON_COLUMN,
    variables: JSON_COLUMN,
    ttc: JSON_COLUMN,
    meta: JSON_COLUMN,
    contactAttributes: JSON_COLUMN,
  },
  key: ["environmentId", "id"],
  parents: [
    SURVEY,
    CONTACT,
    { column: "displayId", table: "displays", noun: "Display", environment: "within", mayBeMissing: true },
  ],
  // An answer is worth more than the display or the link that it came by.
  uniques: [
    { columns: ["environmentId", "displayId"], noun: "displayId", drops: "displayId" },
    { columns: ["environmentId", "surveyId", "singleUseId"], noun: "singleUseId", drops: "singleUseId" },
  ],
  map: (row) => ({
    ...mapIdAndTimes(row),
    surveyId: row.id("surveyId"),
    contactId: row.idOrNull("contactId"),
    displayId: row.idOrNull("displayId"),
    singleUseId: row.indexedOrNull("singleUseId"),
    finished: row.boolean("finished"),
    endingId: row.textOrNull("endingId"),
    language: row.textOrNull("language"),
    data: row.object("data", {}),
    variables: row.object("variables", {}),
    ttc: row.object("ttc", {}),
    meta: row.object("meta", {}),
    contactAttributes: row.objectOrNull("contactAttributes"),
  }),
};

export const responseQuotaLinks: TableMapping = {
  sources: ["ResponseQuotaLink"],
  target: "response_quota_links",
  columns: { responseId: TEXT, quotaId: TEXT, status: "quota_link_status" },
  key: ["environmentId", "responseId", "quotaId"],
  parents: [RESPONSE, { column: "quotaId", table: "survey_quotas", noun: "SurveyQuota", environment: "within" }],
  uniques: [],
  map: (row) => ({
    responseId: row.id("responseId"),
    quotaId: row.id("quotaId"),
    status: row.oneOf("status", ["screenedIn", "screenedOut"]),
  }),
};

export const tags: TableMapping = {
  sources: ["Tag"],
  target: "tags",
  columns: { ...ID_AND_TIMES, environmentId: TEXT, name: TEXT },
  key: ["environmentId", "id"],
  parents: [ENVIRONMENT_PARENT],
  uniques: [{ columns: ["environmentId", "name"], noun: "name" }],
  map: (row) => ({ ...mapIdAndTimes(row), environmentId: mapEnvironmentId(row), name: row.indexed("name") }),
};

export const responseTags: TableMapping = {
  sources: ["TagsOnResponses"],
  target: "response_tags",
  columns: { responseId: TEXT, tagId: TEXT },
  key: ["environmentId", "responseId", "tagId"],
  parents: [RESPONSE, { column: "tagId", table: "tags", noun: "Tag", environment: "within" }],
  uniques: [],
  map: (row) => ({ responseId: row.id("responseId"), tagId: row.id("tagId") }),
};
