/** The kinds of addresses a survey may hold. Source: survey-model §2, §5. */

const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set(["png", "jpeg", "jpg", "webp", "heic"]);

const VIDEO_HOSTS: ReadonlySet<string> = new Set(
  ["youtube.com", "youtube-nocookie.com", "youtu.be", "vimeo.com", "player.vimeo.com", "loom.com"].flatMap((host) => [
    host,
    `www.${host}`,
  ]),
);

/** An uploaded file (`/storage/…`, relative to this server) or an address on the web. */
export const isStorageUrl = (url: string): boolean => url.startsWith("/storage/") || webUrl(url) !== undefined;

/** Where an ending may send to. Recall marks may follow the scheme, so the rest is not looked at. */
export const isEndingUrl = (url: string): boolean => /^https?:\/\//.test(url.trim());

/** An address a button may open: https, http on this machine, e-mail or telephone, with a host that can exist. */
export function isSafeUrl(url: string): boolean {
  if (url.includes(" ") || url.startsWith("#recall:")) return false;
  if (url.startsWith("mailto:") || url.startsWith("tel:")) return true;
  if (!url.startsWith("https://") && !url.startsWith("http://localhost")) return false;
  const authority = authorityOf(url);
  if (authority.includes("#recall:")) return false;
  const host = hostOf(authority);
  return url.startsWith("https://") ? isKnownHostForm(host) : host === "localhost";
}

/** Whether the file that the storage address names is an image by its extension. */
export function isImageUrl(url: string): boolean {
  const path = pathOf(url);
  const file = path.slice(path.lastIndexOf("/") + 1);
  const dot = file.lastIndexOf(".");
  return dot !== -1 && IMAGE_EXTENSIONS.has(file.slice(dot + 1).toLowerCase());
}

export function isVideoUrl(url: string): boolean {
  const parsed = webUrl(url);
  return parsed !== undefined && parsed.protocol === "https:" && VIDEO_HOSTS.has(parsed.hostname);
}

/** Whether the text is a host name of at least two labels, as a self-hosted Cal.com needs. */
export function isDottedHost(host: string): boolean {
  const labels = host.split(".");
  return labels.length >= 2 && labels.every(isHostLabel);
}

function webUrl(url: string): URL | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed && (parsed.protocol === "http:" || parsed.protocol === "https:") ? parsed : undefined;
}

function pathOf(url: string): string {
  const parsed = webUrl(url);
  if (parsed) return parsed.pathname;
  return url.slice(0, url.search(/[?#]|$/));
}

/** What stands between the scheme and the first `/` or `?`; a `#` is kept, since it may begin a recall mark. */
function authorityOf(url: string): string {
  const rest = url.slice(url.indexOf("//") + 2);
  return rest.slice(0, rest.search(/[/?]|$/));
}

function hostOf(authority: string): string {
  const withoutFragment = authority.slice(0, authority.search(/#|$/));
  const host = withoutFragment.slice(withoutFragment.lastIndexOf("@") + 1);
  if (host.startsWith("[")) return host.slice(0, host.indexOf("]") + 1);
  const colon = host.indexOf(":");
  return colon === -1 ? host : host.slice(0, colon);
}

function isKnownHostForm(host: string): boolean {
  if (host === "localhost" || isIpv4(host)) return true;
  if (host.startsWith("[")) return URL.canParse(`https://${host}`);
  const labels = host.split(".");
  const topLevel = labels.at(-1) ?? "";
  if (labels.length < 2 || !/^[a-zA-Z]{2,63}$/.test(topLevel)) return false;
  return labels.every(isHostLabel) && !(labels.length === 2 && labels[0] === "www");
}

const isIpv4 = (host: string): boolean =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(host) && host.split(".").every((part) => Number(part) <= 255);

const isHostLabel = (label: string): boolean => label.length <= 63 && /^[a-zA-Z0-9-]+$/.test(label) && !/^-|-$/.test(label);
