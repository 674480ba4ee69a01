import { ENVIRONMENT_PARENT, ID_AND_TIMES, mapEnvironmentId, mapIdAndTimes, type TableMapping, TEXT } from "../mapping.ts";
import { BadRow, type SourceRow } from "../source-row.ts";

const TRIGGERS = new Set(["responseCreated", "responseUpdated", "responseFinished"]);

/** Webhooks. The secret is sealed with this installation's key, so that receivers go on recognizing the signature. */
export const webhooks: TableMapping = {
  sources: ["Webhook"],
  target: "webhooks",
  columns: {
    ...ID_AND_TIMES,
    environmentId: TEXT,
    name: TEXT,
    url: TEXT,
    source: TEXT,
    triggers: "text[]",
    surveyIds: "text[]",
    secret: TEXT,
  },
  key: ["environmentId", "id"],
  parents: [ENVIRONMENT_PARENT],
  uniques: [],
  map(row, { secretBox }) {
    const secret = row.textOrNull("secret");
    return {
      ...mapIdAndTimes(row),
      environmentId: mapEnvironmentId(row),
      name: row.textOrNull("name"),
      url: row.text("url"),
      source: row.oneOf("source", ["user", "zapier", "make", "n8n", "activepieces"], "user"),
      triggers: mapTriggers(row),
      surveyIds: row.texts("surveyIds"),
      secret: secret === null ? null : secretBox.seal(secret),
    };
  },
};

function mapTriggers(row: SourceRow): string[] {
  const triggers = row.texts("triggers");
  if (!triggers.every((trigger) => TRIGGERS.has(trigger)))
    throw new BadRow(`column triggers holds none of ${[...TRIGGERS].join(", ")}`);
  return triggers;
}
