import type { SecretBox } from "../../shared/secret-box.ts";
import type { SourceRow } from "./source-row.ts";

/** A column's name → its PostgreSQL type. */
export type Columns = Readonly<Record<string, string>>;

/** A row that another one refers to and cannot be without. */
export interface Parent {
  /** The column that holds the id; null there means that there is none. */
  column: string;
  /** Our table in which the id must be. */
  table: string;
  /** What to call the parent in the report. */
  noun: string;
  /**
   * How the parent and the environment of the row belong together: the row's environment is the parent's (`gives`),
   * the parent must be in it (`within`), or the parent stands above environments (`above`).
   */
  environment: "gives" | "within" | "above";
  /** The row comes over without the reference when the parent is missing; else it is left. */
  mayBeMissing?: boolean;
}

/** A unique key of ours. The older row has it; a row that is in the database already always does. */
export interface UniqueKey {
  columns: readonly string[];
  /** The same key in another table that the row is written to as well. */
  elsewhere?: { table: string; columns: readonly string[] };
  /** What the columns are called in the report. */
  noun: string;
  /** The younger row comes over without the value of this column; unset: it is left. */
  drops?: string;
}

/** How the rows of a table of Formbricks become rows of a table of ours. */
export interface TableMapping {
  /** The table's names in the source, one per generation. */
  sources: readonly string[];
  target: string;
  /** Columns of `target` that {@link map} fills. */
  columns: Columns;
  /** Columns that only the import needs. */
  extra?: Columns;
  /** The primary key of `target`; may contain `environmentId` where a parent gives it. */
  key: readonly string[];
  parents: readonly Parent[];
  uniques: readonly UniqueKey[];
  /** One row's values for `columns` and `extra`. Throws `BadRow`. */
  map(row: SourceRow, tools: MappingTools): Record<string, unknown>;
}

/** What a mapping may need besides the row. */
export interface MappingTools {
  secretBox: SecretBox;
  /** The table that the row is from, which tells its generation. */
  source: string;
  /** Counts rows that come over without something that Mortar does not keep. */
  note(text: string): void;
}

export const TEXT = "text";
export const TIME = "timestamptz(3)";
export const JSON_COLUMN = "jsonb";

export const ID_AND_TIMES: Columns = { id: TEXT, createdAt: TIME, updatedAt: TIME };

/** The id and the two timestamps that most tables begin with. */
export function mapIdAndTimes(row: SourceRow) {
  const createdAt = row.time("created_at");
  return { id: row.id("id"), createdAt, updatedAt: row.timeOrNull("updated_at") ?? createdAt };
}

/** The environment of a row that names it: a workspace (2026) has one environment, under the same id. */
export const mapEnvironmentId = (row: SourceRow): string => row.idOrNull("workspaceId") ?? row.id("environmentId");

/** The row names its environment itself. */
export const ENVIRONMENT_PARENT: Parent = {
  column: "environmentId",
  table: "environments",
  noun: "Workspace or Environment",
  environment: "above",
};
