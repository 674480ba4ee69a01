import type { ENGLISH } from "./messages-en.ts";

type Translation = Partial<Record<keyof typeof ENGLISH, string>>;

/** By language without region. What is missing stays English. */
export const TRANSLATIONS: Readonly<Record<string, Translation>> = {};
