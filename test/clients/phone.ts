/** A phone with an app that has the React Native SDK in it: storage, a network, and a web view that runs the SDK's page. */
import { createContext, runInContext } from "node:vm";
import { vi } from "vitest";
import { createTinyReact, type HostProps } from "./tiny-react.ts";

/** What the SDK's page hands to the survey renderer, as far as the tests look at it. */
export interface RenderOptions {
  survey: { id: string };
  appUrl: string;
  workspaceId: string;
  contactId?: string;
  languageCode: string;
  hiddenFieldsRecord: Record<string, unknown>;
  onDisplayCreated(): void;
  onResponseCreated(): void;
  onFinished(): void;
  onClose(): void;
}

/** The SDK's own view of things, as it keeps it in the phone's storage. */
export interface SdkState {
  status: { value: string };
  workspace: { data: { surveys: { id: string }[] } };
  user: {
    expiresAt: string | null;
    data: {
      userId: string | null;
      contactId: string | null;
      segments: string[];
      displays: { surveyId: string; createdAt: string }[];
      responses: string[];
      lastDisplayAt: string | null;
      language?: string;
    };
  };
  filteredSurveys: { id: string }[];
}

/** A renderer for the operator's folder: it shows nothing, and tells the phone what it was asked to show. */
export const RENDERER_SCRIPT = "window.formbricksSurveys = { renderSurvey: (options) => { window.shown = options; } };";

export type App = Awaited<ReturnType<typeof startApp>>;

/** Starts an app anew; the phone's storage is what stays from one start to the next. */
export async function startApp({
  appUrl,
  environmentId,
  storage = new Map<string, string>(),
}: {
  appUrl: string;
  environmentId: string;
  storage?: Map<string, string> | undefined;
}) {
  const react = createTinyReact();
  vi.resetModules();
  vi.stubEnv("NODE_ENV", "production");
  vi.stubGlobal("__DEV__", false);
  vi.doMock("react", () => react.module);
  vi.doMock("react-native", () => ({
    KeyboardAvoidingView: "KeyboardAvoidingView",
    Modal: "Modal",
    View: "View",
    StyleSheet: { create: (styles: unknown) => styles },
    Linking: { openURL: () => Promise.resolve() },
  }));
  vi.doMock("react-native-webview", () => ({ WebView: "WebView" }));
  vi.doMock("@react-native-community/netinfo", () => ({ fetch: async () => ({ isConnected: true }) }));
  vi.doMock("@react-native-async-storage/async-storage", () => ({
    default: {
      getItem: async (key: string) => storage.get(key) ?? null,
      setItem: async (key: string, value: string) => void storage.set(key, value),
      removeItem: async (key: string) => void storage.delete(key),
    },
  }));
  const sdk = await import("@formbricks/react-native");
  react.mount(sdk.Formbricks, { appUrl, environmentId });

  return {
    sdk,
    storage,
    /** Throws before the SDK has kept anything. */
    state: (): SdkState => JSON.parse(storage.get("formbricks-react-native") ?? ""),
    /** The survey on the screen; undefined: none. Runs the page that the SDK gave its web view. */
    shown: async (): Promise<RenderOptions | undefined> => {
      const webView = react.host("Modal")?.visible === true ? react.host("WebView") : undefined;
      return webView && openPage(webView);
    },
    /** The page on the screen and how it talks to the app, for who has a real web view; undefined: none. */
    webView: (): { html: string; tell: (message: string) => void } | undefined => {
      const webView = react.host("Modal")?.visible === true ? react.host("WebView") : undefined;
      return webView && readWebView(webView);
    },
    stop: () => react.unmount(),
  };
}

function readWebView({ source, onMessage }: HostProps) {
  if (!isPage(source) || typeof onMessage !== "function") throw new Error("The web view was given no page");
  return { html: source.html, tell: (data: string): void => void onMessage({ nativeEvent: { data } }) };
}

async function openPage(webView: HostProps): Promise<RenderOptions> {
  const { html, tell } = readWebView(webView);
  const script = /<script type="text\/javascript">(.*)<\/script>/s.exec(html)?.[1] ?? "";
  const elements: { src?: string; onload?: () => void }[] = [];
  const window: Record<string, unknown> = {
    ReactNativeWebView: { postMessage: tell },
  };
  const document = { createElement: () => ({}), head: { appendChild: (element: { src?: string }) => elements.push(element) } };
  const page = createContext({ window, document });
  runInContext(script, page);
  for (const { src = "", onload } of elements) {
    const answer = await fetch(src);
    if (!answer.ok) throw new Error(`${src} answers ${answer.status}`);
    runInContext(await answer.text(), page);
    onload?.();
  }
  if (!isRenderOptions(window.shown)) throw new Error("The page did not ask for a survey");
  return window.shown;
}

const isPage = (source: unknown): source is { html: string } =>
  typeof source === "object" && source !== null && "html" in source && typeof source.html === "string";

const isRenderOptions = (value: unknown): value is RenderOptions =>
  typeof value === "object" && value !== null && "survey" in value && "onDisplayCreated" in value;
