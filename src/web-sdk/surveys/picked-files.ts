/**
 * Files from a picker outside the page: Android's web view has one, and hands over what was chosen by calling
 * `formbricksSurveys.onFilePick`. Source: sdk-contract §8.3.
 */
import { isRecord } from "../../responses/answer-values.ts";

type Receiver = (files: File[]) => void;

let receiver: Receiver | null = null;

/** The element that was touched last gets the files. */
export function receivePickedFiles(receive: Receiver): void {
  receiver = receive;
}

/** `[{ name, type, base64 }]`; entries that are not that are left out. */
export function handOverPickedFiles(given: unknown): void {
  const files = (Array.isArray(given) ? given : []).flatMap((entry) => {
    const file = readFile(entry);
    return file === null ? [] : [file];
  });
  if (files.length > 0) receiver?.(files);
}

function readFile(entry: unknown): File | null {
  if (!isRecord(entry) || typeof entry.name !== "string" || typeof entry.base64 !== "string") return null;
  try {
    const bytes = Uint8Array.from(atob(entry.base64.replace(/^data:[^,]*,/, "")), (sign) => sign.charCodeAt(0));
    return new File([bytes], entry.name, { type: typeof entry.type === "string" ? entry.type : "" });
  } catch {
    return null;
  }
}
