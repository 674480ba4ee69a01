import type { ContactSnapshot } from "../webhooks/service.ts";

/** A contact before or after a write. */
export interface WatchedContact extends ContactSnapshot {
  /** Our own id of its company. */
  ownCompanyId: string | null;
}

export interface ContactPair {
  /** Null: it was not there. */
  before: WatchedContact | null;
  after: WatchedContact;
}
