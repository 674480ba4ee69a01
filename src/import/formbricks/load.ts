/**
 * From the staging tables into Mortar's: set by set, in SQL. For each table: `resolve` finds every row's parents and
 * whether it is in the database already, `settleUniques` decides who keeps a unique value, `insert` writes.
 */
import { quoteName, quoteText, type Session } from "../../db/session.ts";
import type { Parent, TableMapping, UniqueKey } from "./mapping.ts";
import { REPORT_EXAMPLES, type ReportBuilder } from "./report.ts";
import { stagingTable } from "./staging.ts";

export interface Loading {
  session: Session;
  report: ReportBuilder;
  judgeSurvey: SurveyJudge;
}

type Reporting = Pick<Loading, "session" | "report">;

/**
 * Why the survey model refuses a survey, or null. Takes the survey's members as the management API shows them, and all
 * languages of its environment.
 */
export type SurveyJudge = (survey: Record<string, unknown>, languages: { id: string; code: string }[]) => string | null;

/**
 * Rows with the verdict on each: `_state` is new, there (in the database already) or left, and `_reason` says why it
 * was left; `_label` names the row in the report. The import's own columns begin with `_`, as no column of a table does.
 */
export const resolvedTable = (mapping: Pick<TableMapping, "target">): string => quoteName(`resolved_${mapping.target}`);

export async function loadTable(loading: Loading, mapping: TableMapping): Promise<void> {
  await resolve(loading, mapping);
  await settleUniques(loading, mapping, resolvedTable(mapping));
  await insert(loading, mapping, resolvedTable(mapping));
  await reportRows(loading, resolvedTable(mapping));
}

/** Makes the table of resolved rows and drops the staged ones. */
export async function resolve(
  { session, report }: Loading,
  mapping: TableMapping,
  staged = stagingTable(mapping),
): Promise<void> {
  const parents = mapping.parents.map((parent, i) => ({ parent, alias: `p${i}` }));
  const giver = parents.find(({ parent }) => parent.environment === "gives");
  const environment = giver === undefined ? undefined : `${giver.alias}."environmentId"`;
  const joins = parents.map(({ parent, alias }) => joinParent(parent, alias, environment ?? `s."environmentId"`));
  const dropped = parents.filter(({ parent }) => parent.mayBeMissing);
  const faults = parents
    .filter(({ parent }) => !parent.mayBeMissing)
    .map(({ parent, alias }) => ({
      when: isMissing(parent, alias),
      reason: `its ${parent.noun} is not there`,
      example: `s.${quoteName(parent.column)}`,
    }));
  const key = mapping.key.map((column) => `f.${quoteName(column)}`);
  await session.execute(`
    create temporary table ${resolvedTable(mapping)} on commit drop as
    with found as (
      select s.*
        ${environment === undefined ? "" : `, ${environment} as "environmentId"`}
        , ${choose(faults.map(({ when, reason }) => `when ${when} then ${quoteText(reason)}`))} as _fault
        , ${choose(faults.map(({ when, example }) => `when ${when} then ${example}`))} as _fault_id
        ${dropped.map(({ parent, alias }, i) => `, ${isMissing(parent, alias)} as _drops${i}`).join("")}
      from ${staged} s ${joins.join("\n")}
    ), numbered as (
      select f.*, row_number() over (partition by ${["f._fault is null", ...key].join(", ")} order by f._n) as _turn from found f
    )
    select f.*,
      concat_ws('/', ${labelColumns(mapping)}) || coalesce(' (' || f._fault_id || ')', '') as _label,
      case when f._fault is not null then f._fault when f._turn > 1 then 'the same key is in the source twice' end as _reason,
      case when f._fault is not null or f._turn > 1 then 'left' when t.${quoteName(mapping.key[0] ?? "id")} is not null then 'there' else 'new' end as _state
    from numbered f left join ${quoteName(mapping.target)} t
      on ${mapping.key.map((column) => `t.${quoteName(column)} = f.${quoteName(column)}`).join(" and ")}`);
  if (staged === stagingTable(mapping)) await session.execute(`drop table ${staged}`);
  await session.execute(`analyze ${resolvedTable(mapping)}`);
  for (const [i, { parent }] of dropped.entries())
    await reportChanges(
      { session, report },
      `lost its ${parent.column}: that ${parent.noun} is not there`,
      `changes as (
        update ${resolvedTable(mapping)} r set ${quoteName(parent.column)} = null where r._state = 'new' and r._drops${i}
        returning r._source as source, r._label as label)`,
    );
}

function joinParent({ column, table, environment }: Parent, alias: string, rowEnvironment: string): string {
  const inEnvironment = environment === "within" ? `and ${alias}."environmentId" = ${rowEnvironment}` : "";
  return `left join ${quoteName(table)} ${alias} on ${alias}.id = s.${quoteName(column)} ${inEnvironment}`;
}

const isMissing = ({ column }: Parent, alias: string): string => `(s.${quoteName(column)} is not null and ${alias}.id is null)`;

const choose = (branches: string[]): string => (branches.length === 0 ? "null::text" : `case ${branches.join(" ")} end`);

/** The id, or for a link the ids that it links. */
function labelColumns({ key }: TableMapping): string {
  const columns = key.length === 1 ? key : key.filter((column) => column !== "environmentId");
  return columns.map((column) => `f.${quoteName(column)}`).join(", ");
}

/** Decides for every unique key which of the new rows has a value that several claim. */
export async function settleUniques({ session, report }: Reporting, mapping: TableMapping, rows: string): Promise<void> {
  const age = "createdAt" in mapping.columns ? `r."createdAt", ${quoteRow("r", mapping.key)}` : quoteRow("r", mapping.key);
  for (const unique of mapping.uniques) {
    const claims = unique.columns.map((column) => `r.${quoteName(column)} is not null`).join(" and ");
    const rivals = `
      ranked as (
        select r.ctid as place, t.owned,
          first_value(r._label) over claim as first, row_number() over claim as turn
        from ${rows} r left join lateral (${ownerOf(mapping, unique)}) t on true
        where r._state = 'new' and ${claims}
        window claim as (partition by ${quoteRow("r", unique.columns)} order by ${age})
      ), rivals as (select place, coalesce(owned, first) as holder from ranked where owned is not null or turn > 1)`;
    const label = `r._label || ' (' || v.holder || ' has it)'`;
    if (unique.drops === undefined)
      await session.execute(`with ${rivals}
        update ${rows} r set _state = 'left', _reason = ${quoteText(`another row has its ${unique.noun}`)}, _label = ${label}
        from rivals v where r.ctid = v.place`);
    else
      await reportChanges(
        { session, report },
        `lost its ${unique.noun}, which another row has`,
        `${rivals}, changes as (
          update ${rows} r set ${quoteName(unique.drops)} = null from rivals v where r.ctid = v.place
          returning r._source as source, ${label} as label)`,
      );
  }
}

/** A select of the id that has the row's value in the database already. */
function ownerOf({ target }: TableMapping, { columns, elsewhere }: UniqueKey): string {
  const table = elsewhere?.table ?? target;
  const others = elsewhere?.columns ?? columns;
  const matches = others.map((other, i) => `o.${quoteName(other)} = r.${quoteName(columns[i] ?? other)}`);
  return `select o.id as owned from ${quoteName(table)} o where ${matches.join(" and ")} limit 1`;
}

const quoteRow = (alias: string, columns: readonly string[]): string =>
  columns.map((column) => `${alias}.${quoteName(column)}`).join(", ");

/** Writes the new rows; what another process wrote under the same key meanwhile is left and reported. */
export async function insert({ session }: Loading, mapping: TableMapping, rows: string): Promise<void> {
  const columns = Object.keys(mapping.columns);
  if (mapping.key.includes("environmentId") && !columns.includes("environmentId")) columns.push("environmentId");
  const names = columns.map(quoteName).join(", ");
  const written = await session.execute(
    `insert into ${quoteName(mapping.target)} (${names}) select ${names} from ${rows} where _state = 'new' order by _n on conflict do nothing`,
  );
  const [{ expected = 0 } = {}] = await session.query<{ expected: number }>(
    `select count(*)::integer as expected from ${rows} where _state = 'new'`,
  );
  if (written > 0) await session.execute(`analyze ${quoteName(mapping.target)}`); // the next tables are joined with it
  if (written === expected) return;
  const same = mapping.key.map((column) => `t.${quoteName(column)} = r.${quoteName(column)}`).join(" and ");
  await session.execute(`
    update ${rows} r set _state = 'left', _reason = 'another process wrote a row with the same key meanwhile'
    where _state = 'new' and not exists (select 1 from ${quoteName(mapping.target)} t where ${same})`);
}

/** Puts what became of the rows into the report. */
export async function reportRows({ session, report }: Reporting, rows: string): Promise<void> {
  const counts = await session.query<{ source: string; state: "new" | "there" | "left"; rows: number }>(
    `select _source as source, _state as state, count(*)::integer as rows from ${rows} group by _source, _state order by _source`,
  );
  for (const { source, state, rows: count } of counts) report.countOutcome(source, state === "new" ? "written" : state, count);
  const findings = await session.query<FindingRow>(`
    select _source as source, _reason as reason, total as count, array_agg(_label order by _n) as examples from (
      select _source, _reason, _label, _n, (count(*) over fault)::integer as total, row_number() over (fault order by _n) as turn
      from ${rows} where _state = 'left' window fault as (partition by _source, _reason)
    ) r where turn <= ${REPORT_EXAMPLES} group by _source, _reason, total`);
  for (const { source, reason, count, examples } of findings) report.find("left", { table: source, reason, count, examples });
}

interface FindingRow {
  source: string;
  reason: string;
  count: number;
  examples: string[];
}

/** Rows that came over with a change, as common table expressions of which the last is `changes (source, label)`. */
export async function reportChanges({ session, report }: Reporting, reason: string, changes: string): Promise<void> {
  const rows = await session.query<{ source: string; count: number; examples: string[] }>(`
    with ${changes}
    select source, count(*)::integer as count, (array_agg(label))[1:${REPORT_EXAMPLES}] as examples from changes group by source`);
  for (const { source: table, count, examples } of rows) report.find("changed", { table, reason, count, examples });
}
