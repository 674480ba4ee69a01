/** A survey from its first card to its last. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type AnswerValue, isEmptyAnswer, ownValue } from "../../../responses/answer-values.ts";
import { directionOf } from "../../../shared/localized-words.ts";
import { type AnswerProblem, findProblems } from "../answer-problems.ts";
import { createAnswerTimer } from "../answer-timer.ts";
import { messagesOf } from "../messages.ts";
import type { RenderOptions } from "../options.ts";
import { fillRecall, recallFrom } from "../recall.ts";
import type { QueueStatus } from "../response-queue.ts";
import type { Block, Element } from "../survey.ts";
import { languageOptions, languageTag, textsOf, translateAnswers } from "../survey-language.ts";
import { createSurveySession, updateOf } from "../survey-session.ts";
import {
  beginSurvey,
  cardsLeft,
  moveBack,
  moveOn,
  moveToEnding,
  progressOf,
  type SurveyState,
  withAnswer,
} from "../survey-state.ts";
import { arrangementOf, buildTheme } from "../theme.ts";
import type { UnsentAnswers } from "../unsent-answers.ts";
import { CardFrame } from "./card-frame.tsx";
import { EndingView, Welcome } from "./cards.tsx";
import { ElementView } from "./element-view.tsx";
import { textOf, type Ui } from "./ui.ts";

export interface SurveyViewProps {
  options: RenderOptions;
  unsent: UnsentAnswers;
  /** Of the page's content security policy. */
  nonce: () => string | undefined;
  /** Unique on the page. */
  id: string;
  onClose: () => void;
}

type Problems = ReadonlyMap<string, AnswerProblem[]>;
const NO_PROBLEMS: Problems = new Map();

/** Elements that one touch answers. */
const ONE_TOUCH = new Set(["nps", "rating", "csat", "ces", "multipleChoiceSingle", "pictureSelection"]);
const AUTO_PROGRESS_DELAY_MS = 350;
/** A change this soon after a touch was made by it; arrow keys change a choice too, but only pass it by. */
const TOUCH_WINDOW_MS = 700;

export function SurveyView({ options, unsent, nonce, id, onClose }: SurveyViewProps) {
  const { survey } = options;
  const [languageCode, setLanguageCode] = useState(options.languageCode);
  const [state, setState] = useState(() =>
    beginSurvey(survey, { hiddenFields: options.hiddenFields, answers: options.prefilled, startAt: options.startAt }),
  );
  const [problems, setProblems] = useState(NO_PROBLEMS);
  const [status, setStatus] = useState<QueueStatus>("idle");
  const [uploads, setUploads] = useState(0);
  const [timer] = useState(() => createAnswerTimer({ now: () => performance.now() }));
  const [sent] = useState(() => new Set<string>());
  const [passed] = useState(() => new Set<string>());
  const lastTouch = useRef(Number.NEGATIVE_INFINITY);
  const autoProgress = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const [session] = useState(() =>
    createSurveySession({
      options,
      fetch: (input, init) => fetch(input, init),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      pageUrl: () => window.location.href,
      nonce,
      unsent,
      onStatus: setStatus,
      onEndedByQuota: (endingId) => setState((current) => moveToEnding(survey, current, endingId)),
    }),
  );
  const texts = useMemo(() => textsOf(languageCode), [languageCode]);
  const language = languageTag(survey, languageCode);
  const ui: Ui = {
    id,
    messages: messagesOf(language),
    texts,
    language,
    recall: recallFrom(state),
    openUrl: (url) => openUrl(fillRecall(url, recallFrom(state), encodeURIComponent)),
    pictureUrl: (url) => (url.startsWith("/") && options.server !== null ? options.server.appUrl + url : url),
    upload: async (file, element) => {
      setUploads((count) => count + 1);
      const result = await session.upload(file, element);
      setUploads((count) => count - 1);
      return result;
    },
  };
  const { card } = state;
  const block = card.type === "block" ? card.block : null;
  const theme = buildTheme(options.styling, window.matchMedia?.("(prefers-color-scheme: dark)").matches ?? false);

  useEffect(() => session.begin(), [session]);
  useEffect(() => {
    const first = block?.elements[0];
    if (first !== undefined) timer.turnTo(first.id);
  }, [block, timer]);
  useEffect(() => leaveWhenDone(), [card, status]);
  useEffect(() => passPrefilled(), [block]);

  /** Once each: who goes back to a card wants to change it. */
  function passPrefilled(): void {
    const { skipPrefilled, prefilled } = options;
    if (!skipPrefilled || block === null || passed.has(block.id)) return;
    if (!block.elements.every((element) => ownValue(prefilled, element.id) !== undefined)) return;
    passed.add(block.id);
    submit(state, block);
  }

  /** An ending that shows nothing is left as soon as everything is stored. */
  function leaveWhenDone(): void {
    if (card.type !== "ending" || status !== "idle") return;
    if (card.ending?.type === "redirectToUrl") {
      redirect(fillRecall(card.ending.url, recallFrom(state), encodeURIComponent));
      onClose();
    } else if (card.ending === null && options.mode === "modal") onClose();
  }

  function openUrl(url: string): void {
    if (options.callbacks.onOpenExternalURL !== undefined) options.callbacks.onOpenExternalURL(url);
    else if (isSafeUrl(url)) window.open(url, "_blank", "noopener");
  }

  function redirect(url: string): void {
    if (options.callbacks.onOpenExternalURL !== undefined) options.callbacks.onOpenExternalURL(url);
    else if (isSafeUrl(url)) window.location.assign(url);
  }

  function answer(element: Element, value: AnswerValue | undefined): void {
    timer.turnTo(element.id);
    const next = withAnswer(state, element.id, value);
    setState(next);
    if (problems.has(element.id)) setProblems(new Map([...problems].filter(([elementId]) => elementId !== element.id)));
    clearTimeout(autoProgress.current);
    if (block !== null && isAnsweredByTouch(element, block, value))
      autoProgress.current = setTimeout(() => submit(next, block), AUTO_PROGRESS_DELAY_MS);
  }

  function isAnsweredByTouch({ type, allowMulti, isDropdown }: Element, { elements }: Block, value: unknown): boolean {
    return (
      survey.isAutoProgressingEnabled &&
      elements.length === 1 &&
      ONE_TOUCH.has(type) &&
      !allowMulti &&
      !isDropdown &&
      value !== " " && // "other", whose text is to come
      performance.now() - lastTouch.current < TOUCH_WINDOW_MS
    );
  }

  function submit(current: SurveyState, answered: Block): void {
    clearTimeout(autoProgress.current);
    const ready = withStatementsRead(current, answered);
    const found = findProblems({ block: answered, answers: ready.answers, required: ready.required, texts });
    setProblems(found);
    const wrong = answered.elements.find((element) => found.has(element.id));
    if (wrong !== undefined) {
      focusElement(id, wrong.id);
      return;
    }
    const next = moveOn(survey, ready, texts);
    const ending = next.card.type === "ending" ? next.card.ending : undefined;
    session.add(
      updateOf(options, languageCode, {
        finished: ending !== undefined,
        data: { ...ready.hiddenFields, ...answersOf(ready, answered) },
        ttc: timer.stop(),
        variables: next.variables,
        endingId: ending?.id,
      }),
    );
    setState(next);
  }

  /** An answer that was never given is left out; one that was taken back has to be overwritten. */
  function answersOf({ answers }: SurveyState, { elements }: Block): Record<string, AnswerValue> {
    const data: Record<string, AnswerValue> = {};
    for (const { id: elementId, type } of elements) {
      const value = answers[elementId];
      if (value !== undefined) data[elementId] = value;
      else if (sent.has(elementId)) data[elementId] = emptyAnswer(type);
      if (value !== undefined) sent.add(elementId);
    }
    return data;
  }

  function goBack(): void {
    clearTimeout(autoProgress.current);
    timer.stop();
    setProblems(NO_PROBLEMS);
    setState(moveBack(state));
  }

  function switchLanguage(key: string): void {
    setState({ ...state, answers: translateAnswers(survey, state.answers, texts, textsOf(key)) });
    setProblems(NO_PROBLEMS);
    setLanguageCode(key);
  }

  const isLast = block !== null && survey.blocks.indexOf(block) === survey.blocks.length - 1;
  const backLabel = block === null ? {} : block.backButtonLabel;
  return (
    <CardFrame
      options={options}
      theme={theme}
      ui={ui}
      direction={options.direction ?? directionOf(language)}
      progress={progressOf(survey, state)}
      arrangement={arrangementOf(options.styling, survey.type)}
      cardsLeft={cardsLeft(survey, state)}
      stepKey={block?.id ?? card.type}
      languages={survey.showLanguageSwitch && card.type !== "ending" ? languageOptions(survey) : []}
      languageCode={languageCode}
      onLanguage={switchLanguage}
      status={status}
      onRetry={session.retry}
      onClose={onClose}
      onTouch={() => {
        lastTouch.current = performance.now();
      }}
      onSubmit={() => {
        if (block !== null) submit(state, block);
        else setState(moveOn(survey, state, texts));
      }}
      back={
        state.visited.length > 0 && !survey.isBackButtonHidden && card.type !== "ending"
          ? { label: textOf(backLabel, ui) || ui.messages.back, go: goBack }
          : null
      }
      nextLabel={nextLabel()}
      isBusy={uploads > 0}
    >
      {card.type === "welcome" && survey.welcomeCard !== null && (
        <Welcome card={survey.welcomeCard} survey={survey} responseCount={options.responseCount} ui={ui} />
      )}
      {block?.elements.map((element) => (
        <ElementView
          key={`${element.id} ${languageCode}`}
          element={element}
          answer={state.answers[element.id]}
          onAnswer={(value) => answer(element, value)}
          problems={problems.get(element.id) ?? []}
          isRequired={element.required || state.required.includes(element.id)}
          ui={ui}
        />
      ))}
      {card.type === "ending" && <EndingView ending={card.ending} isSaving={status === "sending"} ui={ui} />}
    </CardFrame>
  );

  function nextLabel(): string | null {
    if (card.type === "ending") return null;
    if (block === null) return (survey.welcomeCard && textOf(survey.welcomeCard.buttonLabel, ui)) || ui.messages.start;
    return textOf(block.buttonLabel, ui) || (isLast ? ui.messages.finish : ui.messages.next);
  }
}

/** A call to action without a button of its own is answered by going on. */
function withStatementsRead(state: SurveyState, { elements }: Block): SurveyState {
  return elements
    .filter(({ type, buttonUrl }) => type === "cta" && buttonUrl === undefined)
    .reduce((read, { id }) => withAnswer(read, id, "clicked"), state);
}

const LIST_TYPES = new Set(["multipleChoiceMulti", "pictureSelection", "fileUpload", "address", "contactInfo", "ranking"]);
function emptyAnswer(type: string): AnswerValue {
  if (LIST_TYPES.has(type)) return [];
  return type === "matrix" ? {} : "";
}

/** Surveys come from the server, but a link is opened in the page's name. */
const isSafeUrl = (url: string): boolean => /^(https?:|mailto:|tel:)/i.test(url.trim()) && !isEmptyAnswer(url);

/** To the first control that has something wrong with it. */
function focusElement(id: string, elementId: string): void {
  const element = document.querySelector(`[data-survey="${id}"] [data-element="${elementId}"]`);
  element?.querySelector<HTMLElement>("input, select, textarea, button")?.focus();
}
