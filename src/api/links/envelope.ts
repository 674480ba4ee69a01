/** What goes wrong, as a page. */
import { ERROR_STATUS } from "../../http/error-status.ts";
import type { ErrorPresenter } from "../../http/errors.ts";
import type { ProblemKind } from "../../shared/problem.ts";
import { messagePage } from "./pages.ts";

const TEXTS: Partial<Record<ProblemKind, [heading: string, text: string]>> = {
  not_found: ["There is nothing here", "Please check the link you were given."],
  rate_limited: ["Please wait a little", "There were too many visits from where you are. Try again in a few minutes."],
  unavailable: ["Please wait a little", "This page cannot be shown right now. Try again in a minute."],
};

export const presentLinkError: ErrorPresenter = ({ kind }) => {
  const [heading, text] = TEXTS[kind] ?? ["This page cannot be shown", "Something went wrong. Try again later."];
  return {
    status: ERROR_STATUS[kind],
    body: messagePage({ heading, text }),
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
      "x-robots-tag": "noindex, nofollow",
    },
  };
};
