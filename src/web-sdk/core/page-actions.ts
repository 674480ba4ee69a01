/** Actions that need no code: what visitors do on the page. Source: sdk-contract §3.2. */
import type { ActionClass, NoCodeConfig } from "./state.ts";
import { matchesPage } from "./url-rules.ts";

export interface PageActionsOptions {
  /** Of the environment as it is now. */
  actionClasses: () => ActionClass[];
  /** Called with the action's name. */
  onAction: (name: string) => void;
}

export interface PageActions {
  /** Begins to listen, and looks at the present page. */
  start(): void;
  /** Acts as if the visitor had come to the present page. */
  visitPage(): void;
}

type NoCodeAction = ActionClass & { noCodeConfig: NoCodeConfig };

/** A move out of the window is told several times: by the body, by the document's element and by the document. */
const SAME_MOVE_MS = 50;

export function createPageActions({ actionClasses, onAction }: PageActionsOptions): PageActions {
  let visited = "";
  let hasScrolled = false;
  let leftAt = Number.NEGATIVE_INFINITY;
  const dwellTimers = new Map<string, ReturnType<typeof setTimeout>>();
  return { start, visitPage };

  function start(): void {
    watchRoutes();
    // While capturing: the page may stop events, or change what was clicked.
    document.addEventListener("click", onClick, true);
    document.addEventListener("mouseleave", onLeave, true);
    window.addEventListener("scroll", onScroll, { passive: true });
    visitPage();
  }

  function watchRoutes(): void {
    for (const method of ["pushState", "replaceState"] as const) {
      const original = history[method];
      history[method] = (...args) => {
        original.apply(history, args);
        onRoute();
      };
    }
    window.addEventListener("popstate", onRoute);
    window.addEventListener("hashchange", onRoute);
  }

  function onRoute(): void {
    if (location.href !== visited) visitPage();
  }

  function visitPage(): void {
    const isOtherPage = location.href !== visited;
    visited = location.href;
    if (isOtherPage) hasScrolled = false;
    timeDwelling(isOtherPage);
    fire("pageView");
  }

  function timeDwelling(isOtherPage: boolean): void {
    const actions = actionsHere("pageDwell");
    for (const [name, timer] of dwellTimers)
      if (isOtherPage || !actions.some((action) => action.name === name)) {
        clearTimeout(timer);
        dwellTimers.delete(name);
      }
    for (const { name, noCodeConfig } of actions)
      if (!dwellTimers.has(name)) dwellTimers.set(name, setTimeout(onAction, (noCodeConfig.timeInSeconds ?? 0) * 1_000, name));
  }

  function onClick(event: Event): void {
    const [target] = event.composedPath(); // within shadow roots as well
    if (!(target instanceof Element)) return;
    fire("click", ({ elementSelector }) => elementSelector != null && isWithin(target, elementSelector));
  }

  function onLeave(event: MouseEvent): void {
    const isPage = [document, document.documentElement, document.body].some((node) => node === event.target);
    if (!isPage || event.clientY > 0 || event.timeStamp - leftAt < SAME_MOVE_MS) return;
    leftAt = event.timeStamp;
    fire("exitIntent");
  }

  /** Once per visit, and again after a return to the top. */
  function onScroll(): void {
    const distance = document.documentElement.scrollHeight - window.innerHeight;
    if (window.scrollY === 0) hasScrolled = false;
    if (hasScrolled || distance <= 0 || window.scrollY / distance < 0.5) return;
    hasScrolled = true;
    fire("fiftyPercentScroll");
  }

  function fire(type: string, isMeant: (config: NoCodeConfig) => boolean = () => true): void {
    for (const { name, noCodeConfig } of actionsHere(type)) if (isMeant(noCodeConfig)) onAction(name);
  }

  function actionsHere(type: string): NoCodeAction[] {
    return actionClasses().filter(
      (action): action is NoCodeAction =>
        action.type === "noCode" && action.noCodeConfig?.type === type && matchesPage(action.noCodeConfig, location.href),
    );
  }
}

/** Whether the element, or one around it, is what the selector means; without anything to go by, none is. */
function isWithin(target: Element, { cssSelector, innerHtml }: NonNullable<NoCodeConfig["elementSelector"]>): boolean {
  if (!cssSelector && !innerHtml) return false;
  for (let element: Element | null = target; element; element = element.parentElement)
    if ((!innerHtml || element.innerHTML === innerHtml) && (!cssSelector || matchesSelector(element, cssSelector))) return true;
  return false;
}

function matchesSelector(element: Element, selector: string): boolean {
  try {
    return element.matches(selector);
  } catch {
    return false;
  }
}
