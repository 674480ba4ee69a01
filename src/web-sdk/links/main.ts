/** The script `/js/links.umd.cjs`: puts the survey of a link survey's page on it. */
import { isRecord } from "../../responses/answer-values.ts";
import { readSurvey } from "../surveys/survey.ts";
import { textsOf } from "../surveys/survey-language.ts";
import { hiddenFieldsFrom, prefilledFrom } from "./link-query.ts";

interface Surveys {
  renderSurvey(options: object): void;
  setNonce(nonce: string): void;
}

const isSurveys = (value: unknown): value is Surveys => isRecord(value) && typeof value.renderSurvey === "function";

function start(): void {
  const surveys: unknown = Reflect.get(window, "formbricksSurveys");
  const holder = document.getElementById("mortar-link");
  const data: unknown = JSON.parse(holder?.textContent ?? "null");
  if (!isSurveys(surveys) || !isRecord(data)) return;
  const survey = readSurvey(data.survey);
  if (survey === null) return;
  const query = new URLSearchParams(window.location.search);
  const nonce = document.querySelector("script[nonce]");
  if (nonce instanceof HTMLElement && nonce.nonce) surveys.setNonce(nonce.nonce);
  surveys.renderSurvey({
    ...data,
    appUrl: window.location.origin,
    mode: "inline",
    containerId: "survey",
    isWebEnvironment: true,
    source: query.get("source") ?? undefined,
    startAt: query.get("startAt") ?? undefined,
    skipPrefilled: query.get("skipPrefilled") === "true",
    hiddenFieldsRecord: hiddenFieldsFrom(survey, query),
    prefillResponseData: prefilledFrom(survey, query, textsOf(String(data.languageCode))),
    onFinished: () => tellParent(data.isEmbedded === true),
  });
}

/** The page that frames an embedded survey may want to go on when it is done. It is told nothing of the answers. */
function tellParent(isEmbedded: boolean): void {
  if (isEmbedded && window.parent !== window) window.parent.postMessage("formbricksSurveyCompleted", "*");
}

start();
