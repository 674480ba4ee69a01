/** The second back end of a filter: SQL over stored contacts. Source: client-api §7. */
import type { AttributeDataType } from "../shared/attributes.ts";
import { dateText, STORED_DATE_PATTERN, subtractPeriod } from "./dates.ts";
import {
  type AttributeCondition,
  type AttributeTest,
  COMPANY_PREFIX,
  type Condition,
  type DateBound,
  type EventCondition,
  type Filter,
  type InteractionCondition,
  MAX_EVENT_COUNT,
} from "./filter.ts";
import type { ResolvedSegment } from "./resolve.ts";

export interface SqlCondition {
  /** A boolean expression, never null, over the row `c` of `contacts`. */
  text: string;
  /** The values of its parameters, which start with `$1`, the environment. */
  values: unknown[];
}

type TextTest = Extract<AttributeTest, { type: "text" }>;

interface SqlContext {
  environmentId: string;
  attributeKeys: ReadonlyMap<string, AttributeDataType>;
  now: number;
}

/**
 * The condition that a contact is in the segment, as the predicate has it for a subject without device. Time stands
 * still at `now`. Attribute values are expected as JavaScript wrote them: every number in its shortest form.
 */
export function segmentToSql(segment: ResolvedSegment, context: SqlContext): SqlCondition {
  return createWriter(context).write(segment);
}

/**
 * An array of numbers, one for each condition: how many events of the row `c`, which has the contact's id, it counts. More
 * than any condition asks for are counted as one more than that.
 */
export function eventCountsToSql(
  conditions: readonly EventCondition[],
  context: Omit<SqlContext, "attributeKeys">,
): SqlCondition {
  const { countEvents, values } = createWriter({ ...context, attributeKeys: new Map() });
  const counts = conditions.map((condition) => countEvents(condition, MAX_EVENT_COUNT + 1));
  return { text: `array[${counts.join(", ")}]::int[]`, values };
}

function createWriter({ environmentId, attributeKeys, now }: SqlContext) {
  const values: unknown[] = [environmentId];
  /** Every other segment is computed once per contact, in a lateral sub-query, in the order of dependence. */
  const memberships = new Map<ResolvedSegment, string>();
  const subqueries: string[] = [];
  return { write, countEvents, values };

  function write(segment: ResolvedSegment): SqlCondition {
    const condition = root(segment);
    if (subqueries.length === 0) return { text: condition, values };
    return { text: `(select ${condition} from ${subqueries.join(", lateral ")})`, values };
  }

  function root({ filter, nested }: ResolvedSegment): string {
    return filter === null ? "false" : toSql(filter, nested);
  }

  function toSql(filter: Filter, nested: ResolvedSegment["nested"]): string {
    if (filter.type === "leaf") return conditionToSql(filter.condition, nested);
    if (filter.alternatives.length === 0) return "true";
    const runs = filter.alternatives.map((run) => run.map((part) => toSql(part, nested)).join(" and "));
    return runs.length === 1 ? `(${runs.join()})` : `(${runs.map((run) => `(${run})`).join(" or ")})`;
  }

  function conditionToSql(condition: Condition, nested: ResolvedSegment["nested"]): string {
    switch (condition.type) {
      case "never":
      case "device": // there is no request, hence no device
        return "false";
      case "attribute":
        return attributeToSql(condition);
      case "segment": {
        const other = nested.get(condition.segmentId);
        if (other === undefined) return "false";
        return condition.negated ? `not ${membership(other)}` : membership(other);
      }
      case "interaction":
        return interactionToSql(condition);
      case "event":
        return eventToSql(condition);
    }
  }

  function membership(other: ResolvedSegment): string {
    const known = memberships.get(other);
    if (known !== undefined) return known;
    const expression = root(other);
    const name = `s${subqueries.length}`;
    subqueries.push(`(select ${expression} as is_in offset 0) as ${name}`);
    memberships.set(other, `${name}.is_in`);
    return `${name}.is_in`;
  }

  function attributeToSql({ key, test }: AttributeCondition): string {
    if (key === "userId" || key === "email") return fieldToSql(`c."${key}"`, test);
    if (key.startsWith(COMPANY_PREFIX))
      return `(select ${valueToSql("v.value", test, undefined)} from (select ${companyValue(key)} as value offset 0) v)`;
    const dataType = attributeKeys.get(key);
    const isOfOtherType = (test.type === "number" || test.type === "date") && dataType !== undefined && dataType !== test.type;
    return isOfOtherType ? "false" : valueToSql(`(c.attributes -> ${bind(key, "text")})`, test, dataType);
  }

  /** The contact's own value of the key, else its company's. */
  function companyValue(key: string): string {
    const own = `c.attributes -> ${bind(key, "text")}`;
    const ofCompany = key.slice(COMPANY_PREFIX.length);
    const value = ofCompany === "id" ? `to_jsonb(o."companyId")` : `o.attributes -> ${bind(ofCompany, "text")}`;
    return `coalesce(case when jsonb_typeof(${own}) in ('string', 'number', 'boolean') then ${own} end, (
      select ${value} from companies o where o."environmentId" = $1 and o.id = c."companyId"))`;
  }

  /**
   * @param value a jsonb expression
   * @param dataType of its key; undefined where the value is taken for what it is
   */
  function valueToSql(value: string, test: AttributeTest, dataType: AttributeDataType | undefined): string {
    const type = `jsonb_typeof(${value})`;
    switch (test.type) {
      case "presence": {
        const isSet = `coalesce(${type} in ('string', 'number', 'boolean'), false)`;
        return test.negated ? `not ${isSet}` : isSet;
      }
      case "text":
        return valueTextToSql(value, test, dataType === undefined || dataType === "number");
      case "number":
        return `case when ${type} = 'number' then ${value}::numeric ${test.comparison} ${bind(test.number, "numeric")} else false end`;
      case "date":
        return `case when ${type} = 'string' then ${dateToSql(`(${value} #>> '{}')`, test)} else false end`;
    }
  }

  function valueTextToSql(value: string, { comparison, negated, text, number }: TextTest, mayBeNumber: boolean): string {
    const type = `jsonb_typeof(${value})`;
    const asText = compareText(`(${value} #>> '{}')`, comparison, text);
    const asNumber =
      number !== null && mayBeNumber
        ? `${value}::numeric = ${bind(number, "numeric")}`
        : compareText(numberText(`${value}::numeric`), comparison, text);
    const result = `case when ${type} = 'number' then ${asNumber} when ${type} in ('string', 'boolean') then ${asText} end`;
    return `coalesce(${negated ? `not (${result})` : result}, false)`;
  }

  /** The two identifying fields are text. */
  function fieldToSql(column: string, test: AttributeTest): string {
    switch (test.type) {
      case "presence":
        return `${column} is ${test.negated ? "null" : "not null"}`;
      case "text": {
        const result = compareText(column, test.comparison, test.text);
        return `coalesce(${test.negated ? `not (${result})` : result}, false)`;
      }
      default:
        return "false";
    }
  }

  function compareText(value: string, comparison: TextTest["comparison"], text: string): string {
    const folded = `lower(${value} collate "und-x-icu")`;
    const bound = bind(text, "text");
    switch (comparison) {
      case "equals":
        return `${folded} = ${bound}`;
      case "contains":
        return `strpos(${folded}, ${bound}) > 0`;
      case "startsWith":
        return `starts_with(${folded}, ${bound})`;
      case "endsWith":
        return `right(${folded}, char_length(${bound})) = ${bound}`;
    }
  }

  function dateToSql(value: string, { from, to }: { from: DateBound | null; to: DateBound | null }): string {
    const bounds = [from && compareDate(value, ">", from), to && compareDate(value, "<", to)];
    const parts = [`${value} ~ ${bind(STORED_DATE_PATTERN.source, "text")}`, ...bounds.filter((part) => part !== null)];
    return `(${parts.join(" and ")})`;
  }

  function compareDate(value: string, comparison: "<" | ">", bound: DateBound): string {
    const at = "at" in bound ? bound.at : dateText(subtractPeriod(now, bound.ago));
    return `${value} collate "C" ${comparison}${bound.inclusive ? "=" : ""} ${bind(at, "text")}`;
  }

  function interactionToSql({ event, negated, surveyIds, within }: InteractionCondition): string {
    const since = bind(new Date(subtractPeriod(now, within)).toISOString(), "timestamptz");
    const inScope = surveyIds === null ? "" : ` and e."surveyId" = any(${bind(surveyIds, "text[]")})`;
    const finished = event === "finishedResponse" ? " and e.finished" : "";
    const table = event === "display" ? "displays" : "responses";
    const exists = `exists (select 1 from ${table} e where e."environmentId" = $1 and e."contactId" = c.id and e."createdAt" >= ${since}${inScope}${finished})`;
    return negated ? `not ${exists}` : exists;
  }

  /** No more events are counted than tell the answer. */
  function eventToSql(condition: EventCondition): string {
    const { negated, atLeast, atMost } = condition;
    const count = countEvents(condition, atMost === null ? atLeast : Math.max(atLeast, atMost + 1));
    const range = atMost === null ? `${count} >= ${atLeast}` : `${count} between ${atLeast} and ${atMost}`;
    return negated ? `not (${range})` : `(${range})`;
  }

  function countEvents({ name, within, where }: EventCondition, atMost: number): string {
    const since =
      within === null ? "" : ` and e."occurredAt" >= ${bind(new Date(subtractPeriod(now, within)).toISOString(), "timestamptz")}`;
    const tests = where.map(
      ({ property, test }) => ` and ${valueToSql(`(e.properties -> ${bind(property, "text")})`, test, undefined)}`,
    );
    return `(select count(*) from (select from events e where e."environmentId" = $1 and e."contactId" = c.id
      and e.name = ${bind(name, "text")}${since}${tests.join("")} limit ${atMost}) x)`;
  }

  function bind(value: unknown, type: string): string {
    values.push(typeof value === "number" ? String(value) : value);
    return `$${values.length}::${type}`;
  }
}

/**
 * The text that JavaScript's `String` gives the number, from a numeric: plain notation from 1e-6 up to 1e21, beyond
 * that the digits with an exponent. The digits are right because the number was stored in its shortest form.
 */
function numberText(number: string): string {
  const mantissa = (digits: string) =>
    `left(${digits}, 1) || case when length(${digits}) > 1 then '.' || substr(${digits}, 2) else '' end`;
  const leading = "rtrim(n.size::text, '0')";
  const trailing = "ltrim(substr(n.size::text, 3), '0')";
  return `(select case when n.negative then '-' else '' end || case
    when n.size >= 1e21 then ${mantissa(leading)} || 'e+' || length(n.size::text) - 1
    when n.size > 0 and n.size < 1e-6 then ${mantissa(trailing)} || 'e-' || length(n.size::text) - 1 - length(${trailing})
    else n.size::text end
    from (select ${number} < 0 as negative, trim_scale(abs(${number})) as size) n)`;
}
