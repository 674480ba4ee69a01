import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { z } from "zod";

const flag = z
  .enum(["0", "1", "true", "false", "on", "off"])
  .transform((value) => value === "1" || value === "true" || value === "on");

const databaseUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\/\S+$/, "must be a postgresql:// URL")
  .optional();

/** Secrets, separated by commas. */
const secretList = z
  .string()
  .default("")
  .transform((value) => value.split(",").map((secret) => secret.trim()))
  .transform((secrets) => secrets.filter((secret) => secret !== ""))
  .refine((secrets) => secrets.every(({ length }) => length >= 32), "each must have at least 32 characters");

/** Every variable the server and the command line read, each with a default. `npm start` needs none. */
const Environment = z.object({
  HOST: z.string().min(1).default("127.0.0.1").describe("Address to listen on; `0.0.0.0` in the container image"),
  PORT: z.coerce.number().int().min(0).max(65535).default(3000).describe("Port to listen on; `0` takes any free one"),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .transform((value) => value?.replace(/\/+$/, ""))
    .describe("Address under which clients reach this server; default `http://HOST:PORT`"),
  DATA_DIR: z
    .string()
    .min(1)
    .default("./data")
    .transform((value) => resolve(value))
    .describe("Folder of the embedded database, uploaded files, `bootstrap.json` and the generated encryption key"),
  DATABASE_URL: databaseUrl.describe("A PostgreSQL of version 15 or newer; unset: the embedded one in `DATA_DIR`"),
  DATABASE_DIRECT_URL: databaseUrl.describe(
    "The same database past a transaction pooler, for migrations and change notices; default `DATABASE_URL`",
  ),
  DATABASE_REPLICA_URL: databaseUrl.describe(
    "A streaming replica of the database, for lists and exports only; not used while it is away or lags more than 10 s",
  ),
  DATABASE_POOL_SIZE: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(8)
    .describe("Database connections of this server for queries; workers share them out, at least 2 to each"),
  DATABASE_PREPARED_STATEMENTS: flag
    .default(true)
    .describe("`off` behind a pooler that gives each transaction another connection (PgBouncer's transaction mode)"),
  MIGRATE_ON_START: flag.default(false).describe("Apply migrations at start also to the database of `DATABASE_URL`"),
  WORKERS: z
    .union([z.literal("auto").transform(() => availableParallelism()), z.coerce.number().int().min(1).max(64)], {
      error: "must be auto or a number from 1 to 64",
    })
    .default(1)
    .describe("Processes that serve requests on the one port; `auto`: one for each core"),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
    .default("info")
    .describe("The least severe messages that are logged"),
  ACCESS_LOG: z
    .union([z.enum(["all", "errors", "off"]), z.coerce.number().min(0).max(1)], {
      error: "must be all, errors, off or a number from 0 to 1",
    })
    .default("errors")
    .describe(
      "Requests that are logged, a line each at `info`: `all`, `errors` (5xx, and what took over a second), `off`, or a share from 0 to 1 of all beside the errors",
    ),
  METRICS: flag
    .default(false)
    .describe("Serve figures for Prometheus under `/metrics`, to whoever reaches the port: close that path in a public proxy"),
  TRACING: flag
    .default(false)
    .describe(
      "Send traces by OpenTelemetry; where to and how many is said by the standard variables: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and so on",
    ),
  ENCRYPTION_KEY: z
    .string()
    .min(32, "must have at least 32 characters")
    .optional()
    .describe("Encrypts stored secrets such as a webhook's; unset: made once and kept in `DATA_DIR/encryption.key`"),
  ENCRYPTION_KEY_PREVIOUS: secretList.describe(
    "Former values of `ENCRYPTION_KEY`, separated by commas: what they sealed and signed stays good; see `mortar reseal`",
  ),
  IDENTIFY_SECRET: secretList.describe(
    "Demands that user ids of the client API are signed with it, in every environment without a secret of its own; two separated by commas while one follows the other; unset: no signature is asked for",
  ),
  RATE_LIMIT: flag.default(true).describe("Limit requests per client; `off` for tests and load measurements"),
  RATE_LIMIT_CLIENT: z.coerce
    .number()
    .int()
    .min(1)
    .default(100)
    .describe("Requests a minute that one address may send to the client API for one environment"),
  RATE_LIMIT_MANAGEMENT: z.coerce
    .number()
    .int()
    .min(1)
    .default(100)
    .describe("Requests a minute that one API key may send to a management API"),
  RATE_LIMIT_ENVIRONMENT: z.coerce
    .number()
    .int()
    .min(1)
    .default(60_000)
    .describe("Requests a minute that one environment takes on the client API, of all addresses together"),
  RATE_LIMIT_STORE: z
    .enum(["memory", "database", "redis"])
    .optional()
    .describe(
      "Where requests are counted: `memory` of this server, or for several replicas the `database` or `redis`; default `redis` when `REDIS_URL` is set, else `memory`",
    ),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/\S+$/, "must be a redis:// URL")
    .optional()
    .describe("A Redis or Valkey in which the requests of several replicas are counted; nothing else needs it"),
  MAX_CONCURRENT_REQUESTS: z.coerce
    .number()
    .int()
    .min(2)
    .default(2_000)
    .describe("Requests that a process answers at a time, of one address at most three quarters; more are told to come again"),
  TRUST_PROXY: z
    .string()
    .default("")
    .refine(isTrustProxy, "must be a number of hops, or addresses and networks separated by commas")
    .describe("Proxies whose `X-Forwarded-For` is believed: a number of hops, or addresses separated by commas"),
  RECAPTCHA_SITE_KEY: z
    .string()
    .min(1)
    .optional()
    .describe("Public key of Google reCAPTCHA v3, told to SDKs; takes effect with the secret"),
  RECAPTCHA_SECRET_KEY: z
    .string()
    .min(1)
    .optional()
    .describe("Secret key of Google reCAPTCHA v3; takes effect with the site key"),
  MAX_ATTRIBUTE_KEYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(150)
    .describe("Contact attribute keys an environment may have"),
  AUDIT_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(3_650)
    .default(365)
    .describe("Days after which entries of the audit log are deleted; `0` keeps them"),
  EVENT_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(36_500)
    .default(0)
    .describe("Days after which events of contacts are deleted; `0` keeps them"),
  ERASURE_MODE: z
    .enum(["anonymise", "delete"])
    .default("anonymise")
    .describe("What an erasure does with a person's answers: keep them without any link to the person, or delete them too"),
  USERPILOT_DELETE_DELAY_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(31_536_000)
    .default(0)
    .describe("Time between a delete call of the Userpilot contract and the deletion"),
  USERPILOT_RATE_LIMIT: flag
    .default(false)
    .describe("Apply Userpilot's own limits to its contract: 600 identifies and 600 tracks per minute, a delete per 2 s"),
  USERPILOT_TRACK_CREATES_USERS: flag
    .default(true)
    .describe("Whether the Userpilot contract's track call makes a contact of a user who is not known yet"),
  SPRIG_PURGE_DEFAULT_DELAY_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(31_536_000)
    .default(864_000)
    .describe("Time between a purge call of the Sprig contract that names none and the erasure; within it it can be taken back"),
  SPRIG_RATE_LIMIT: flag
    .default(false)
    .describe("Apply Sprig's own limits to its contract: 1,000 requests per second and key, or per 5 minutes below `/v1`"),
  SPRIG_STRICT_EVENTS: flag
    .default(false)
    .describe("Whether the Sprig contract refuses events whose name is no action class's name or key"),
  SPRIG_COMPANY_ATTRIBUTE: z
    .string()
    .min(1)
    .optional()
    .describe("Attribute of the Sprig contract's users that holds the id of their company; unset: they have none"),
  USER_MANAGEMENT_MINIMUM_ROLE: z
    .enum(["owner", "manager", "disabled"])
    .default("manager")
    .describe("Lowest role of an API key's creator with which the key may manage users"),
  UPLOAD_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .max(5_368_709_120)
    .default(10_485_760)
    .describe("Largest file that can be uploaded, in bytes"),
  S3_BUCKET: z
    .string()
    .min(1)
    .optional()
    .describe("Bucket of an S3-compatible store for uploaded files; unset: they are kept in `DATA_DIR/uploads`"),
  S3_REGION: z.string().min(1).default("us-east-1").describe("Region of the bucket"),
  S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Address of the store, which clients upload to as well; unset: Amazon's"),
  S3_ACCESS_KEY_ID: z.string().min(1).optional().describe("Access key of the store; unset: as the AWS SDK finds one by itself"),
  S3_SECRET_ACCESS_KEY: z.string().min(1).optional().describe("Secret of `S3_ACCESS_KEY_ID`"),
  S3_FORCE_PATH_STYLE: flag
    .default(false)
    .describe("Name the bucket in the path and not in the host name, as most stores but Amazon's want it"),
  SDK_ASSETS_DIR: z
    .string()
    .min(1)
    .optional()
    .transform((value) => (value === undefined ? undefined : resolve(value)))
    .describe("Folder with a `formbricks.umd.cjs` or a `surveys.umd.cjs` to serve at `/js/` in the place of our own"),
  PLAYGROUND: flag
    .optional()
    .describe(
      "Serve the page `/playground`, which tries the SDK; unset: only where `HOST` is this machine's own and `PUBLIC_URL` is unset",
    ),
  DANGEROUSLY_ALLOW_WEBHOOK_INTERNAL_URLS: flag
    .default(false)
    .describe("Let webhooks point into the network that the server stands in"),
  WEBHOOK_ALLOWED_CIDRS: z
    .string()
    .default("")
    .transform((value) => value.split(",").map((network) => network.trim()))
    .transform((networks) => networks.filter((network) => network !== ""))
    .refine((networks) => networks.every(isNetwork), "must be networks such as 10.0.0.0/8, separated by commas")
    .describe("Networks of our own that webhooks may point into, separated by commas: `10.0.0.0/8,fd00::/8`"),
  WEBHOOK_WORKER: flag
    .default(true)
    .describe("Deliver webhooks in the server's process; `off` where `mortar worker` runs beside it"),
  WEBHOOK_LOG_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(365)
    .default(14)
    .describe("Days for which webhooks' events and their deliveries are kept, to be looked up and replayed"),
  SHUTDOWN_DELAY_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(0)
    .describe("Time between `/ready` turning 503 and the last request taken, for load balancers"),
  BOOTSTRAP_API_KEY: z
    .string()
    .regex(/^fbk_[A-Za-z0-9_-]{16,}$/, "must be fbk_ and at least 16 characters of A-Z a-z 0-9 _ -")
    .optional()
    .describe("The API key of a new installation; unset: a random one"),
  BOOTSTRAP_ENVIRONMENT_ID: z
    .string()
    .regex(/^[a-z][0-9a-z]{8,63}$/, "must be 9 to 64 lower-case letters and digits")
    .optional()
    .describe("The id of a new installation's production environment; unset: a new id"),
  BOOTSTRAP_ORGANIZATION_NAME: z.string().min(1).default("My organization").describe("Name of a new installation's organization"),
  BOOTSTRAP_OWNER_EMAIL: z.email().default("owner@example.com").describe("E-mail address of a new installation's owner"),
});

/** Variables that mean nothing without another one. */
const COMPANIONS = [
  ["DATABASE_REPLICA_URL", "DATABASE_URL"],
  ["S3_ENDPOINT", "S3_BUCKET"],
  ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"],
  ["S3_SECRET_ACCESS_KEY", "S3_ACCESS_KEY_ID"],
] as const;

const CompleteEnvironment = Environment.superRefine((given, context) => {
  if (given.RATE_LIMIT_STORE === "redis" && given.REDIS_URL === undefined)
    context.addIssue({ code: "custom", path: ["RATE_LIMIT_STORE"], message: "needs REDIS_URL to be set too" });
  for (const [name, companion] of COMPANIONS)
    if (given[name] !== undefined && given[companion] === undefined)
      context.addIssue({ code: "custom", path: [name], message: `needs ${companion} to be set too` });
});

export type Config = Readonly<z.output<typeof Environment>>;

/** The configuration after the encryption key was read or made. */
export type CompleteConfig = Config & { readonly ENCRYPTION_KEY: string };

/** A variable with a wrong value. Its message has one line for each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads the configuration. An empty variable counts as unset. Throws {@link ConfigError} naming every wrong one. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""));
  const result = CompleteEnvironment.safeParse(given);
  if (result.success) return Object.freeze(result.data);
  throw new ConfigError(result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n"));
}

/** Whether the playground is served: where nobody but this machine reaches the server, or where it is asked for. */
export function isPlaygroundServed({ PLAYGROUND, PUBLIC_URL, HOST }: Config): boolean {
  return PLAYGROUND ?? (PUBLIC_URL === undefined && ["127.0.0.1", "::1", "localhost"].includes(HOST));
}

/** The address under which clients reach this server, without a slash at its end. */
export function publicUrl({ PUBLIC_URL, HOST, PORT }: Config): string {
  return PUBLIC_URL ?? `http://${isIP(HOST) === 6 ? `[${HOST}]` : HOST}:${PORT}`;
}

/** Every variable with its default and meaning, for the README's table. */
export function describeConfig(): { name: string; default: string; description: string }[] {
  return Object.entries(Environment.shape).map(([name, schema]) => ({
    name,
    default: defaultOf(schema),
    description: schema.description ?? "",
  }));
}

function defaultOf(schema: z.ZodType): string {
  for (let part: unknown = schema; part instanceof z.ZodType; ) {
    if (part instanceof z.ZodDefault) {
      const value: unknown = part.def.defaultValue;
      return typeof value === "boolean" ? (value ? "on" : "off") : String(value);
    }
    part = part instanceof z.ZodPipe ? part.in : undefined;
  }
  return "";
}

function isTrustProxy(value: string): boolean {
  return value === "" || /^\d{1,2}$/.test(value) || value.split(",").every((part) => isIP(part.trim().split("/")[0] ?? "") !== 0);
}

function isNetwork(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
