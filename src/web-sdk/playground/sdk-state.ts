/** What the SDK itself knows of its user: the state it keeps in the browser's storage. */
import { isRecord } from "../../responses/answer-values.ts";

export interface SdkState {
  userId: string | null;
  contactId: string | null;
  displays: { surveyId: string; createdAt: string }[];
}

const STORE_KEY = "formbricks-js";
const NOBODY: SdkState = { userId: null, contactId: null, displays: [] };

/** As JSON, so that two can be compared; empty when there is none. */
export const storedState = (): string => localStorage.getItem(STORE_KEY) ?? "";

/** Makes the SDK fetch everything anew at its next setup. */
export const forgetState = (): void => localStorage.removeItem(STORE_KEY);

export function readState(stored: string): SdkState {
  const state: unknown = stored === "" ? null : JSON.parse(stored);
  const user = isRecord(state) && isRecord(state.user) && isRecord(state.user.data) ? state.user.data : {};
  const { userId, contactId, displays } = user;
  return {
    ...NOBODY,
    ...(typeof userId === "string" && { userId }),
    ...(typeof contactId === "string" && { contactId }),
    displays: (Array.isArray(displays) ? displays : []).filter(isRecord).map(({ surveyId, createdAt }) => ({
      surveyId: String(surveyId),
      createdAt: String(createdAt),
    })),
  };
}
