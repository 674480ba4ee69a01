import { unavailable } from "./problem.ts";

/** A cache that is filled once per key however many ask at the same time, and can be emptied while it is filled. */
export interface SingleFlightCache<Value> {
  /** The cached value, or what `load` resolves to. A rejected load is not cached. */
  get(key: string, load: () => Promise<Value>): Promise<Value>;
  /**
   * As `get`, but what is in memory is served past its lifetime while the source is away, as long as
   * {@link StaleOptions} allows. Rejects as `get` does when there is nothing, or when it has been away for too long.
   */
  getAnyway(key: string, load: () => Promise<Value>): Promise<Served<Value>>;
  /** The cached value if it is there and fresh, without loading. */
  peek(key: string): Value | undefined;
  /** It changed, and is not served again. */
  delete(key: string): void;
  /** Any may have changed: they are read anew before they are served, or go on as {@link StaleOptions} allow. */
  clear(): void;
}

/** A value and how it came about. */
export interface Served<Value> {
  value: Value;
  /** Since it was read from its source. */
  ageMs: number;
  /** It is past its lifetime: its source is away. */
  isStale: boolean;
}

/** When a value is served past its lifetime. */
export interface StaleOptions {
  /** Whether the error of a load means that the source is away. */
  isAway(error: unknown): boolean;
  /** For how long after the source went away. */
  forMs: number;
  /** A source that has not answered in this time counts as away. */
  patienceMs: number;
  /** The same where what is in memory may have changed. */
  outdatedPatienceMs: number;
}

/** How often a source that is away is asked again, of each key. */
const RETRY_MS = 1_000;

/**
 * @param ttlMs how long a value is served; read at every use, so that it may change while the cache lives
 * @param maxEntries beyond it the entry filled first is dropped
 */
export function createSingleFlightCache<Value>({
  ttlMs,
  maxEntries,
  stale,
  now = Date.now,
}: {
  ttlMs: () => number;
  maxEntries: number;
  stale?: StaleOptions;
  now?: () => number;
}): SingleFlightCache<Value> {
  const values = new Map<string, Entry<Value>>();
  const loads = new Map<string, Promise<Value>>();
  let awaySince: number | null = null;
  return { get, getAnyway, peek, delete: remove, clear };

  function peek(key: string): Value | undefined {
    const entry = values.get(key);
    return entry !== undefined && isFresh(entry) ? entry.value : undefined;
  }

  /** A value of the future was read before the clock was put back: nobody knows its age. */
  function isFresh({ loadedAt, isOutdated }: Entry<Value>): boolean {
    const age = now() - loadedAt;
    return !isOutdated && age >= 0 && age < ttlMs();
  }

  async function getAnyway(key: string, load: () => Promise<Value>): Promise<Served<Value>> {
    const entry = values.get(key);
    if (entry === undefined || stale === undefined) return fresh(await get(key, load), values.get(key));
    if (isFresh(entry)) return fresh(entry.value, entry);
    const isTriedJustNow = awaySince !== null && now() - entry.triedAt < RETRY_MS;
    return isTriedJustNow ? anyway(entry, stale) : await reload(key, load, entry, stale);
  }

  async function reload(key: string, load: () => Promise<Value>, entry: Entry<Value>, options: StaleOptions) {
    entry.triedAt = now();
    try {
      const patienceMs = entry.isOutdated ? options.outdatedPatienceMs : options.patienceMs;
      return fresh(await inTime(get(key, load), patienceMs), values.get(key));
    } catch (error) {
      if (error === LATE || options.isAway(error)) {
        awaySince ??= now();
        return anyway(entry, options, error === LATE ? undefined : error);
      }
      if (values.get(key) === entry) values.delete(key);
      throw error;
    }
  }

  function fresh(value: Value, entry: Entry<Value> | undefined): Served<Value> {
    return { value, ageMs: entry ? Math.max(0, now() - entry.loadedAt) : 0, isStale: false };
  }

  function anyway({ value, loadedAt }: Entry<Value>, { forMs }: StaleOptions, error?: unknown): Served<Value> {
    const awayMs = awaySince === null ? 0 : now() - awaySince;
    if (awayMs > forMs || awayMs < 0) throw error ?? unavailable("The database cannot be reached", 5);
    return { value, ageMs: Math.max(0, now() - loadedAt), isStale: true };
  }

  function get(key: string, load: () => Promise<Value>): Promise<Value> {
    const cached = peek(key);
    if (cached !== undefined) return Promise.resolve(cached);
    const underWay = loads.get(key);
    if (underWay) return underWay;
    const loadedAt = now();
    // The entry in `loads` is the licence to store: whoever empties the cache meanwhile takes it away, because
    // what is being read may be older than the change that emptied it.
    const loading: Promise<Value> = load()
      .then((value) => {
        awaySince = null;
        if (loads.get(key) === loading) store(key, value, loadedAt);
        return value;
      })
      .finally(() => {
        if (loads.get(key) === loading) loads.delete(key);
      });
    loads.set(key, loading);
    return loading;
  }

  function store(key: string, value: Value, loadedAt: number): void {
    values.delete(key);
    values.set(key, { value, loadedAt, triedAt: loadedAt, isOutdated: false });
    if (values.size <= maxEntries) return;
    const [first] = values.keys();
    if (first !== undefined) values.delete(first);
  }

  function remove(key: string): void {
    values.delete(key);
    loads.delete(key);
  }

  function clear(): void {
    loads.clear();
    if (stale) for (const entry of values.values()) entry.isOutdated = true;
    else values.clear();
  }
}

interface Entry<Value> {
  value: Value;
  loadedAt: number;
  /** When its source was last asked. */
  triedAt: number;
  /** It may have changed since it was read. */
  isOutdated: boolean;
}

const LATE = new Error("the source has not answered in time");

/** Rejects with {@link LATE} when it takes longer; the work goes on. */
function inTime<Value>(work: Promise<Value>, timeoutMs: number): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, timeoutMs, LATE);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
