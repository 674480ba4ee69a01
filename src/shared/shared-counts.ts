/** Counts of requests, kept where every server of an installation reaches them. */
export interface SharedCounts {
  /**
   * Adds to the windows of the keys, each named once; answers in their order. Windows are aligned to the store's own
   * clock, so that servers whose clocks differ count together. Rejects when the store is away; what was added then is
   * unknown.
   */
  add(additions: readonly CountAddition[]): Promise<WindowCount[]>;
  close(): Promise<void>;
}

export interface CountAddition {
  key: string;
  requests: number;
  windowMs: number;
}

/** A window after an addition. */
export interface WindowCount {
  /** Requests of all servers so far. */
  total: number;
  /** Until the window ends. */
  leftMs: number;
}
