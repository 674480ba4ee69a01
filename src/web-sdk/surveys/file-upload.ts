/** Uploads of respondents' files. Source: client-api §15.1, sdk-contract §5. */
import { isRecord } from "../../responses/answer-values.ts";
import type { Element } from "./survey.ts";
import { dataOf, detailsOf, type SurveyApi } from "./survey-api.ts";

export type UploadProblem = "tooLarge" | "badName" | "badType" | "notConfigured" | "failed";
export type UploadResult = { url: string } | { problem: UploadProblem };
/** Never rejects. */
export type UploadFile = (file: File, element: Element) => Promise<UploadResult>;

const EXTENSIONS_WITHOUT_TYPE: Readonly<Record<string, string>> = {
  heic: "image/heic",
  eml: "message/rfc822",
  csv: "text/csv",
  mkv: "video/x-matroska",
  rar: "application/vnd.rar",
  "7z": "application/x-7z-compressed",
  tar: "application/x-tar",
};

/** What can be told before anything is sent; null when nothing speaks against the file. */
export function fileProblem(file: Pick<File, "name" | "size">, element: Element): UploadProblem | null {
  const extension = extensionOf(file.name);
  const { allowedFileExtensions, maxSizeInMB } = element;
  if (extension === "" || (allowedFileExtensions && !allowedFileExtensions.includes(extension))) return "badType";
  return maxSizeInMB !== undefined && file.size > maxSizeInMB * 1024 * 1024 ? "tooLarge" : null;
}

export function createFileUpload({
  api,
  surveyId,
  fetch,
}: {
  api: SurveyApi;
  surveyId: string;
  fetch: typeof globalThis.fetch;
}): UploadFile {
  return async (file, element) => {
    const reply = await api.requestUpload({
      fileName: file.name,
      // Browsers know no type of the rarer kinds, and name some otherwise than the server does.
      fileType: EXTENSIONS_WITHOUT_TYPE[extensionOf(file.name)] ?? file.type,
      ...(element.allowedFileExtensions ? { allowedFileExtensions: element.allowedFileExtensions } : {}),
      surveyId,
      elementId: element.id,
    });
    const { signedUrl, fileUrl, presignedFields } = dataOf(reply) ?? {};
    if (typeof signedUrl !== "string" || typeof fileUrl !== "string" || !isRecord(presignedFields))
      return { problem: problemOfRefusal(detailsOf(reply)) };
    return await post(file, signedUrl, presignedFields, fileUrl);
  };

  async function post(
    file: File,
    signedUrl: string,
    fields: Readonly<Record<string, unknown>>,
    fileUrl: string,
  ): Promise<UploadResult> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, String(value));
    form.append("file", file); // a store reads no field after the file
    try {
      const response = await fetch(signedUrl, { method: "POST", body: form });
      if (response.ok) return { url: fileUrl };
      return { problem: (await response.text()).includes("EntityTooLarge") ? "tooLarge" : "failed" };
    } catch {
      return { problem: "failed" };
    }
  }
}

function problemOfRefusal(details: Readonly<Record<string, unknown>>): UploadProblem {
  if (details.fileName !== undefined) return "badName";
  if (details.fileType !== undefined) return "badType";
  return details.storage_error_code === undefined ? "failed" : "notConfigured";
}

const extensionOf = (name: string): string => (name.includes(".") ? (name.split(".").pop() ?? "").toLowerCase() : "");
