/** As much of React as it takes to run an SDK's component in Node: hooks over a tree that is rendered anew each time. */

type Cleanup = (() => void) | undefined;

interface Instance {
  cells: unknown[];
  effects: { run: () => Cleanup; cleanup: Cleanup; isDue: boolean; dependencies: readonly unknown[] }[];
}

interface Element {
  type: unknown;
  props: Record<string, unknown>;
}

/** What a host component such as `WebView` was last given. */
export type HostProps = Record<string, unknown>;

/**
 * `module` stands in for `react`. Components that are strings are hosts; `host` gives the props of the one of that name
 * which is in the tree now.
 */
export function createTinyReact() {
  const instances = new Map<string, Instance>();
  let hosts = new Map<string, HostProps>();
  let root: Element | undefined;
  let isScheduled = false;
  let current: Instance = { cells: [], effects: [] };
  let cell = 0;
  let effect = 0;

  return {
    module: { useState, useRef, useCallback, useEffect, useSyncExternalStore },
    host: (name: string): HostProps | undefined => hosts.get(name),
    mount(component: unknown, props: Record<string, unknown>): void {
      root = { type: component, props };
      render();
    },
    unmount(): void {
      root = undefined;
      render();
    },
  };

  function render(): void {
    isScheduled = false;
    hosts = new Map();
    const seen = new Set<string>();
    visit(root, "root", seen);
    for (const [path, instance] of instances) {
      if (seen.has(path)) continue;
      for (const { cleanup } of instance.effects) cleanup?.();
      instances.delete(path);
    }
    for (const { effects } of instances.values())
      for (const entry of effects) {
        if (!entry.isDue) continue;
        entry.isDue = false;
        entry.cleanup?.();
        entry.cleanup = entry.run();
      }
  }

  function visit(node: unknown, path: string, seen: Set<string>): void {
    if (Array.isArray(node)) {
      for (const [index, child] of node.entries()) visit(child, `${path}.${index}`, seen);
      return;
    }
    if (!isElement(node)) return;
    if (typeof node.type === "string") {
      hosts.set(node.type, node.props);
      visit(node.props.children, `${path}/${node.type}`, seen);
    } else if (typeof node.type === "function") {
      const own = `${path}/${node.type.name}`;
      seen.add(own);
      current = instances.get(own) ?? { cells: [], effects: [] };
      instances.set(own, current);
      cell = 0;
      effect = 0;
      const content: unknown = node.type(node.props);
      visit(content, own, seen);
    }
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(render);
  }

  function useState(initial: unknown): [unknown, (value: unknown) => void] {
    const { cells } = current;
    const index = cell++;
    if (!(index in cells)) cells[index] = initial;
    return [
      cells[index],
      (value) => {
        if (Object.is(cells[index], value)) return;
        cells[index] = value;
        schedule();
      },
    ];
  }

  function useRef(initial: unknown): { current: unknown } {
    const [ref] = useState({ current: initial });
    return isRef(ref) ? ref : { current: initial };
  }

  function useCallback(callback: unknown): unknown {
    return callback;
  }

  function useEffect(run: () => Cleanup, dependencies: readonly unknown[]): void {
    const index = effect++;
    const before = current.effects[index];
    const isDue = before?.dependencies.some((value, at) => !Object.is(value, dependencies[at])) ?? true;
    if (before) Object.assign(before, { isDue: isDue || before.isDue, ...(isDue && { run }), dependencies });
    else current.effects[index] = { run, cleanup: undefined, isDue, dependencies };
  }

  function useSyncExternalStore(subscribe: (listener: () => void) => () => void, getSnapshot: () => unknown): unknown {
    useEffect(() => subscribe(schedule), []);
    return getSnapshot();
  }
}

const isElement = (node: unknown): node is Element =>
  typeof node === "object" && node !== null && "type" in node && "props" in node;

const isRef = (value: unknown): value is { current: unknown } =>
  typeof value === "object" && value !== null && "current" in value;
