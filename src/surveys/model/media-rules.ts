/** Images and videos that cannot be shown. Reported as one sentence, not by path. Source: survey-model §5, §17. */
import type { Block } from "./block.ts";
import type { SurveyElement } from "./element.ts";
import { isImageUrl, isVideoUrl } from "./url.ts";

/** The first unusable image or video, as a sentence that names its block and question, or undefined. */
export function mediaIssue(blocks: readonly Block[]): string | undefined {
  for (const [blockIndex, { elements }] of blocks.entries())
    for (const [index, element] of elements.entries()) {
      const issue = issueOf(element);
      if (issue !== undefined) return `${issue} in question ${index + 1} of block ${blockIndex + 1}`;
    }
  return undefined;
}

function issueOf(element: SurveyElement): string | undefined {
  if (element.imageUrl !== undefined && !isImageUrl(element.imageUrl)) return "Invalid image URL";
  if (element.videoUrl !== undefined && !isVideoUrl(element.videoUrl)) return "Invalid video URL";
  if (element.type !== "pictureSelection") return undefined;
  const choice = element.choices.findIndex(({ imageUrl }) => !isImageUrl(imageUrl));
  return choice === -1 ? undefined : `Invalid image URL in choice ${choice + 1}`;
}
