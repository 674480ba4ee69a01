/** What a page may listen to. Source: sdk-contract §8.2. */
import type { Log } from "./log.ts";

export interface EventPayloads {
  formbricks_setup_successful: { workspaceId: string };
  /** A code action's key, else the action's name. */
  formbricks_action_tracked: { action: string };
  formbricks_survey_shown: { surveyId: string };
  /** Once when the response was created, and once more, `finished`, when its last answer was accepted. */
  formbricks_response_submitted: { surveyId: string; responseId?: string; finished: boolean };
  formbricks_survey_closed: { surveyId: string };
}

type Handler = (payload: unknown) => void;

export interface Events {
  emit<Name extends keyof EventPayloads>(name: Name, payload: EventPayloads[Name]): void;
  /** Returns a function that takes the handler away again. */
  on(name: string, handler: Handler): () => void;
  off(name: string, handler: Handler): void;
}

export function createEvents({ log }: { log: Log }): Events {
  const handlers = new Map<string, Set<Handler>>();
  return { emit, on, off };

  function emit<Name extends keyof EventPayloads>(name: Name, payload: EventPayloads[Name]): void {
    log.debug(`Event ${name}: ${JSON.stringify(payload)}`);
    for (const handler of [...(handlers.get(name) ?? [])]) {
      try {
        handler(payload);
      } catch (error) {
        log.error(`A handler of ${name} failed`, error);
      }
    }
  }

  function on(name: string, handler: Handler): () => void {
    const those = handlers.get(name) ?? new Set();
    handlers.set(name, those.add(handler));
    return () => off(name, handler);
  }

  function off(name: string, handler: Handler): void {
    handlers.get(name)?.delete(handler);
  }
}
