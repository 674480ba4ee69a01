/** What `renderSurvey` is given by the core, a mobile SDK's page or anyone else. Source: sdk-contract §8.3. */
import { isRecord, type ResponseData } from "../../responses/answer-values.ts";
import type { ResponseUpdate } from "./response-queue.ts";
import { readSurvey, type Survey } from "./survey.ts";

export type Placement = "bottomRight" | "bottomLeft" | "topRight" | "topLeft" | "center";
export type Overlay = "none" | "light" | "dark";

export interface RenderOptions {
  survey: Survey;
  /** Null: the caller sends displays and responses itself. */
  server: { appUrl: string; environmentId: string } | null;
  contactId: string | undefined;
  userId: string | undefined;
  /** Of link surveys. */
  singleUseId: string | undefined;
  pinAuthToken: string | undefined;
  /** The unfinished response that is gone on with; undefined: a new one. */
  responseId: string | undefined;
  styling: Readonly<Record<string, unknown>>;
  isBrandingEnabled: boolean;
  /** The key of the survey's texts. */
  languageCode: string;
  /** Undefined: by the language. */
  direction: "ltr" | "rtl" | undefined;
  placement: Placement;
  overlay: Overlay;
  clickOutside: boolean;
  action: string | undefined;
  /** Where the respondent comes from, as their link says. */
  source: string | undefined;
  hiddenFields: Readonly<Record<string, unknown>>;
  prefilled: ResponseData;
  /** Cards whose answers are all there already are passed over. */
  skipPrefilled: boolean;
  /** The element or block to begin at, without what comes before it. */
  startAt: string | undefined;
  responseCount: number | undefined;
  /** Whether the page's address says something, which it does not in apps. */
  isWebEnvironment: boolean;
  isSpamProtectionEnabled: boolean;
  recaptchaSiteKey: string | undefined;
  mode: "modal" | "inline";
  containerId: string | undefined;
  customCss: string | undefined;
  callbacks: Callbacks;
}

export interface Callbacks {
  onDisplay(): void;
  onDisplayCreated(): void;
  onResponse(update: ResponseUpdate): void;
  onResponseCreated(response: { responseId: string }): void;
  onFinished(): void;
  onClose(): void;
  onRetry(): void;
  onCardRectChange(rect: { x: number; y: number; width: number; height: number } | null): void;
  getSetIsError(set: (isError: boolean) => void): void;
  getSetIsResponseSendingFinished(set: (isFinished: boolean) => void): void;
  /** Undefined: a new window is opened. */
  onOpenExternalURL: ((url: string) => void) | undefined;
  /** Returns the file's address. */
  onFileUpload: ((file: unknown, parameters: unknown) => Promise<unknown>) | undefined;
  getRecaptchaToken: (() => Promise<unknown>) | undefined;
  /** Whether a sender of old tells when the last answer arrived. */
  tellsWhenSent: boolean;
}

const PLACEMENTS: readonly Placement[] = ["bottomRight", "bottomLeft", "topRight", "topLeft", "center"];
const OVERLAYS: readonly Overlay[] = ["none", "light", "dark"];

/** Throws when there is no survey to render, for nothing can be shown then. */
export function readOptions(given: unknown, mode?: "modal" | "inline"): RenderOptions {
  const options = isRecord(given) ? given : {};
  const survey = readSurvey(options.survey);
  if (survey === null) throw new Error("renderSurvey was given no survey");
  const placement = PLACEMENTS.find((known) => known === options.placement);
  return {
    survey,
    server: readServer(options),
    contactId: text(options.contactId),
    userId: text(options.userId),
    singleUseId: text(options.singleUseId),
    pinAuthToken: text(options.pinAuthToken),
    responseId: text(options.responseId),
    styling: isRecord(options.styling) ? options.styling : {},
    isBrandingEnabled: options.isBrandingEnabled === true,
    languageCode: text(options.languageCode) ?? "default",
    direction: options.dir === "rtl" || options.dir === "ltr" ? options.dir : undefined,
    placement: placement ?? "bottomRight",
    overlay: OVERLAYS.find((known) => known === options.overlay) ?? overlayOfOld(options, placement),
    clickOutside: (options.clickOutside ?? options.clickOutsideClose) === true,
    action: text(options.action),
    source: text(options.source),
    hiddenFields: isRecord(options.hiddenFieldsRecord) ? options.hiddenFieldsRecord : {},
    prefilled: readAnswers(options.prefillResponseData),
    skipPrefilled: options.skipPrefilled === true,
    startAt: text(options.startAt),
    responseCount: typeof options.responseCount === "number" ? options.responseCount : undefined,
    isWebEnvironment: options.isWebEnvironment !== false,
    isSpamProtectionEnabled: (options.isSpamProtectionEnabled ?? survey.isRecaptchaEnabled) === true,
    recaptchaSiteKey: text(options.recaptchaSiteKey),
    mode: mode ?? (options.mode === "inline" ? "inline" : "modal"),
    containerId: text(options.containerId),
    customCss: text(options.customCss),
    callbacks: readCallbacks(options),
  };
}

/** Before `overlay`, a survey in the centre had a dark or a light one. */
function overlayOfOld({ darkOverlay }: Json, placement: Placement | undefined): Overlay {
  if (darkOverlay === true) return "dark";
  return darkOverlay === false && placement === "center" ? "light" : "none";
}

type Json = Readonly<Record<string, unknown>>;

function readServer({ appUrl, workspaceId, environmentId }: Json): RenderOptions["server"] {
  const id = text(workspaceId) ?? text(environmentId);
  const url = text(appUrl);
  return url === undefined || id === undefined ? null : { appUrl: url.replace(/\/+$/, ""), environmentId: id };
}

function readCallbacks(options: Json): Callbacks {
  const call = (name: string) => callable(options[name]) ?? (() => undefined);
  const openUrl = callable(options.onOpenExternalURL);
  const upload = callable(options.onFileUpload);
  const token = callable(options.getRecaptchaToken);
  return {
    onDisplay: call("onDisplay"),
    onDisplayCreated: call("onDisplayCreated"),
    onResponse: call("onResponse"),
    onResponseCreated: call("onResponseCreated"),
    onFinished: call("onFinished"),
    onClose: call("onClose"),
    onRetry: call("onRetry"),
    onCardRectChange: call("onCardRectChange"),
    getSetIsError: call("getSetIsError"),
    getSetIsResponseSendingFinished: call("getSetIsResponseSendingFinished"),
    onOpenExternalURL: openUrl,
    onFileUpload: upload && (async (file, parameters) => await upload(file, parameters)),
    getRecaptchaToken: token && (async () => await token()),
    tellsWhenSent: callable(options.getSetIsResponseSendingFinished) !== undefined,
  };
}

/** The page's function, whose failure is the page's and must not stop the survey. */
function callable(value: unknown): ((...args: unknown[]) => unknown) | undefined {
  if (typeof value !== "function") return undefined;
  return (...args) => {
    try {
      return value(...args);
    } catch (error) {
      reportError(error);
      return undefined;
    }
  };
}

function readAnswers(value: unknown): ResponseData {
  const answers: ResponseData = {};
  for (const [id, answer] of Object.entries(isRecord(value) ? value : {})) {
    if (typeof answer === "string" || typeof answer === "number") answers[id] = answer;
    else if (Array.isArray(answer)) answers[id] = answer.map(String);
  }
  return answers;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
