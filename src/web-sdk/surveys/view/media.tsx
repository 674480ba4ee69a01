import type { Media } from "../survey.ts";
import { videoEmbedUrl } from "../video.ts";
import type { Ui } from "./ui.ts";

/** The picture or the video above a card's text; nothing where there is neither. */
export function MediaView({ imageUrl, videoUrl, ui }: Media & { ui: Ui }) {
  const embed = videoUrl === undefined ? null : videoEmbedUrl(videoUrl);
  if (embed !== null)
    return (
      <div class="mo-media mo-video">
        <iframe
          src={embed}
          title={ui.messages.video}
          loading="lazy"
          allow="fullscreen; picture-in-picture; encrypted-media"
          referrerpolicy="strict-origin-when-cross-origin"
        />
      </div>
    );
  return imageUrl === undefined ? null : <img class="mo-media" src={ui.pictureUrl(imageUrl)} alt={ui.messages.pictureFor} />;
}
