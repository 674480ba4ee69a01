/** Puts surveys on the page. Source: sdk-contract §8.3. */
import { render } from "preact";
import { readOptions } from "./options.ts";
import { addStyles } from "./styles.ts";
import type { UnsentAnswers } from "./unsent-answers.ts";
import { SurveyView } from "./view/survey-view.tsx";

/** SDKs remove it by this id when they are told that the survey was closed. */
const MODAL_CONTAINER_ID = "formbricks-modal-container";

export function createRenderer({ unsent }: { unsent: UnsentAnswers }) {
  let nonce: string | undefined;
  let count = 0;
  return { renderSurvey, setNonce };

  /** For the styles; anything but a text clears it. */
  function setNonce(given: unknown): void {
    nonce = typeof given === "string" ? given : undefined;
  }

  /** Throws when the options hold no survey, or name a container that is not on the page. */
  function renderSurvey(given: unknown, mode?: "modal" | "inline"): void {
    const options = readOptions(given, mode);
    if (options.survey.blocks.length === 0) {
      options.callbacks.onClose(); // nothing to be asked
      return;
    }
    const container = options.mode === "modal" ? modalContainer() : inlineContainer(options.containerId);
    addStyles({ nonce, customCss: options.customCss });
    count += 1;
    let isClosed = false;
    const close = () => {
      if (isClosed) return;
      isClosed = true;
      render(null, container);
      options.callbacks.onClose();
    };
    render(null, container); // a survey that is there already makes room
    render(
      <SurveyView key={count} id={`mortar-${count}`} options={options} unsent={unsent} nonce={() => nonce} onClose={close} />,
      container,
    );
  }
}

function modalContainer(): HTMLElement {
  const found = document.getElementById(MODAL_CONTAINER_ID);
  if (found !== null) return found;
  const container = document.createElement("div");
  container.id = MODAL_CONTAINER_ID;
  document.body.append(container);
  return container;
}

function inlineContainer(id: string | undefined): HTMLElement {
  const container = id === undefined ? null : document.getElementById(id);
  if (container === null) throw new Error(`There is no element with the id "${id}" to render the survey in`);
  return container;
}
