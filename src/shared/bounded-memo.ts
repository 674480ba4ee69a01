/**
 * Remembers the results of a pure function of a text. At most `maxEntries` results are kept (beyond it the one
 * remembered first is dropped) and texts longer than `maxKeyLength` are computed anew each time, so that strangers'
 * input cannot fill the memory.
 */
export function memoizeBounded<Value>(
  compute: (key: string) => Value,
  { maxEntries, maxKeyLength }: { maxEntries: number; maxKeyLength: number },
): (key: string) => Value {
  const results = new Map<string, { value: Value }>();
  return (key) => {
    const known = results.get(key);
    if (known) return known.value;
    const value = compute(key);
    if (key.length <= maxKeyLength) remember(key, value);
    return value;
  };

  function remember(key: string, value: Value): void {
    if (results.size >= maxEntries) {
      const [first] = results.keys();
      if (first !== undefined) results.delete(first);
    }
    results.set(key, { value });
  }
}
