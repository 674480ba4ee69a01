/** A cache that is filled once per key however many ask at the same time, and can be emptied while it is filled. */
export interface SingleFlightCache<Value> {
  /** The cached value, or what `load` resolves to. A rejected load is not cached. */
  get(key: string, load: () => Promise<Value>): Promise<Value>;
  /** The cached value if it is there and fresh, without loading. */
  peek(key: string): Value | undefined;
  delete(key: string): void;
  clear(): void;
}

/**
 * @param ttlMs how long a value is served; read at every use, so that it may change while the cache lives
 * @param maxEntries beyond it the entry filled first is dropped
 */
export function createSingleFlightCache<Value>({
  ttlMs,
  maxEntries,
  now = Date.now,
}: {
  ttlMs: () => number;
  maxEntries: number;
  now?: () => number;
}): SingleFlightCache<Value> {
  const values = new Map<string, { value: Value; loadedAt: number }>();
  const loads = new Map<string, Promise<Value>>();
  return { get, peek, delete: remove, clear };

  function peek(key: string): Value | undefined {
    const entry = values.get(key);
    return entry !== undefined && now() - entry.loadedAt < ttlMs() ? entry.value : undefined;
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
    values.set(key, { value, loadedAt });
    if (values.size <= maxEntries) return;
    const [first] = values.keys();
    if (first !== undefined) values.delete(first);
  }

  function remove(key: string): void {
    values.delete(key);
    loads.delete(key);
  }

  function clear(): void {
    values.clear();
    loads.clear();
  }
}
