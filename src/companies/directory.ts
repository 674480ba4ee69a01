import type { Database } from "../db/database.ts";
import { countList, dateConditions, type ListPage, queryList } from "../db/list.ts";
import { findOwnedRow, readableEnvironments } from "../db/owned-row.ts";
import type { Page } from "../db/page.ts";
import type { ListReader } from "../db/read-replica.ts";
import type { Principal } from "../shared/principal.ts";
import type { Company } from "./service.ts";

export type CompanyDirectory = ReturnType<typeof createCompanyDirectory>;

export interface CompanyDetails extends Company {
  environmentId: string;
}

export interface CompanyListFilter extends Pick<Page, "startDate" | "endDate" | "filterDateField"> {
  environmentId?: string | undefined;
  /** The customer's id. */
  companyId?: string | undefined;
}

const COLUMNS = `t.id, t."environmentId", t."createdAt", t."updatedAt", t."companyId", t.attributes`;

/** Companies as those see them who administer an environment. */
export function createCompanyDirectory({ db, lists }: { db: Database; lists: ListReader }) {
  return { list, get };

  /**
   * Of one environment, or of all that the caller may read. `total` is an estimate where more than 10,000 match. Throws
   * `forbidden`; `invalid` (`cursor`, `skip`).
   */
  async function list(
    caller: Principal,
    { environmentId, companyId, ...page }: CompanyListFilter & ListPage<"createdAt" | "updatedAt">,
  ): Promise<{ rows: CompanyDetails[]; total: number; isEstimate: boolean; nextCursor: string | null }> {
    const { conditions, values } = dateConditions(page);
    if (companyId !== undefined) conditions.push(`c."companyId" = $${values.push(companyId)}::text`);
    const environmentIds = readableEnvironments(caller, environmentId);
    const source = { table: "companies", columns: COLUMNS, environmentIds, conditions, values };
    const [{ rows, nextCursor }, { total, isEstimate }] = await Promise.all([
      queryList<"createdAt" | "updatedAt", CompanyDetails>(lists, source, page),
      countList(lists, source),
    ]);
    return { rows, total, isEstimate, nextCursor };
  }

  /** By our id. Throws `not_found` (company), `forbidden`. */
  function get(caller: Principal, id: string): Promise<CompanyDetails> {
    return findOwnedRow(db, caller, { columns: COLUMNS, table: "companies", id, resource: "company", level: "read" });
  }
}
