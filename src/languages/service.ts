import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { findOwnedRow, readableEnvironments } from "../db/owned-row.ts";
import { type Page, queryPage } from "../db/page.ts";
import { canonicalLanguage, legacyLanguageCodes } from "../shared/language-tag.ts";
import { type PermissionLevel, type Principal, requireEnvironment } from "../shared/principal.ts";
import { conflict, invalidField, notFound, Problem } from "../shared/problem.ts";

export type LanguageService = ReturnType<typeof createLanguageService>;

/** A language that an environment's surveys may be written in. */
export interface Language {
  environmentId: string;
  id: string;
  createdAt: Date;
  updatedAt: Date;
  /** Canonical (`de-DE`), unless it came by import from a time of bare codes (`de`). Texts of surveys stand under it. */
  code: string;
  /** What else the environment's contacts may call it. */
  alias: string | null;
  /** Ids of the surveys that are written in it, sorted. */
  surveys: string[];
}

export interface LanguageInput {
  environmentId: string;
  /** Any spelling that names a language: `de`, `de_DE`. */
  code: string;
  alias?: string | null | undefined;
}

const COLUMNS = `
  t.id, t."environmentId", t."createdAt", t."updatedAt", t.code, t.alias,
  array(select sl."surveyId" from survey_languages sl
        where sl."environmentId" = t."environmentId" and sl."languageId" = t.id order by sl."surveyId") as surveys`;

/** Languages of environments. Source: client-api §3, §4.5, §6.6; survey-model §10. */
export function createLanguageService({
  db,
  newId,
  now,
  forgetEnvironment,
}: {
  db: Database;
  newId: () => string;
  now: () => number;
  /** Drops what this process has cached of the environment. */
  forgetEnvironment: (environmentId: string) => void;
}) {
  return { list, get, create, update, remove };

  /** Of one environment, or of all that the caller may read. Throws `forbidden`. */
  async function list(
    caller: Principal,
    { environmentId, ...page }: Page & { environmentId?: string | undefined },
  ): Promise<{ rows: Language[]; total: number }> {
    const values = [readableEnvironments(caller, environmentId)];
    return await queryPage(db, { columns: COLUMNS, from: `from languages t where t."environmentId" = any($1)`, values }, page);
  }

  /** Throws `not_found` (language), `forbidden`. */
  function get(caller: Principal, id: string): Promise<Language> {
    return find(caller, id, "read");
  }

  /**
   * Throws `forbidden`; `invalid` (`code`) when it names no language; `conflict` (`code`, `alias`) when the environment
   * has a language that is called so.
   */
  async function create(caller: Principal, { environmentId, code: given, alias = null }: LanguageInput): Promise<Language> {
    requireEnvironment(caller, environmentId, "write");
    const code = canonicalLanguage(given);
    if (code === null) throw invalidField("code", "Not a language code such as de, de-DE or zh-Hant-TW");
    return await change(environmentId, async (tx) => {
      const id = newId();
      const others = await loadOthers(tx, environmentId, id);
      if (others.some((other) => canonicalCode(other) === code))
        throw conflict("code", `The environment already has the language ${code}`);
      requireUnused("code", code, others);
      if (alias !== null) requireUnused("alias", alias, others);
      await tx.query(
        `insert into languages ("environmentId", id, "createdAt", "updatedAt", code, alias) values ($1, $2, $3, $3, $4, $5)`,
        [environmentId, id, new Date(now()), code, alias],
      );
      return load(tx, environmentId, id);
    });
  }

  /**
   * Gives the language another alias, or none; an absent one stays. The code stays, because texts and answers name it.
   * Throws `not_found` (language), `forbidden`, `conflict` (`alias`).
   */
  async function update(caller: Principal, id: string, { alias }: { alias?: string | null | undefined }): Promise<Language> {
    const { environmentId } = await find(caller, id, "write");
    return await change(environmentId, async (tx) => {
      if (typeof alias === "string") requireUnused("alias", alias, await loadOthers(tx, environmentId, id));
      const stored = await load(tx, environmentId, id);
      await tx.query(`update languages set alias = $3, "updatedAt" = $4 where "environmentId" = $1 and id = $2`, [
        environmentId,
        id,
        alias === undefined ? stored.alias : alias,
        new Date(now()),
      ]);
      return load(tx, environmentId, id);
    });
  }

  /**
   * Deletes a language that no survey is written in. Throws `not_found` (language), `forbidden`; `conflict` with an issue
   * (`surveys`) for each survey that uses it.
   */
  async function remove(caller: Principal, id: string): Promise<Language> {
    const { environmentId } = await find(caller, id, "manage");
    return await change(environmentId, async (tx) => {
      // A survey that is being given the language holds a lock on its row: it is waited for and then seen.
      await tx.query(`select 1 from languages where "environmentId" = $1 and id = $2 for update`, [environmentId, id]);
      const language = await load(tx, environmentId, id);
      await requireNoSurvey(tx, language);
      await tx.query(`delete from languages where "environmentId" = $1 and id = $2`, [environmentId, id]);
      return language;
    });
  }

  function find(caller: Principal, id: string, level: PermissionLevel): Promise<Language> {
    return findOwnedRow(db, caller, { columns: COLUMNS, table: "languages", id, resource: "language", level });
  }

  /** A change of the environment's languages. They go one after another, because each is checked against the others. */
  async function change(environmentId: string, work: (tx: Transaction) => Promise<Language>): Promise<Language> {
    const result = await db.transaction(async (tx) => {
      await tx.query(`select 1 from environments where id = $1 for no key update`, [environmentId]);
      const done = await work(tx);
      await notifyChange(tx, "environment", environmentId);
      return done;
    });
    forgetEnvironment(environmentId);
    return result;
  }
}

async function load(tx: Transaction, environmentId: string, id: string): Promise<Language> {
  const [language] = await tx.query<Language>(`select ${COLUMNS} from languages t where t."environmentId" = $1 and t.id = $2`, [
    environmentId,
    id,
  ]);
  if (!language) throw notFound("language", id);
  return language;
}

type Name = Pick<Language, "code" | "alias">;

const loadOthers = (tx: Transaction, environmentId: string, id: string): Promise<Name[]> =>
  tx.query<Name>(`select code, alias from languages where "environmentId" = $1 and id <> $2 order by "createdAt", id`, [
    environmentId,
    id,
  ]);

const canonicalCode = ({ code }: Name): string => canonicalLanguage(code) ?? code;

/** All that a contact's language is compared with to find this one, in lower case. */
const namesOf = ({ code, alias }: Name): string[] => {
  const canonical = canonicalLanguage(code) ?? code;
  return [code, canonical, ...legacyLanguageCodes(canonical), ...(alias === null ? [] : [alias])].map((name) =>
    name.toLowerCase(),
  );
};

/** Nobody could tell which of two languages with one name a contact speaks. Throws `conflict` (`field`). */
function requireUnused(field: "code" | "alias", name: string, others: readonly Name[]): void {
  const own = field === "code" ? namesOf({ code: name, alias: null }) : [name.toLowerCase()];
  const taken = others.find((other) => namesOf(other).some((known) => own.includes(known)));
  if (taken) throw conflict(field, `The environment's language ${taken.code} is already called ${name}`);
}

async function requireNoSurvey(tx: Transaction, { environmentId, id }: Language): Promise<void> {
  const surveys = await tx.query<{ id: string; name: string }>(
    `select s.id, s.name from survey_languages sl
     join surveys s on s."environmentId" = sl."environmentId" and s.id = sl."surveyId"
     where sl."environmentId" = $1 and sl."languageId" = $2 order by s.name, s.id`,
    [environmentId, id],
  );
  if (surveys.length === 0) return;
  throw new Problem("conflict", "The language is in use", {
    issues: surveys.map((survey) => ({
      field: "surveys",
      issue: `The survey "${survey.name}" (${survey.id}) uses this language`,
      meta: { id: survey.id },
    })),
  });
}
