/** The script `/js/surveys.umd.cjs`: sets `window.formbricksSurveys`. Source: sdk-contract §8.3. */
import { handOverPickedFiles } from "./picked-files.ts";
import { createRenderer } from "./renderer.tsx";

const { renderSurvey, setNonce } = createRenderer();

Object.assign(window, {
  formbricksSurveys: {
    renderSurvey: (options: unknown) => renderSurvey(options),
    renderSurveyModal: (options: unknown) => renderSurvey(options, "modal"),
    renderSurveyInline: (options: unknown) => renderSurvey(options, "inline"),
    onFilePick: handOverPickedFiles,
    setNonce,
  },
});
