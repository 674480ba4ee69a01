import type sdkLoader from "@formbricks/js";
import { useEffect, useState } from "preact/hooks";
import { forgetState, readState, storedState } from "./sdk-state.ts";
import { type Answer, createServerApi, type Environment, type Membership, type Server } from "./server.ts";

type Sdk = typeof sdkLoader;

const KEY_STORE = "mortar-playground";
/** The SDK sends what is set half a second later; what comes of it is seen soon after. */
const LOOK_EVERY_MS = 700;
const EVENTS = [
  "formbricks_setup_successful",
  "formbricks_action_tracked",
  "formbricks_survey_shown",
  "formbricks_response_submitted",
  "formbricks_survey_closed",
] as const;

interface Connection {
  server: Server;
  environment: Environment;
  actions: { key: string; name: string }[];
  surveys: Map<string, string>;
}

interface Seen {
  memberships: Membership[];
  answers: Answer[];
}

interface Happening {
  at: Date;
  what: string;
}

export function Playground({ sdk, nonce }: { sdk: Sdk; nonce: string }) {
  const [connection, setConnection] = useState<Connection | null>(null);
  const [happenings, setHappenings] = useState<Happening[]>([]);
  const [stored, setStored] = useState(storedState);
  const state = readState(stored);
  const note = (what: string) => setHappenings((earlier) => [{ at: new Date(), what }, ...earlier].slice(0, 30));

  useEffect(() => {
    const offs = EVENTS.map((name) =>
      sdk.on(name, (payload) => note(`${name.replace("formbricks_", "").replaceAll("_", " ")} ${detailOf(payload)}`)),
    );
    const timer = setInterval(() => setStored(storedState()), LOOK_EVERY_MS);
    return () => {
      for (const off of offs) off();
      clearInterval(timer);
    };
  }, [sdk]);

  async function connect(apiKey: string, environmentId: string | null): Promise<Environment[]> {
    const server = createServerApi({ apiKey, fetch: (input, init) => fetch(input, init) });
    const environments = await server.listEnvironments();
    const environment = environments.find(({ id }) => id === environmentId) ?? environments[0];
    if (environment === undefined) throw new Error("This key may use no environment");
    const [actions, surveys] = await Promise.all([server.listActions(environment.id), server.listSurveys(environment.id)]);
    sessionStorage.setItem(KEY_STORE, JSON.stringify({ apiKey, environmentId: environment.id }));
    await sdk.setup({ appUrl: location.origin, workspaceId: environment.id });
    await sdk.setNonce(nonce);
    setConnection({ server, environment, actions, surveys });
    return environments;
  }

  return (
    <>
      <header class="top">
        <h1>Mortar playground</h1>
        <p>An app with the SDK in it on the left, and what the server makes of its user on the right.</p>
      </header>
      <main>
        <div class="column">
          <Connect onConnect={connect} />
          {connection !== null && <Controls sdk={sdk} connection={connection} />}
        </div>
        <div class="column">
          <Visitor state={state} />
          {connection !== null && <Outcome connection={connection} stored={stored} happenings={happenings} />}
          <Log happenings={happenings} />
        </div>
      </main>
    </>
  );
}

/** Keys stay in this tab: a page that is loaded again goes on, another tab asks. */
function Connect({ onConnect }: { onConnect(apiKey: string, environmentId: string | null): Promise<Environment[]> }) {
  const [apiKey, setApiKey] = useState("");
  const [environments, setEnvironments] = useState<Environment[]>([]);
  const [environmentId, setEnvironmentId] = useState<string | null>(null);
  const [problem, setProblem] = useState("");

  const connect = async (key: string, id: string | null) => {
    try {
      const found = await onConnect(key, id);
      setEnvironments(found);
      setEnvironmentId(id ?? found[0]?.id ?? null);
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  useEffect(() => {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY_STORE) ?? "null");
    if (typeof kept !== "object" || kept === null || !("apiKey" in kept) || !("environmentId" in kept)) return;
    setApiKey(String(kept.apiKey));
    void connect(String(kept.apiKey), String(kept.environmentId));
  }, []);
  const change = (id: string) => {
    sessionStorage.setItem(KEY_STORE, JSON.stringify({ apiKey, environmentId: id }));
    forgetState();
    location.reload(); // a page has one SDK, and an SDK one environment
  };

  return (
    <section aria-labelledby="connect">
      <h2 id="connect">1 · Connect</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void connect(apiKey.trim(), null);
        }}
      >
        <label>
          API key
          <input
            type="password"
            autocomplete="off"
            required
            value={apiKey}
            placeholder="fbk_…"
            onInput={(event) => setApiKey(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Connect</button>
      </form>
      {environments.length > 1 && (
        <form>
          <label>
            Environment
            <select value={environmentId ?? ""} onChange={(event) => change(event.currentTarget.value)}>
              {environments.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name || id}
                </option>
              ))}
            </select>
          </label>
        </form>
      )}
      {problem !== "" && (
        <p class="wrong" role="alert">
          {problem}
        </p>
      )}
      {environments.length === 0 && (
        <p class="hint">
          The server printed a key at its first start, and keeps it in <code>data/bootstrap.json</code>.
        </p>
      )}
    </section>
  );
}

function Controls({ sdk, connection: { server, environment, actions } }: { sdk: Sdk; connection: Connection }) {
  const [userId, setUserId] = useState("ada");
  const [key, setKey] = useState("plan");
  const [value, setValue] = useState("pro");
  const [problem, setProblem] = useState("");
  const createSample = async () => {
    try {
      await server.createSample(environment.id);
      forgetState();
      location.reload(); // SDKs learn of new surveys when they set up anew, or within the hour
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <section aria-labelledby="user">
        <h2 id="user">2 · Say who it is</h2>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void sdk.setUserId(userId);
          }}
        >
          <Field label="User id" value={userId} onText={setUserId} />
          <button type="submit">Set user</button>
          <button type="button" class="quiet" onClick={() => void sdk.logout()}>
            Log out
          </button>
        </form>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void sdk.setAttribute(key, value);
          }}
        >
          <Field label="Attribute" value={key} onText={setKey} />
          <Field label="Value" value={value} onText={setValue} />
          <button type="submit">Set</button>
        </form>
      </section>
      <section aria-labelledby="actions">
        <h2 id="actions">3 · Do something</h2>
        {actions.length === 0 && <p class="empty">This environment has no actions yet.</p>}
        <div class="actions">
          {actions.map((action) => (
            <button type="button" key={action.key} onClick={() => void sdk.track(action.key)}>
              {action.name}
            </button>
          ))}
        </div>
        <p class="hint">An action shows the surveys that it triggers to whoever is in their segment.</p>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void createSample();
          }}
        >
          <button type="submit" class="quiet">
            Create a sample survey
          </button>
        </form>
        {problem !== "" && (
          <p class="wrong" role="alert">
            {problem}
          </p>
        )}
      </section>
    </>
  );
}

function Field({ label, value, onText }: { label: string; value: string; onText(text: string): void }) {
  return (
    <label>
      {label}
      <input value={value} required autocomplete="off" onInput={(event) => onText(event.currentTarget.value)} />
    </label>
  );
}

function Visitor({ state }: { state: ReturnType<typeof readState> }) {
  return (
    <section aria-labelledby="visitor">
      <h2 id="visitor">The user, as the SDK knows them</h2>
      <dl>
        <dt>User id</dt>
        <dd>{state.userId ?? "nobody known"}</dd>
        <dt>Contact</dt>
        <dd>{state.contactId === null ? "none" : <code>{state.contactId}</code>}</dd>
      </dl>
    </section>
  );
}

/** Looks again whenever the SDK's state changes or something has happened. */
function Outcome({ connection, stored, happenings }: { connection: Connection; stored: string; happenings: Happening[] }) {
  const { server, environment, surveys } = connection;
  const { userId, contactId, displays } = readState(stored);
  const [seen, setSeen] = useState<Seen>({ memberships: [], answers: [] });
  useEffect(() => {
    let isLate = false;
    const look = async (): Promise<Seen> => ({
      memberships: userId === null ? [] : await server.explainSegments(environment.id, userId),
      answers: contactId === null ? [] : await server.listAnswers(contactId),
    });
    look().then(
      (now) => {
        if (!isLate) setSeen(now);
      },
      () => undefined, // the next change looks again
    );
    return () => {
      isLate = true;
    };
  }, [server, environment, stored, happenings.length]);
  return (
    <>
      <section aria-labelledby="segments">
        <h2 id="segments">Segments, and what decided</h2>
        {seen.memberships.length === 0 && (
          <p class="empty">{userId === null ? "Set a user to see theirs." : "There are none."}</p>
        )}
        <ul>
          {seen.memberships.map(({ id, title, isIn, reason }) => (
            <li key={id}>
              <div class="row">
                <strong>{title}</strong>
                <span class={`badge ${isIn ? "in" : ""}`}>{isIn ? "in" : "not in"}</span>
              </div>
              <p class="why">{reason}</p>
            </li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="displays">
        <h2 id="displays">Displays</h2>
        {displays.length === 0 && <p class="empty">No survey was shown.</p>}
        <ul>
          {displays.map(({ surveyId, createdAt }) => (
            <li key={surveyId + createdAt} class="row">
              <strong>{surveys.get(surveyId) ?? surveyId}</strong>
              <Time at={new Date(createdAt)} />
            </li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="responses">
        <h2 id="responses">Responses in the database</h2>
        {seen.answers.length === 0 && <p class="empty">None yet.</p>}
        <ul>
          {seen.answers.map(({ id, surveyId, createdAt, finished, data }) => (
            <li key={id}>
              <div class="row">
                <strong>{surveys.get(surveyId) ?? surveyId}</strong>
                <span class={`badge ${finished ? "in" : ""}`}>{finished ? "finished" : "begun"}</span>
                <Time at={new Date(createdAt)} />
              </div>
              <p class="why">
                <code>{JSON.stringify(data)}</code>
              </p>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function Log({ happenings }: { happenings: Happening[] }) {
  return (
    <section aria-labelledby="events">
      <h2 id="events">What the SDK tells the page</h2>
      {happenings.length === 0 && <p class="empty">Nothing yet.</p>}
      <ul aria-live="polite">
        {happenings.map(({ at, what }, index) => (
          <li key={happenings.length - index} class="row">
            <span>{what}</span>
            <Time at={at} />
          </li>
        ))}
      </ul>
    </section>
  );
}

const Time = ({ at }: { at: Date }) => <time dateTime={at.toISOString()}>{at.toLocaleTimeString()}</time>;

/** What tells one event from another: the action, or whether a response is finished. */
function detailOf(payload: object): string {
  if ("action" in payload) return `· ${String(payload.action)}`;
  return "finished" in payload ? `· ${payload.finished === true ? "finished" : "begun"}` : "";
}
