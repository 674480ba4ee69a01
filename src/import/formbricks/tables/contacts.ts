/** Contacts. Formbricks has a row for every attribute of a contact; in Mortar a contact is one row. */
import { quoteText } from "../../../db/session.ts";
import { insert, type Loading, reportChanges, reportRows, resolve, resolvedTable, settleUniques } from "../load.ts";
import {
  ENVIRONMENT_PARENT,
  ID_AND_TIMES,
  JSON_COLUMN,
  mapEnvironmentId,
  mapIdAndTimes,
  type TableMapping,
  TEXT,
  TIME,
} from "../mapping.ts";
import { MAX_INDEXED_BYTES, parseTime, type SourceRow } from "../source-row.ts";
import { stagingTable } from "../staging.ts";

export const attributeKeys: TableMapping = {
  sources: ["ContactAttributeKey"],
  target: "contact_attribute_keys",
  columns: {
    ...ID_AND_TIMES,
    environmentId: TEXT,
    key: TEXT,
    name: TEXT,
    description: TEXT,
    type: "attribute_key_type",
    dataType: "attribute_data_type",
    isUnique: "boolean",
  },
  key: ["environmentId", "id"],
  parents: [ENVIRONMENT_PARENT],
  uniques: [{ columns: ["environmentId", "key"], noun: "key" }],
  map: (row) => ({
    ...mapIdAndTimes(row),
    environmentId: mapEnvironmentId(row),
    key: row.indexed("key"),
    name: row.textOrNull("name"),
    description: row.textOrNull("description"),
    type: row.oneOf("type", ["default", "custom"], "custom"),
    dataType: row.oneOf("dataType", ["string", "number", "date"], "string"),
    isUnique: row.boolean("isUnique", false),
  }),
};

/**
 * Formbricks allows two contacts with one userId or e-mail address, which our keys refuse: the older contact keeps it,
 * the younger comes over without it, so that what it answered is not lost.
 */
export const contacts: TableMapping = {
  sources: ["Contact"],
  target: "contacts",
  columns: {
    ...ID_AND_TIMES,
    environmentId: TEXT,
    firstSeenAt: TIME,
    lastSeenAt: TIME,
    userId: TEXT,
    email: TEXT,
    attributes: JSON_COLUMN,
  },
  key: ["environmentId", "id"],
  parents: [ENVIRONMENT_PARENT],
  uniques: [
    { columns: ["environmentId", "userId"], noun: "userId", drops: "userId" },
    { columns: ["environmentId", "email"], noun: "email", drops: "email" },
  ],
  map(row) {
    const { id, createdAt, updatedAt } = mapIdAndTimes(row);
    // userId, email and attributes are in the rows of ContactAttribute
    const attributes = { userId: null, email: null, attributes: {} };
    const seen = { firstSeenAt: createdAt, lastSeenAt: updatedAt };
    return { id, createdAt, updatedAt, environmentId: mapEnvironmentId(row), ...seen, ...attributes };
  },
};

/** One attribute of one contact. Not a table of ours: they become columns of the contact. */
export const contactAttributes: TableMapping = {
  sources: ["ContactAttribute"],
  target: "contact_attributes",
  columns: {
    contactId: TEXT,
    attributeKeyId: TEXT,
    updatedAt: TIME,
    value: TEXT,
    number: "double precision",
    date: TEXT,
  },
  key: ["contactId", "attributeKeyId"],
  parents: [],
  uniques: [],
  map(row) {
    const value = row.text("value");
    return {
      contactId: row.id("contactId"),
      attributeKeyId: row.id("attributeKeyId"),
      updatedAt: row.timeOrNull("updated_at"),
      value,
      number: mapNumber(row, value),
      date: row.timeOrNull("valueDate") ?? parseDate(value),
    };
  },
};

function mapNumber({ values: { valueNumber } }: SourceRow, text: string): number | null {
  if (typeof valueNumber === "number") return valueNumber;
  const number = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : null;
}

const parseDate = (text: string): string | null => parseTime(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);

export async function loadContacts(loading: Loading): Promise<void> {
  const people = resolvedTable(contacts);
  await resolve(loading, contacts);
  await resolveAttributes(loading);
  await loading.session.execute(`
    update ${people} c set "userId" = a."userId", email = a.email, attributes = coalesce(a.attributes, '{}')
    from (
      select "contactId", "environmentId",
        max(value) filter (where key = 'userId') as "userId",
        max(value) filter (where key = 'email') as email,
        jsonb_object_agg(key, coalesce(typed, to_jsonb(value))) filter (where key not in ('userId', 'email')) as attributes
      from ${resolvedTable(contactAttributes)} where _state = 'new' group by "contactId", "environmentId"
    ) a
    where c.id = a."contactId" and c."environmentId" = a."environmentId" and c._state = 'new'`);
  await settleUniques(loading, contacts, people);
  await reportMisfits(loading);
  await insert(loading, contacts, people);
  await reportRows(loading, people);
  await reportRows(loading, resolvedTable(contactAttributes));
}

/** A value that does not fit its key stays the text it was in Formbricks: it counts as set, and compares as text. */
async function reportMisfits(loading: Loading): Promise<void> {
  for (const dataType of ["number", "date", "boolean"])
    await reportChanges(
      loading,
      `kept as text: the value is no ${dataType}, which its key asks for`,
      `changes as (
        select _source as source, _label as label from ${resolvedTable(contactAttributes)}
        where _state = 'new' and typed is null and "dataType" = '${dataType}' and key not in ('userId', 'email'))`,
    );
}

/** Finds each attribute's contact and key, and its value in the type of the key: `typed` is null when it does not fit. */
async function resolveAttributes({ session }: Loading): Promise<void> {
  const isIdentifier = `k.key in ('userId', 'email')`;
  await session.execute(`
    create temporary table ${resolvedTable(contactAttributes)} on commit drop as
    with found as (
      select s._n, s._source, s."contactId", s."attributeKeyId", s.value, c."environmentId", c._state as "contactState", k.key, k."dataType",
        case
          when ${isIdentifier} then null
          when k."dataType" = 'number' then to_jsonb(s.number)
          when k."dataType" = 'date' then to_jsonb(s.date)
          when k."dataType" = 'boolean' then case when lower(s.value) in ('true', 'false') then to_jsonb(lower(s.value)::boolean) end
          else to_jsonb(s.value)
        end as typed,
        case
          when c.id is not null then null
          when exists (select 1 from contacts t where t.id = s."contactId") then 'there'
          else ${quoteText("its Contact is not there")}
        end as "withoutContact",
        ${isIdentifier} and s.value = '' as "isEmpty",
        ${isIdentifier} and octet_length(s.value) > ${MAX_INDEXED_BYTES} as "isTooLong",
        row_number() over (partition by s."contactId", s."attributeKeyId", c."environmentId" order by s."updatedAt" desc nulls last, s._n desc) as turn
      from ${stagingTable(contactAttributes)} s
        left join ${resolvedTable(contacts)} c on c.id = s."contactId" and c._state <> 'left'
        left join contact_attribute_keys k on k."environmentId" = c."environmentId" and k.id = s."attributeKeyId"
    ), judged as (
      select f.*,
        case
          when "withoutContact" = 'there' or "contactState" = 'there' then null
          when "withoutContact" is not null then "withoutContact"
          when key is null then ${quoteText("its ContactAttributeKey is not there")}
          when "isEmpty" then ${quoteText("an empty text identifies nobody")}
          when "isTooLong" then ${quoteText(`the value is longer than ${MAX_INDEXED_BYTES} bytes`)}
          when turn > 1 then ${quoteText("the contact has a newer value under the same key")}
        end as _reason
      from found f
    )
    select _n, _source, "contactId", "environmentId", key, value, typed, "dataType", _reason,
      concat_ws('/', "contactId", coalesce(key, "attributeKeyId")) as _label,
      case
        when _reason is not null then 'left'
        when "withoutContact" = 'there' then 'there'
        else "contactState"
      end as _state
    from judged`);
  await session.execute(`drop table ${stagingTable(contactAttributes)}`);
}
