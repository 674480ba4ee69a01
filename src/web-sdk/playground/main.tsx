/** The script `/js/playground.umd.cjs`: the playground's page, with the official loader of the SDK in it. */
import sdk from "@formbricks/js";
import { render } from "preact";
import { Playground } from "./playground.tsx";

/** In its debug mode the SDK asks past every cache, so that a survey made a moment ago is there, and tells the console all. */
const DEBUG = "?formbricksDebug=true";
if (window.location.search !== DEBUG) window.history.replaceState(null, "", DEBUG);

const nonce = document.querySelector<HTMLElement>("script[nonce]")?.nonce;
const root = document.getElementById("playground");
if (root !== null) render(<Playground sdk={sdk} nonce={nonce ?? ""} />, root);
