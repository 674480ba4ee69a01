/** The card around every step: where it stands, what is above and below, and how keyboards get about in it. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { RenderOptions } from "../options.ts";
import type { QueueStatus } from "../response-queue.ts";
import type { LanguageOption } from "../survey-language.ts";
import type { Arrangement, Theme } from "../theme.ts";
import { AlertIcon, CloseIcon } from "./icons.tsx";
import type { Ui } from "./ui.ts";

export interface CardFrameProps {
  options: RenderOptions;
  theme: Theme;
  ui: Ui;
  direction: "ltr" | "rtl";
  /** 0 to 1. */
  progress: number;
  arrangement: Arrangement;
  cardsLeft: number;
  /** Another one for every step. */
  stepKey: string;
  /** Empty: there is nothing to switch between. */
  languages: LanguageOption[];
  languageCode: string;
  onLanguage(key: string): void;
  status: QueueStatus;
  onRetry(): void;
  onClose(): void;
  onTouch(): void;
  onSubmit(): void;
  back: { label: string; go(): void } | null;
  /** Null: there is nowhere to go on to. */
  nextLabel: string | null;
  /** Files are on their way, and going on would leave them behind. */
  isBusy: boolean;
  children: ComponentChildren;
}

export function CardFrame(props: CardFrameProps) {
  const { options, theme, ui, direction, stepKey, onClose, onSubmit, onTouch, back, nextLabel, isBusy, children } = props;
  const isModal = options.mode === "modal";
  const isBlocking = isModal && (options.overlay !== "none" || options.placement === "center");
  const card = useRef<HTMLDivElement>(null);
  const step = useRef<HTMLFormElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const overflow = useOverflow(body);
  const isFirst = useRef(true);
  useFocusReturn(isBlocking);
  useAutoClose(options, card, onClose);
  useCardRect(options, card);
  useEffect(() => {
    // A widget in the corner appears beside what someone is doing, and must not take the keyboard from it.
    if (isBlocking || !isFirst.current) step.current?.focus({ preventScroll: true });
    isFirst.current = false;
    body.current?.scrollTo?.(0, 0);
  }, [stepKey, isBlocking]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a click beside the card does what the close button does
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does it too
    <div
      class={rootClass(props, isBlocking)}
      style={theme.variables}
      dir={direction}
      lang={ui.language}
      data-survey={ui.id}
      onClick={(event) => {
        if (isBlocking && options.clickOutside && event.target === event.currentTarget) onClose();
      }}
    >
      <div class={`mo-deck mo-${props.arrangement}`}>
        <Behind arrangement={props.arrangement} cardsLeft={props.cardsLeft} />
        {/* biome-ignore lint/a11y/noStaticElementInteractions: its role is one of two, both of which hold what is in it */}
        {/* biome-ignore lint/a11y/useAriaPropsSupportedByRole: it is set on the dialog only */}
        <div
          ref={card}
          class="mo-card"
          role={isModal ? "dialog" : "region"}
          aria-modal={isBlocking ? true : undefined}
          aria-label={ui.messages.survey}
          onPointerDown={onTouch}
          onKeyDown={(event) => {
            if (event.key === "Escape" && isModal) onClose();
            if (event.key === "Tab" && isBlocking) keepInside(event, card.current);
          }}
          onClick={(event) => openLinkOutside(event, options)}
        >
          <Top {...props} isModal={isModal} />
          <form
            ref={step}
            class="mo-form"
            noValidate
            tabIndex={-1}
            onSubmit={(event) => {
              event.preventDefault();
              if (!isBusy) onSubmit();
            }}
          >
            {/* keyboards scroll it where it is longer than the window */}
            <div
              ref={body}
              class={`mo-body ${overflow === "more" ? "mo-more" : ""}`}
              {...(overflow !== "none" && { tabIndex: 0 })}
            >
              <div>
                <div class="mo-step" key={stepKey}>
                  {children}
                </div>
              </div>
            </div>
            <Notice {...props} />
            {nextLabel !== null && (
              <div class="mo-buttons">
                <button type="submit" class="mo-button" disabled={isBusy}>
                  {nextLabel}
                </button>
                {back !== null && (
                  <button type="button" class="mo-button mo-quiet" onClick={back.go}>
                    {back.label}
                  </button>
                )}
              </div>
            )}
          </form>
          {options.isBrandingEnabled && <div class="mo-brand">{ui.messages.poweredBy} Mortar</div>}
        </div>
      </div>
    </div>
  );
}

/** Up to two of the cards that follow, as far as they are seen. */
function Behind({ arrangement, cardsLeft }: Pick<CardFrameProps, "arrangement" | "cardsLeft">) {
  if (arrangement !== "straight" && arrangement !== "casual") return null;
  return (
    <>
      {[1, 2].map((place) => (
        <div key={place} class={`mo-behind ${place > cardsLeft ? "mo-gone" : ""}`} />
      ))}
    </>
  );
}

function rootClass({ options, theme }: CardFrameProps, isBlocking: boolean): string {
  const highlight = theme.variables["--mo-highlight-border-color"] === undefined ? "" : "mo-highlight";
  if (options.mode !== "modal") return `mortar-survey mo-inline ${highlight}`;
  return `mortar-survey mo-modal mo-${options.placement} mo-overlay-${options.overlay} ${isBlocking ? "mo-blocking" : ""} ${highlight}`;
}

function Top({
  theme,
  ui,
  progress,
  languages,
  languageCode,
  onLanguage,
  onClose,
  isModal,
}: CardFrameProps & { isModal: boolean }) {
  return (
    <>
      {!theme.isProgressHidden && (
        <div
          class="mo-bar"
          role="progressbar"
          aria-label={ui.messages.progress}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(progress * 100)}
        >
          <div style={{ width: `${Math.max(progress * 100, 4)}%` }} />
        </div>
      )}
      <div class={`mo-top ${languages.length > 1 ? "" : "mo-float"}`}>
        {languages.length > 1 && (
          <select
            class="mo-language"
            aria-label={ui.messages.language}
            value={languageCode}
            onChange={(event) => onLanguage(event.currentTarget.value)}
          >
            {languages.map(({ key, name }) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
        )}
        {isModal && (
          <button type="button" class="mo-icon-button" aria-label={ui.messages.close} onClick={onClose}>
            <CloseIcon />
          </button>
        )}
      </div>
    </>
  );
}

/** What became of answers that were not accepted. */
function Notice({ ui, status, onRetry }: CardFrameProps) {
  if (status === "idle" || status === "sending") return <div role="alert" />;
  const texts = { failed: ui.messages.notSaved, finished: ui.messages.alreadyFinished, recaptcha: ui.messages.recaptchaFailed };
  return (
    <div class="mo-notice" role="alert">
      <span>{status === "other" ? ui.messages.notSaved : texts[status]}</span>
      {status === "failed" ? (
        <button type="button" class="mo-button" onClick={onRetry}>
          {ui.messages.retry}
        </button>
      ) : (
        <AlertIcon />
      )}
    </div>
  );
}

const FOCUSABLE = 'a[href], button:not(:disabled), input:not(:disabled), select, textarea, iframe, [tabindex="0"]';

/** From the last control to the first and the other way round: what is behind the overlay is out of reach. */
function keepInside(event: KeyboardEvent, card: HTMLElement | null): void {
  const reachable = [...(card?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])].filter(isReachable);
  const first = reachable[0];
  const last = reachable[reachable.length - 1];
  const active = document.activeElement;
  const isOutermost = event.shiftKey ? active === first || !reachable.some((each) => each === active) : active === last;
  const target = event.shiftKey ? last : first;
  if (!isOutermost || target === undefined) return;
  event.preventDefault();
  target.focus();
}

/** Of a group of radios, Tab reaches the chosen one or, when none is, any. */
function isReachable(element: HTMLElement): boolean {
  if (!(element instanceof HTMLInputElement) || element.type !== "radio" || element.checked) return true;
  const group = element.form?.elements.namedItem(element.name);
  return !(group instanceof RadioNodeList) || group.value === "";
}

/** Apps open links in a browser of their own. */
function openLinkOutside(event: MouseEvent, { callbacks }: RenderOptions): void {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || callbacks.onOpenExternalURL === undefined) return;
  event.preventDefault();
  callbacks.onOpenExternalURL(link.href);
}

/** Whether what is in the body is longer than it, and whether there is more below what is seen. */
function useOverflow(body: { current: HTMLElement | null }) {
  const [overflow, setOverflow] = useState<"none" | "more" | "end">("none");
  useEffect(() => {
    const element = body.current;
    if (element === null) return;
    const measure = () => {
      const { scrollHeight, clientHeight, scrollTop } = element;
      const hidden = scrollHeight - clientHeight;
      setOverflow(hidden < 2 ? "none" : hidden - scrollTop < 2 ? "end" : "more");
    };
    measure();
    element.addEventListener("scroll", measure, { passive: true });
    const observer = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(measure);
    for (const each of [element, element.firstElementChild]) if (each !== null) observer?.observe(each);
    return () => {
      element.removeEventListener("scroll", measure);
      observer?.disconnect();
    };
  }, [body]);
  return overflow;
}

/** Gives the keyboard back to where it was. */
function useFocusReturn(isBlocking: boolean): void {
  useEffect(() => {
    const before = document.activeElement;
    return () => {
      if (isBlocking && before instanceof HTMLElement) before.focus();
    };
  }, [isBlocking]);
}

/** Closes a survey that nobody turned to. */
function useAutoClose({ survey, mode }: RenderOptions, card: { current: HTMLElement | null }, onClose: () => void): void {
  const close = useRef(onClose);
  close.current = onClose;
  const { autoClose } = survey;
  useEffect(() => {
    if (autoClose === null || mode !== "modal") return;
    const timer = setTimeout(() => close.current(), autoClose * 1000);
    const stay = () => clearTimeout(timer);
    const element = card.current;
    const events = ["pointerdown", "keydown", "input", "wheel"];
    for (const event of events) element?.addEventListener(event, stay, { once: true });
    return stay;
  }, [autoClose, mode, card]);
}

/** Apps let touches beside the card through to what is below their web view. */
function useCardRect({ callbacks }: RenderOptions, card: { current: HTMLElement | null }): void {
  useEffect(() => {
    const element = card.current;
    if (element === null || typeof ResizeObserver === "undefined") return;
    const report = () => {
      const { x, y, width, height } = element.getBoundingClientRect();
      callbacks.onCardRectChange({ x, y, width, height });
    };
    const observer = new ResizeObserver(report);
    observer.observe(element);
    window.addEventListener("resize", report);
    return () => {
      observer.disconnect();
      window.removeEventListener("resize", report);
      callbacks.onCardRectChange(null);
    };
  }, [callbacks, card]);
}
