import { useRef, useState } from "preact/hooks";
import { fileProblem, type UploadProblem } from "../../file-upload.ts";
import { fill } from "../../messages.ts";
import { receivePickedFiles } from "../../picked-files.ts";
import { AlertIcon, CloseIcon, UploadIcon } from "../icons.tsx";
import { type ElementProps, listOf } from "../ui.ts";
import { IconButton } from "./ranking.tsx";

interface Trouble {
  name: string;
  problem: UploadProblem;
}

/** Files are uploaded as they are chosen; the answer is their addresses. */
export function FileUpload({ element, answer, onAnswer, ui, labelledBy, describedBy }: ElementProps) {
  const [uploading, setUploading] = useState<string[]>([]);
  const [troubles, setTroubles] = useState<Trouble[]>([]);
  const [isOver, setOver] = useState(false);
  const urls = useRef<string[]>([]); // several uploads end after the render they began in
  urls.current = listOf(answer);
  const { allowMultipleFiles: isMany, allowedFileExtensions: extensions, maxSizeInMB } = element;

  const take = async (chosen: File[]) => {
    setTroubles([]);
    await Promise.all((isMany ? chosen : chosen.slice(0, 1)).map(takeOne));
  };
  const takeOne = async (file: File) => {
    const problem = fileProblem(file, element);
    if (problem !== null) return setTroubles((others) => [...others, { name: file.name, problem }]);
    setUploading((others) => [...others, file.name]);
    const result = await ui.upload(file, element);
    setUploading((others) => others.filter((name) => name !== file.name));
    if ("problem" in result) return setTroubles((others) => [...others, { name: file.name, problem: result.problem }]);
    urls.current = isMany ? [...urls.current, result.url] : [result.url];
    onAnswer(urls.current);
  };
  const accept = extensions?.map((extension) => `.${extension}`).join(",");
  const limits = [extensions?.join(", "), maxSizeInMB && fill(ui.messages.maxSize, { size: maxSizeInMB })].filter(Boolean);
  return (
    <>
      <label
        class={`mo-drop ${isOver ? "mo-over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void take([...(event.dataTransfer?.files ?? [])]);
        }}
      >
        <UploadIcon />
        <span>
          <b>{isMany ? ui.messages.uploadSeveral : ui.messages.upload}</b>{" "}
          <span class="mo-drop-hint">{isMany ? ui.messages.dropSeveralHere : ui.messages.dropHere}</span>
        </span>
        {limits.length > 0 && <span class="mo-hint">{limits.join(" · ")}</span>}
        <input
          type="file"
          multiple={isMany}
          accept={accept}
          data-accept-extensions={extensions?.join(",") ?? ""}
          data-accept-multiple={String(isMany)}
          aria-labelledby={labelledBy}
          aria-describedby={describedBy}
          onClick={() => receivePickedFiles((files) => void take(files))}
          onChange={(event) => {
            const chosen = [...(event.currentTarget.files ?? [])];
            event.currentTarget.value = ""; // the same file may be chosen again
            void take(chosen);
          }}
        />
      </label>
      <ul class="mo-list" aria-live="polite" hidden={listOf(answer).length + uploading.length === 0}>
        {listOf(answer).map((url) => (
          <li key={url} class="mo-row">
            <span class="mo-grow">{fileNameOf(url)}</span>
            <IconButton
              label={fill(ui.messages.removeFile, { name: fileNameOf(url) })}
              isOff={false}
              onPress={() => onAnswer(listOf(answer).filter((each) => each !== url))}
            >
              <CloseIcon />
            </IconButton>
          </li>
        ))}
        {uploading.map((name) => (
          <li key={name} class="mo-row">
            <span class="mo-grow mo-hint">{fill(ui.messages.uploading, { name })}</span>
          </li>
        ))}
      </ul>
      {troubles.map(({ name, problem }) => (
        <div key={name} class="mo-error" role="alert">
          <AlertIcon />
          {fill(ui.messages[`upload_${problem}`], { name })}
        </div>
      ))}
    </>
  );
}

/** The name the file had, without what the server adds to it. */
function fileNameOf(url: string): string {
  const name = url.split("/").pop() ?? url;
  try {
    return decodeURIComponent(name).replace(/--fid--[^.]*/, "");
  } catch {
    return name;
  }
}
