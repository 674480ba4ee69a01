import { expect, it } from "vitest";
import { videoEmbedUrl } from "./video.ts";

it.each([
  ["https://www.youtube.com/watch?v=abc_-12", "https://www.youtube-nocookie.com/embed/abc_-12"],
  ["https://youtu.be/abc?t=3", "https://www.youtube-nocookie.com/embed/abc"],
  ["https://www.youtube-nocookie.com/embed/abc", "https://www.youtube-nocookie.com/embed/abc"],
  ["https://vimeo.com/123456", "https://player.vimeo.com/video/123456?dnt=1"],
  ["https://player.vimeo.com/video/123456", "https://player.vimeo.com/video/123456?dnt=1"],
  ["https://www.loom.com/share/a1b2", "https://www.loom.com/embed/a1b2"],
  ["http://youtu.be/abc", null],
  ["https://evil.test/youtube.com/watch?v=abc", null],
  ["https://youtu.be/%22%3E", null],
  ["javascript:alert(1)", null],
  ["nothing", null],
])("embeds %s as %s", (url, expected) => {
  expect(videoEmbedUrl(url)).toBe(expected);
});
