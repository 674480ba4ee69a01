/**
 * Keeps the memory of starting small; to be imported before anything else. V8 enlarges the space of young objects whenever
 * many of them survive, as all do that are made while modules are loaded, and keeps it for good: some 20 MB that a server
 * without load never needs. Under load it grows as ever.
 */
import { setFlagsFromString } from "node:v8";

const GROWTH = "--semi-space-growth-factor";
/** V8's own. */
const USUAL_GROWTH = 2;

setFlagsFromString(`${GROWTH}=1`);

/** To be called when the server is there. */
export const endOfStart = (): void => setFlagsFromString(`${GROWTH}=${USUAL_GROWTH}`);
