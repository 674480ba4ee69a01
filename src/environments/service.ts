import type { Logger } from "pino";
import type { ChangeFeed } from "../db/change-feed.ts";
import type { Database } from "../db/database.ts";
import { isUnavailable } from "../db/errors.ts";
import { onceCommitted } from "../db/write-scope.ts";
import { type CompiledSegment, compileSegments, findFacts, type SegmentFacts, type SegmentRow } from "../segments/service.ts";
import type { AttributeDataType } from "../shared/attributes.ts";
import { notFound } from "../shared/problem.ts";
import { createSingleFlightCache, type Served } from "../shared/single-flight-cache.ts";
import { type EnvironmentState, type Installation, type LoadedState, loadState } from "./state.ts";

export type { InteractionRefresh } from "./interaction-refresh.ts";
export { type LiveSurvey, type LiveSurveyLanguage, type LiveSurveyRow, readLiveSurvey, readStyling } from "./live-survey.ts";
export type { EnvironmentState } from "./state.ts";

/** What identify needs to know of an environment; the same for every call until someone changes it. */
export interface EnvironmentConfiguration {
  id: string;
  legacyId: string | null;
  projectId: string;
  organizationId: string;
  /** Attribute key → the type of its values. */
  attributeKeys: ReadonlyMap<string, AttributeDataType>;
  segments: readonly CompiledSegment[];
  /** What the segments ask of a contact's company and events; null: nothing. */
  facts: SegmentFacts | null;
  /** Languages of the environment, as configured. */
  languages: readonly { code: string; alias: string | null }[];
  /** Whether contacts were merged, so that a user id may lead to a contact of another one. */
  hasAliases: boolean;
  /** Events that some webhook of the environment asks for. Of the others nobody has to be told. */
  listenedEvents: ReadonlySet<string>;
  /** Any of them signs user ids of the client API; null: no signature is asked for. */
  identifySecrets: readonly string[] | null;
}

export type EnvironmentService = ReturnType<typeof createEnvironmentService>;

/** How long a configuration is served at most; a change drops it at once unless the change feed is cut off. */
const TTL_MS = 60_000;
const TTL_WITHOUT_FEED_MS = 1_000;

/** What SDKs are told goes on for this long after the database went away, or when it takes longer to answer. */
const STALE = { isAway: isUnavailable, forMs: 60_000, patienceMs: 1_000, outdatedPatienceMs: 2_500 };

/** States hold whole surveys and, beside them, their serialized forms: some hundred kilobytes each. */
const MAX_STATES = 1_000;

const LOAD_CONFIGURATION = {
  name: "environment_configuration",
  text: `
    select e.id, e."legacyId", e."projectId", p."organizationId", e."identifySecret", e."previousIdentifySecret",
      (select coalesce(json_object_agg(k.key, k."dataType"), '{}') from contact_attribute_keys k where k."environmentId" = e.id) as "attributeKeys",
      (select coalesce(json_agg(json_build_object('id', s.id, 'filters', s.filters) order by s."createdAt", s.id), '[]') from segments s where s."environmentId" = e.id) as segments,
      (select coalesce(json_agg(json_build_object('code', l.code, 'alias', l.alias) order by l."createdAt", l.id), '[]') from languages l where l."environmentId" = e.id) as languages,
      exists (select from contact_aliases a where a."environmentId" = e.id) as "hasAliases",
      (select coalesce(json_agg(distinct t.name), '[]') from webhooks w cross join unnest(w.triggers) as t(name) where w."environmentId" = e.id) as "listenedEvents"
    from environments e join projects p on p.id = e."projectId"
    where e.id = $1 or e."legacyId" = $1
    order by e.id = $1 desc limit 1`,
};

interface ConfigurationRow {
  id: string;
  legacyId: string | null;
  projectId: string;
  organizationId: string;
  attributeKeys: Record<string, AttributeDataType>;
  segments: SegmentRow[];
  languages: { code: string; alias: string | null }[];
  hasAliases: boolean;
  listenedEvents: string[];
  /** Sealed, as is the one before. */
  identifySecret: string | null;
  previousIdentifySecret: string | null;
}

/** Environments: the owners of all contacts, surveys and answers, known by an id or a legacy id. */
export function createEnvironmentService({
  db,
  changes,
  log,
  installation,
  openSecret,
  identifySecrets,
}: {
  db: Database;
  changes: ChangeFeed;
  log: Logger;
  installation: Installation;
  /** Throws when it is sealed with a key that is not there. */
  openSecret: (sealed: string) => string;
  /** Of environments that have none; empty: these ask for no signature. */
  identifySecrets: readonly string[];
}) {
  const ttlMs = () => (changes.isListening() ? TTL_MS : TTL_WITHOUT_FEED_MS);
  const configurations = createSingleFlightCache<EnvironmentConfiguration>({ ttlMs, maxEntries: 10_000, stale: STALE });
  const states = createSingleFlightCache<LoadedState>({ ttlMs, maxEntries: MAX_STATES, stale: STALE });
  /** Environment id → the legacy id under which its configuration may be cached too. */
  const legacyIds = new Map<string, string>();
  changes.subscribe("environment", drop, forgetAll);
  return { configuration, knownConfiguration, state, knownState, stateAnyway, forget };

  /** Takes an id or a legacy id. Throws `not_found` (type `environment`) with the id as given. */
  function configuration(id: string): Promise<EnvironmentConfiguration> {
    return configurations.get(id, () => loadConfiguration(id));
  }

  /** The same without waiting; undefined when it has to be read. */
  function knownConfiguration(id: string): EnvironmentConfiguration | undefined {
    return configurations.peek(id);
  }

  /**
   * What SDKs are told: the same object to every caller until something changes, so that what is made of it can be
   * kept beside it. Records at the first call that an SDK is set up. Throws as {@link configuration} does.
   */
  async function state(id: string): Promise<EnvironmentState> {
    const environment = await configuration(id);
    const loaded = await states.get(environment.id, () => loadStateOf(environment.id, id));
    if (!loaded.isSetUp) await recordSetup(loaded);
    return loaded.state;
  }

  /** The same without waiting; undefined when something has to be read or recorded. */
  function knownState(id: string): EnvironmentState | undefined {
    const environment = configurations.peek(id);
    const loaded = environment && states.peek(environment.id);
    return loaded?.isSetUp ? loaded.state : undefined;
  }

  /** As {@link state}, but for a minute after the database went away it is told from memory, with its age. */
  async function stateAnyway(id: string): Promise<Served<EnvironmentState>> {
    const { value: environment } = await configurations.getAnyway(id, () => loadConfiguration(id));
    const { value: loaded, ...age } = await states.getAnyway(environment.id, () => loadStateOf(environment.id, id));
    if (!loaded.isSetUp && !age.isStale) await recordSetup(loaded);
    return { value: loaded.state, ...age };
  }

  async function loadStateOf(environmentId: string, givenId: string): Promise<LoadedState> {
    const found = await loadState(db, environmentId, installation);
    if (!found) throw notFound("environment", givenId);
    return found;
  }

  /** Nobody's request fails for it: after a failure the next request records it. */
  async function recordSetup(loaded: LoadedState): Promise<void> {
    loaded.isSetUp = true;
    try {
      await db.query(
        `update environments set "appSetupCompleted" = true, "updatedAt" = now() where id = $1 and not "appSetupCompleted"`,
        [loaded.state.id],
      );
    } catch (error) {
      loaded.isSetUp = false;
      log.warn({ err: error, environmentId: loaded.state.id }, "setup not recorded");
    }
  }

  /** Drops what is cached of the environment in this process; others are told by the change feed. */
  function forget(environmentId: string): void {
    onceCommitted(() => drop(environmentId));
  }

  function drop(environmentId: string): void {
    configurations.delete(environmentId);
    states.delete(environmentId);
    const legacyId = legacyIds.get(environmentId);
    if (legacyId !== undefined) configurations.delete(legacyId);
  }

  function forgetAll(): void {
    configurations.clear();
    states.clear();
  }

  async function loadConfiguration(id: string): Promise<EnvironmentConfiguration> {
    const [row] = await db.query<ConfigurationRow>(LOAD_CONFIGURATION, [id]);
    if (!row) throw notFound("environment", id);
    if (row.legacyId !== null) legacyIds.set(row.id, row.legacyId);
    const { identifySecret, previousIdentifySecret, ...columns } = row;
    const attributeKeys = new Map(Object.entries(row.attributeKeys));
    return {
      ...columns,
      identifySecrets: openIdentifySecrets(id, [identifySecret, previousIdentifySecret]),
      attributeKeys,
      segments: compileSegments(row.segments, attributeKeys),
      facts: findFacts(row.segments),
      listenedEvents: new Set(row.listenedEvents),
    };
  }

  /** A secret that cannot be opened signs nothing, and is asked for all the same: else whoever breaks it opens the door. */
  function openIdentifySecrets(environmentId: string, sealed: (string | null)[]): readonly string[] | null {
    const own = sealed.filter((each) => each !== null);
    if (own.length === 0) return identifySecrets.length === 0 ? null : identifySecrets;
    try {
      return own.map(openSecret);
    } catch (error) {
      log.error({ err: error, environmentId }, "an identify secret cannot be read; was ENCRYPTION_KEY changed?");
      return [];
    }
  }
}
