import { RESERVED_KEYS, SAFE_KEY } from "../attribute-keys/service.ts";
import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { isUniqueViolation } from "../db/errors.ts";
import type { EnvironmentConfiguration, EnvironmentService } from "../environments/service.ts";
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import type { Principal } from "../shared/principal.ts";
import { notFound, Problem, unavailable } from "../shared/problem.ts";
import { createTurns } from "../shared/turns.ts";
import { findContact } from "./aliases.ts";
import {
  type AttributeChange,
  type AttributeConflict,
  applyOperators,
  conflictsOf,
  type Operator,
  operatorsOf,
} from "./attribute-change.ts";
import { type AttributePlan, type AttributeRules, planAttributes } from "./attribute-plan.ts";
import type { ContactWatch } from "./contact-watch.ts";
import type { ContactDetails, ContactDirectory } from "./directory.ts";
import type { ContactService } from "./service.ts";

export type AttributeWriter = ReturnType<typeof createAttributeWriter>;

/** What a change came to. */
export interface AttributeOutcome {
  /** As the change left it: another than named when that was merged into it. */
  contact: ContactDetails;
  /** Keys whose values are not what they were. */
  changed: string[];
  createdKeys: AttributePlan["newKeys"];
  /** What was left out; the rest was done. */
  conflicts: AttributeConflict[];
}

const RULES: AttributeRules = {
  booleanKeysAre: "boolean",
  judgeNewKey: (key) =>
    RESERVED_KEYS.includes(key) ? "reserved" : SAFE_KEY.test(key) && key.length <= 255 ? "allowed" : "invalid",
};

const MAX_TRIES = 4;

/** The environment's keys for a change. */
interface PreparedKeys {
  attributeKeys: ReadonlyMap<string, AttributeDataType>;
  languages: readonly { code: string; alias: string | null }[];
  created: AttributePlan["newKeys"];
  /** Keys that were not made. */
  skipped: ReadonlySet<string>;
  conflicts: AttributeConflict[];
}

interface LockedContact {
  email: string | null;
  attributes: Record<string, AttributeValue>;
}

/** Changes one contact's attributes for those who administer an environment. */
export function createAttributeWriter({
  db,
  createKeys,
  directory,
  environments,
  watch,
}: {
  db: Database;
  createKeys: ContactService["createKeys"];
  directory: ContactDirectory;
  environments: EnvironmentService;
  watch: ContactWatch;
}) {
  const inTurn = createTurns();
  return { change };

  /**
   * Applies the operators to the contact as it is when its turn comes, so that no change is lost whatever runs beside.
   * Unknown keys are made, and what does not fit is left out and reported; strictly, either refuses the whole change.
   * When a contact was seen stays as it is. Throws `not_found` (contact), `forbidden`; strictly `invalid` (`<operator>.<key>`).
   */
  async function change(
    caller: Principal,
    id: string,
    given: AttributeChange,
    { isStrict }: { isStrict: boolean },
  ): Promise<AttributeOutcome> {
    const contact = await findContact<{ id: string; environmentId: string }>(db, caller, {
      columns: `t.id, t."environmentId"`,
      id,
      level: "write",
    });
    const { environmentId, id: contactId } = contact;
    // One at a time for a contact: those that wait for its row would each hold a connection.
    return await inTurn(`${environmentId} ${contactId}`, async () => {
      for (let tries = 1; tries <= MAX_TRIES; tries++) {
        try {
          const environment = await environments.configuration(environmentId);
          const outcome = await db.transaction((tx) => changeOnce(tx, environment, contact.id, given, isStrict));
          if (outcome.createdKeys.length > 0) environments.forget(environmentId);
          return { contact: await directory.get(caller, contactId), ...outcome };
        } catch (error) {
          if (!isUniqueViolation(error, "email")) throw error; // somebody took the address a moment ago
        }
      }
      throw unavailable("The contact is being changed by too many calls at once", 1);
    });
  }

  async function changeOnce(
    tx: Transaction,
    environment: EnvironmentConfiguration,
    id: string,
    given: AttributeChange,
    isStrict: boolean,
  ): Promise<Omit<AttributeOutcome, "contact">> {
    const operators = operatorsOf(given);
    const keys = await prepareKeys(tx, environment.id, given, operators, isStrict);
    const apply = () => applyTo(tx, { id, environmentId: environment.id }, given, { operators, keys, isStrict });
    return await watch.around(tx, environment, { ids: [id] }, apply);
  }

  async function applyTo(
    tx: Transaction,
    { id, environmentId }: { id: string; environmentId: string },
    given: AttributeChange,
    { operators, keys, isStrict }: { operators: ReadonlyMap<string, Operator>; keys: PreparedKeys; isStrict: boolean },
  ): Promise<Omit<AttributeOutcome, "contact">> {
    const [contact] = await tx.query<LockedContact>(
      `select email, attributes from contacts where "environmentId" = $1 and id = $2 for no key update`,
      [environmentId, id],
    );
    if (!contact) throw notFound("contact", id);
    const { email, attributes } = contact;
    const applied = applyOperators(given, email === null ? attributes : { ...attributes, email });
    const fitting = new Map([...applied.submitted].filter(([key]) => !keys.skipped.has(key)));
    const plan = planAttributes(fitting, { attributeKeys: keys.attributeKeys, languages: keys.languages, rules: RULES });
    const conflicts = [...keys.conflicts, ...applied.conflicts, ...conflictsOf(plan.notes, operators)];
    if (typeof plan.email === "string" && plan.email !== email && (await isTaken(tx, environmentId, plan.email))) {
      conflicts.push({ key: "email", operator: operators.get("email") ?? "set", issue: "another contact has this address" });
      plan.email = undefined;
    }
    if (isStrict && conflicts.length > 0) throw refusal(conflicts);
    const changed = changedKeys(contact, plan);
    if (changed.length > 0) await write(tx, environmentId, id, plan, changed);
    return { changed, createdKeys: keys.created, conflicts };
  }

  /** The environment's keys, after those were made that the change needs; strictly, none is made. */
  async function prepareKeys(
    tx: Transaction,
    environmentId: string,
    given: AttributeChange,
    operators: ReadonlyMap<string, Operator>,
    isStrict: boolean,
  ): Promise<PreparedKeys> {
    const [known] = await tx.query<{
      attributeKeys: Record<string, AttributeDataType>;
      languages: { code: string; alias: string | null }[];
    }>(LOAD_KEYS, [environmentId]);
    const { languages = [] } = known ?? {};
    const attributeKeys = new Map(Object.entries(known?.attributeKeys ?? {}));
    if (isStrict) {
      const unknown = [...operators].filter(([key]) => !attributeKeys.has(key) && !COLUMNS.has(key));
      const conflicts = unknown.map(([key, operator]) => ({ key, operator, issue: "the environment has no such attribute key" }));
      return { attributeKeys, languages, created: [], skipped: new Set(unknown.map(([key]) => key)), conflicts };
    }
    // What a new key's first value is does not depend on the contact: it has none yet.
    const { newKeys } = planAttributes(applyOperators(given, {}).submitted, { attributeKeys, languages, rules: RULES });
    if (newKeys.length === 0) return { attributeKeys, languages, created: [], skipped: new Set<string>(), conflicts: [] };
    const { attributeKeys: all, created, skipped } = await createKeys(tx, environmentId, newKeys, RULES);
    if (created.length > 0) await notifyChange(tx, "environment", environmentId);
    const issue = "the limit of attribute keys is reached";
    const conflicts = skipped.map((key) => ({ key, operator: operators.get(key) ?? "set", issue }));
    return { attributeKeys: all, languages, created, skipped: new Set(skipped), conflicts };
  }
}

/** Keys of the contact's own columns; they need no attribute key. */
const COLUMNS = new Set(["email", "userId", "id"]);

const LOAD_KEYS = `
  select
    (select coalesce(json_object_agg(k.key, k."dataType"), '{}') from contact_attribute_keys k where k."environmentId" = $1) as "attributeKeys",
    (select coalesce(json_agg(json_build_object('code', l.code, 'alias', l.alias) order by l."createdAt", l.id), '[]')
      from languages l where l."environmentId" = $1) as languages`;

async function isTaken(tx: Transaction, environmentId: string, email: string): Promise<boolean> {
  return (await tx.query(`select 1 from contacts where "environmentId" = $1 and email = $2`, [environmentId, email])).length > 0;
}

function changedKeys({ email, attributes }: LockedContact, plan: AttributePlan): string[] {
  const changed = Object.entries(plan.patch).filter(([key, value]) => (attributes[key] ?? null) !== value);
  const isNewAddress = plan.email !== undefined && plan.email !== email;
  return [...changed.map(([key]) => key), ...(isNewAddress ? ["email"] : [])];
}

async function write(tx: Transaction, environmentId: string, id: string, plan: AttributePlan, changed: string[]): Promise<void> {
  await tx.query(
    `update contacts set attributes = jsonb_strip_nulls(attributes || $3::jsonb), "updatedAt" = now(),
       email = case when $4::text is null then email else nullif($4, '') end,
       "attributeTimes" = "attributeTimes" || (
         select jsonb_object_agg(key, (extract(epoch from now()) * 1000)::bigint) from unnest($5::text[]) as c(key))
     where "environmentId" = $1 and id = $2`,
    [environmentId, id, JSON.stringify(plan.patch), plan.email === undefined ? null : (plan.email ?? ""), changed],
  );
}

function refusal(conflicts: readonly AttributeConflict[]): Problem {
  const issues = conflicts.map(({ key, operator, issue }) => ({ field: `${operator}.${key}`, issue }));
  return new Problem("invalid", "The change does not fit the contact", { issues });
}
