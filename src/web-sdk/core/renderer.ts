/** The script that draws surveys, and what it is given. Source: sdk-contract §8.1, §8.3. */

import type { FieldValues } from "./hidden-fields.ts";
import { addPageScript, preloadScript } from "./page-script.ts";
import type { Appearance, Styling, Survey } from "./state.ts";
import type { Target } from "./store.ts";

/** The renderer posts displays and responses itself, because it is told the server and the environment. */
export interface RenderOptions extends Target, Omit<Appearance, "clickOutsideClose"> {
  survey: Survey;
  /** The older name of `workspaceId`. */
  environmentId: string;
  contactId: string | undefined;
  mode: "modal";
  styling: Styling;
  isBrandingEnabled: boolean;
  /** The key of the survey's texts. */
  languageCode: string;
  clickOutside: boolean;
  /** For renderers from before `overlay`. */
  darkOverlay: boolean;
  /** The name of the action that made it appear. */
  action: string;
  hiddenFieldsRecord: FieldValues;
  isWebEnvironment: true;
  isSpamProtectionEnabled: boolean;
  recaptchaSiteKey: string | undefined;
  /** Null when no token can be had. */
  getRecaptchaToken: () => Promise<string | null>;
  onDisplayCreated: () => void;
  /** Once. The argument is optional: `{ responseId }`. */
  onResponseCreated: (response?: unknown) => void;
  onFinished: () => void;
  onClose: () => void;
}

/** `window.formbricksSurveys`. */
interface SurveysGlobal {
  renderSurvey(options: RenderOptions): void;
  setNonce?(nonce: string | undefined): void;
}

export interface Renderer {
  /** Begins to load the script, without running it. */
  preload(): void;
  /** Rejects when the script cannot be had. */
  load(): Promise<void>;
  render(options: RenderOptions): void;
  /** Takes what was rendered off the page. */
  remove(): void;
  /** For the styles and scripts added to the page; undefined clears it. */
  setNonce(nonce: string | undefined): void;
  nonce(): string | undefined;
}

const CONTAINER_ID = "formbricks-modal-container";

export function createRenderer({ appUrl }: { appUrl: () => string }): Renderer {
  let nonce: string | undefined;
  let loading: Promise<void> | null = null;
  return { preload, load, render, remove, setNonce, nonce: () => nonce };

  function preload(): void {
    if (!window.formbricksSurveys) preloadScript({ src: scriptUrl(), nonce });
  }

  function load(): Promise<void> {
    loading ??= addPageScript({ src: scriptUrl(), nonce, find: () => window.formbricksSurveys }).then(
      () => {
        if (nonce !== undefined) window.formbricksSurveys?.setNonce?.(nonce);
      },
      (error: unknown) => {
        loading = null;
        throw error;
      },
    );
    return loading;
  }

  function render(options: RenderOptions): void {
    window.formbricksSurveys?.renderSurvey(options);
  }

  function remove(): void {
    document.getElementById(CONTAINER_ID)?.remove();
  }

  function setNonce(given: string | undefined): void {
    nonce = given;
    window.formbricksSurveys?.setNonce?.(given);
  }

  function scriptUrl(): string {
    return `${appUrl()}/js/surveys.umd.cjs`;
  }
}

declare global {
  interface Window {
    formbricksSurveys?: SurveysGlobal;
  }
}
