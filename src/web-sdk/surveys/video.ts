const ID = /^[\w-]+$/;

/**
 * The address at which a video of YouTube, Vimeo or Loom plays inside a page, without cookies where its host lets that
 * be asked for; null for any other address.
 */
export function videoEmbedUrl(address: string): string | null {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  const host = url.hostname.replace(/^(www|m|player)\./, "");
  const parts = url.pathname.split("/").filter((part) => part !== "");
  const last = parts[parts.length - 1] ?? "";
  const build = (id: string, embed: string) => (url.protocol === "https:" && ID.test(id) ? embed + id : null);
  switch (host) {
    case "youtu.be":
      return build(last, "https://www.youtube-nocookie.com/embed/");
    case "youtube.com":
    case "youtube-nocookie.com":
      return build(url.searchParams.get("v") ?? last, "https://www.youtube-nocookie.com/embed/");
    case "vimeo.com": {
      const embed = build(parts.find((part) => /^\d+$/.test(part)) ?? "", "https://player.vimeo.com/video/");
      return embed === null ? null : `${embed}?dnt=1`;
    }
    case "loom.com":
      return build(last, "https://www.loom.com/embed/");
    default:
      return null;
  }
}
