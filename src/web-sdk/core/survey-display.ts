/** From an action to a survey on the page. Source: sdk-contract §4, §7, §8.3. */
import { hasSegmentFilters, isDrawn } from "./display-rules.ts";
import type { Events } from "./events.ts";
import { type EmbeddedData, type FieldValues, fieldsOfSurvey } from "./hidden-fields.ts";
import type { Log } from "./log.ts";
import { fetchRecaptchaToken } from "./recaptcha.ts";
import type { Renderer, RenderOptions } from "./renderer.ts";
import type { Session } from "./session.ts";
import { isRecord, type Survey, type SurveyInteraction } from "./state.ts";
import { surveyLanguage } from "./survey-language.ts";
import type { UserUpdates } from "./user-updates.ts";

export interface Trigger {
  /** The action class's name. */
  action: string;
  /** What listeners are told; default: the name. */
  label?: string;
  hiddenFields?: FieldValues;
  /** Whether what was pending about the user reached the server; default: it is waited for. */
  isUserSettled?: boolean;
}

export interface SurveyDisplay {
  /** Shows a survey that the action triggers, if there is one and no other is open; resolves when it is shown or waits for its delay. */
  trigger(trigger: Trigger): Promise<void>;
}

export interface SurveyDisplayOptions {
  session: Session;
  updates: UserUpdates;
  renderer: Renderer;
  events: Events;
  embedded: EmbeddedData;
  random: () => number;
  log: Log;
}

/** How long a survey waits for the user to be identified. */
const IDENTIFICATION_WAIT_MS = 5_000;

interface Choice {
  survey: Survey;
  languageCode: string;
}

export function createSurveyDisplay({
  session,
  updates,
  renderer,
  events,
  embedded,
  random,
  log,
}: SurveyDisplayOptions): SurveyDisplay {
  let isOpen = false;
  return { trigger };

  async function trigger({ action, label = action, hiddenFields = {}, isUserSettled }: Trigger): Promise<void> {
    events.emit("formbricks_action_tracked", { action: label });
    const isTriggered = ({ triggers }: Survey) => triggers.some(({ actionClass }) => actionClass.name === action);
    if (!session.workspace().surveys.some(isTriggered)) return;
    const isSettled = isUserSettled ?? (await settleUser());
    if (isOpen) return log.debug("A survey is open already");
    const candidates = session.eligible().filter((survey) => isTriggered(survey) && (isSettled || !hasSegmentFilters(survey)));
    const choice = choose(candidates);
    if (choice === null) return log.debug(`No survey to show for "${action}"`);
    isOpen = true;
    const shown = show(choice, action, hiddenFields);
    if (!choice.survey.delay) await shown;
  }

  /** Whether nothing is pending about the user; false when it failed or takes too long. */
  async function settleUser(): Promise<boolean> {
    if (!updates.isPending()) return true;
    return await Promise.race([updates.flush(), sleep(IDENTIFICATION_WAIT_MS).then(() => false)]);
  }

  /** The first that speaks the user's language and wins its draw. */
  function choose(surveys: Survey[]): Choice | null {
    for (const survey of surveys) {
      const languageCode = surveyLanguage(survey, session.user().language);
      if (languageCode === null) log.debug(`Survey ${survey.id} does not speak the user's language`);
      else if (isDrawn(survey, random)) return { survey, languageCode };
      else log.debug(`Survey ${survey.id} was not drawn`);
    }
    return null;
  }

  /** Never rejects. */
  async function show(choice: Choice, action: string, hiddenFields: FieldValues): Promise<void> {
    const { userId } = session.user();
    try {
      await Promise.all([renderer.load(), choice.survey.delay && sleep(choice.survey.delay * 1_000)]);
      if (session.user().userId === userId) return renderer.render(renderOptions(choice, action, hiddenFields));
      log.debug("The survey was chosen for another user");
    } catch (error) {
      log.error(`Survey ${choice.survey.id} could not be shown`, error);
      renderer.remove();
    }
    isOpen = false;
  }

  function renderOptions({ survey, languageCode }: Choice, action: string, hiddenFields: FieldValues): RenderOptions {
    const { target } = session;
    const { settings, recaptchaSiteKey } = session.workspace();
    const overwrites = survey.workspaceOverwrites ?? survey.projectOverwrites ?? {};
    const placement = overwrites.placement ?? settings.placement ?? "bottomRight";
    const overlay = overwrites.overlay ?? settings.overlay ?? "none";
    const isOwnStyling = settings.styling?.allowStyleOverwrite && survey.styling?.overwriteThemeStyling;
    return {
      survey,
      ...target,
      environmentId: target.workspaceId,
      contactId: session.user().contactId ?? undefined,
      mode: "modal",
      styling: (isOwnStyling ? survey.styling : settings.styling) ?? {},
      isBrandingEnabled: settings.inAppSurveyBranding ?? false,
      languageCode,
      placement,
      overlay,
      darkOverlay: overlay === "dark",
      clickOutside: overwrites.clickOutsideClose ?? settings.clickOutsideClose ?? true,
      action,
      hiddenFieldsRecord: hiddenFieldsOf(survey, hiddenFields),
      isWebEnvironment: true,
      ...spamProtection(survey, recaptchaSiteKey),
      ...callbacks(survey),
    };
  }

  function hiddenFieldsOf(survey: Survey, given: FieldValues): FieldValues {
    const { unknown } = fieldsOfSurvey(survey, given);
    if (unknown.length > 0) log.error(`Survey ${survey.id} has no hidden fields ${unknown.join(", ")}`);
    return fieldsOfSurvey(survey, { ...embedded.values(), ...given }).fields;
  }

  function spamProtection({ recaptcha }: Survey, siteKey: string | undefined) {
    return {
      isSpamProtectionEnabled: siteKey !== undefined && recaptcha?.enabled === true,
      recaptchaSiteKey: siteKey,
      getRecaptchaToken: async () =>
        siteKey === undefined ? null : await fetchRecaptchaToken({ siteKey, nonce: renderer.nonce(), log }),
    };
  }

  function callbacks(survey: Survey) {
    const surveyId = survey.id;
    let response: { responseId?: string } = {};
    let isClosed = false;
    return {
      onDisplayCreated: () => {
        session.addDisplay(surveyId);
        events.emit("formbricks_survey_shown", { surveyId });
        refreshUserAfter("onDisplay");
      },
      onResponseCreated: (created?: unknown) => {
        session.addResponse(surveyId);
        response = isRecord(created) && typeof created.responseId === "string" ? { responseId: created.responseId } : {};
        events.emit("formbricks_response_submitted", { surveyId, ...response, finished: false });
        refreshUserAfter("onResponse");
      },
      onFinished: () => {
        events.emit("formbricks_response_submitted", { surveyId, ...response, finished: true });
        refreshUserAfter("onFinished");
      },
      onClose: () => {
        if (isClosed) return; // by now another survey may be open
        isClosed = true;
        isOpen = false;
        renderer.remove();
        events.emit("formbricks_survey_closed", { surveyId });
      },
    };

    /** Segments may depend on what was just done. */
    function refreshUserAfter(interaction: SurveyInteraction): void {
      if (survey.interactionRefresh?.[interaction] && session.user().userId !== null) updates.add({});
    }
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
