/** How the present schema is distributed over several PostgreSQL servers by Citus. See src/decisions/0049. */
import { type CatalogueTable, type ForeignKey, inOrderOfReference } from "./catalogue.ts";
import { quoteName, quoteText } from "./session.ts";

/** Where a table's rows are: on the server of their environment, on every server, or on the coordinator. */
export type Placement = "distributed" | "reference" | "local";

export interface PlacedTable {
  table: CatalogueTable;
  placement: Placement;
  reason: string;
}

/** By this column everything below an environment is spread. */
export const DISTRIBUTION_COLUMN = "environmentId";

export interface PlacedTables {
  /** Each after those it refers to. */
  placed: PlacedTable[];
  /** Tables for which no rule says where they belong: they need a decision before the schema can be distributed. */
  homeless: string[];
}

/**
 * Places every table by its keys alone: what has `environmentId` first in its primary key is spread by it, and the tables
 * around environments, which refer to one another, are on every server. What refers to nothing and is referred to by
 * nothing, and belongs to an organization, stays on the coordinator, as unlogged tables do.
 */
export function placeTables(tables: readonly CatalogueTable[]): PlacedTables {
  const referred = new Set(tables.flatMap(({ foreignKeys }) => foreignKeys.map(({ target }) => target)));
  const placed: PlacedTable[] = [];
  const homeless: string[] = [];
  for (const table of inOrderOfReference(tables)) {
    const [first] = table.primaryKey;
    if (!table.isLogged) placed.push({ table, placement: "local", reason: "unlogged: of no use to another server" });
    else if (first === DISTRIBUTION_COLUMN)
      placed.push({ table, placement: "distributed", reason: "its rows belong to an environment" });
    else if (table.columns.includes(DISTRIBUTION_COLUMN)) homeless.push(table.name);
    else if (table.foreignKeys.length > 0 || referred.has(table.name))
      placed.push({ table, placement: "reference", reason: "few rows, around environments" });
    else if (first === "organizationId")
      placed.push({ table, placement: "local", reason: "it refers to nothing, and nothing to it" });
    else homeless.push(table.name);
  }
  return { placed, homeless };
}

/** The statements, each with its reason, in the order in which they are to be run. */
export function formatShardPlan(placed: readonly PlacedTable[]): string {
  const of = (placement: Placement) => placed.filter((each) => each.placement === placement);
  const spread = [...of("distributed"), ...of("reference")];
  const keys = of("distributed")
    .flatMap(({ table }) => table.foreignKeys)
    .filter(updatesDistributionColumn);
  const triggers = spread.flatMap(({ table }) => table.triggers.map((trigger) => ({ table, trigger })));
  return [
    "-- Run by the owner of the tables, on the coordinator, with no server running. Take a backup first.",
    "create extension if not exists citus;",
    "",
    `-- ${keys.length} foreign keys: Citus has no ON UPDATE CASCADE of ${DISTRIBUTION_COLUMN}, which never changes.`,
    ...keys.flatMap(formatKey),
    "",
    `-- ${triggers.length} triggers: a shard's trigger cannot write to another server, so these writes are no longer noted.`,
    ...triggers.map(({ table, trigger }) => `drop trigger ${quoteName(trigger)} on ${quoteName(table.name)};`),
    "",
    `-- ${of("reference").length} reference tables: ${of("reference")[0]?.reason ?? "none"}; on every server.`,
    ...of("reference").map(({ table }) => `select create_reference_table(${regclass(table)});`),
    "",
    `-- ${of("distributed").length} distributed tables: their rows belong to an environment, and all rows of one are on one server.`,
    ...of("distributed").map(({ table }, i, [first]) => {
      const colocation = i === 0 || !first ? "none" : quoteName(first.table.name);
      return `select create_distributed_table(${regclass(table)}, ${quoteText(DISTRIBUTION_COLUMN)}, colocate_with => ${quoteText(colocation)});`;
    }),
    "",
    ...of("local").map(({ table, reason }) => `-- ${table.name} stays on the coordinator: ${reason}.`),
    "-- The schema graphile_worker stays on the coordinator.",
    "",
  ].join("\n");
}

const updatesDistributionColumn = ({ columns, definition }: ForeignKey): boolean =>
  columns.includes(DISTRIBUTION_COLUMN) && / ON UPDATE (CASCADE|SET)/.test(definition);

function formatKey({ table, name, definition }: ForeignKey): string[] {
  const kept = definition.replace(/ ON UPDATE (CASCADE|SET NULL|SET DEFAULT)/, "");
  return [`alter table ${quoteName(table)} drop constraint ${quoteName(name)},`, `  add constraint ${quoteName(name)} ${kept};`];
}

const regclass = ({ name }: CatalogueTable): string => quoteText(quoteName(name));
