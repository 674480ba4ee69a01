/** Collects what a page says about its user, so that several calls become one request. Source: sdk-contract §4. */
import type { Identification } from "./api.ts";

export type Attributes = NonNullable<Identification["attributes"]>;

export interface UserChange {
  /** Unset: whoever is known when the batch is sent. */
  userId?: string;
  attributes?: Attributes;
}

export interface UserUpdates {
  /** Adds to the pending batch, which is sent 500 ms after its first change. */
  add(change: UserChange): void;
  /** Sends the pending batch now and waits for all that is under way; false when one failed. */
  flush(): Promise<boolean>;
  isPending(): boolean;
  /** The id that was last set and is not known to be the user's yet. */
  pendingUserId(): string | undefined;
}

const DELAY_MS = 500;

/** `send` must not reject; batches are sent one after the other. A batch that failed is lost. */
export function createUserUpdates({ send }: { send: (change: UserChange) => Promise<boolean> }): UserUpdates {
  let batch: UserChange | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<boolean> | null = null;
  let latestUserId: string | undefined;
  return { add, flush, isPending, pendingUserId: () => latestUserId };

  function add({ userId, attributes }: UserChange): void {
    latestUserId = userId ?? latestUserId;
    batch = { ...batch, ...(userId === undefined ? {} : { userId }), attributes: { ...batch?.attributes, ...attributes } };
    timer ??= setTimeout(flush, DELAY_MS);
  }

  function isPending(): boolean {
    return batch !== null || running !== null;
  }

  function flush(): Promise<boolean> {
    clearTimeout(timer);
    timer = undefined;
    if (batch !== null) running = sendAfter(running ?? Promise.resolve(true), batch);
    batch = null;
    return running ?? Promise.resolve(true);
  }

  function sendAfter(previous: Promise<boolean>, change: UserChange): Promise<boolean> {
    const result = previous.then(async (isPreviousSent) => {
      const isSent = await send(change);
      if (running === result) running = null;
      if (!isPending()) latestUserId = undefined;
      return isPreviousSent && isSent;
    });
    return result;
  }
}
