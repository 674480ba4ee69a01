/** Scripts that this one adds to the page. */

export interface PageScriptOptions {
  src: string;
  /** Of the page's Content Security Policy. */
  nonce: string | undefined;
  /** Looks for what the script sets up. */
  find: () => unknown;
}

const WAIT_MS = 10_000;
const POLL_MS = 50;

/** Resolves when `find` has found something; rejects when the script cannot be loaded, or after ten seconds. */
export function addPageScript({ src, nonce, find }: PageScriptOptions): Promise<void> {
  if (find()) return Promise.resolve();
  const script = document.createElement("script");
  script.src = src;
  script.async = true;
  if (nonce !== undefined) script.nonce = nonce;
  return new Promise<void>((resolve, reject) => {
    const poll = setInterval(() => {
      if (find()) end(resolve);
    }, POLL_MS);
    const limit = setTimeout(() => end(() => reject(new Error(`${src} was not ready in time`))), WAIT_MS);
    script.onload = () => {
      if (find()) end(resolve);
    };
    script.onerror = () => end(() => reject(new Error(`${src} could not be loaded`)));
    document.head.appendChild(script);

    function end(settle: () => void): void {
      clearInterval(poll);
      clearTimeout(limit);
      if (!find()) script.remove(); // so that the next attempt begins anew
      settle();
    }
  });
}

/** Lets the browser fetch a script that will be needed soon. */
export function preloadScript({ src, nonce }: Pick<PageScriptOptions, "src" | "nonce">): void {
  const link = document.createElement("link");
  link.rel = "preload";
  link.as = "script";
  link.href = src;
  if (nonce !== undefined) link.nonce = nonce;
  document.head.appendChild(link);
}
