/** Does a piece of work, and notes how long it took and whether it failed. Attributes name kinds of things, never people. */
export type Trace = <Result>(
  name: string,
  attributes: Record<string, string | number>,
  work: () => Promise<Result>,
) => Promise<Result>;

/** Where nobody looks. */
export const untraced: Trace = (_name, _attributes, work) => work();
