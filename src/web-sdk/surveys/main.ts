/** The script `/js/surveys.umd.cjs`: sets `window.formbricksSurveys`. Source: sdk-contract §8.3. */
import { handOverPickedFiles } from "./picked-files.ts";
import { createRenderer } from "./renderer.tsx";
import { resendUnsent } from "./survey-session.ts";
import { createUnsentAnswers } from "./unsent-answers.ts";

const unsent = createUnsentAnswers({ storage: findStorage(), now: () => Date.now() });
const { renderSurvey, setNonce } = createRenderer({ unsent });

Object.assign(window, {
  formbricksSurveys: {
    renderSurvey: (options: unknown) => renderSurvey(options),
    renderSurveyModal: (options: unknown) => renderSurvey(options, "modal"),
    renderSurveyInline: (options: unknown) => renderSurvey(options, "inline"),
    onFilePick: handOverPickedFiles,
    setNonce,
  },
});

resendUnsent({
  unsent,
  fetch: (input, init) => fetch(input, init),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});

/** Pages without an origin, as some web views have, may not even ask for it. */
function findStorage(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}
