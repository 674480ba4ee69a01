import type { FastifyRequest } from "fastify";
import { VERBATIM_RULES } from "../../contacts/service.ts";
import type { EnvironmentConfiguration } from "../../environments/service.ts";
import type { AttributeValue } from "../../shared/attributes.ts";
import { refusedByPolicy } from "./envelope.ts";
import { SOURCE, type SprigOptions } from "./options.ts";
import { type Attributes, fitAttributes, type HistoricEvent, MAX_STORED_ATTRIBUTES } from "./values.ts";

/** A user as this contract knows one. */
export interface SprigUser {
  id: string;
  userId: string | null;
  email: string | null;
  attributes: Record<string, AttributeValue>;
}

type Context = Pick<SprigOptions, "services" | "config">;

/**
 * Makes or changes the user with this id. A taken e-mail address is left out, and so is what would exceed the number of
 * attributes that a user may have: the rest is written, and the log has a warning. Source: sprig-api §3, §9.
 */
export async function writeUser(
  { services: { contacts, environments, typeConflicts }, config }: Context,
  request: FastifyRequest,
  userId: string,
  submitted: Attributes,
): Promise<SprigUser> {
  const environment = await environments.configuration(request.environmentId);
  const stored = mayExceed(environment, submitted) ? await contacts.findByUserId(environment.id, userId) : null;
  const { attributes, left } = fitAttributes(submitted, stored?.attributes ?? {});
  const company = companyOf(attributes, config.SPRIG_COMPANY_ATTRIBUTE);
  const contact = await contacts.identify({ environment, userId, attributes, rules: VERBATIM_RULES, device: null, company });
  typeConflicts.note(contact.notes);
  if (contact.emailTaken) request.log.warn({ contactId: contact.id }, "email address belongs to another contact");
  if (left.length > 0) request.log.warn({ contactId: contact.id, count: left.length }, "contact has too many attributes");
  return contact;
}

/**
 * Whether a user could get more attributes than one may have. In an environment with few keys, which is any but a strange
 * one, no user can: then what the user has need not be read.
 */
const mayExceed = ({ attributeKeys }: Pick<EnvironmentConfiguration, "attributeKeys">, submitted: Attributes): boolean =>
  submitted.size > 0 && attributeKeys.size + submitted.size > MAX_STORED_ATTRIBUTES;

/** The company that an attribute names, where one was configured to. */
function companyOf(attributes: Attributes, key: string | undefined) {
  const value = key === undefined ? undefined : attributes.get(key);
  const companyId = value === undefined ? "" : String(value).trim();
  return companyId === "" || companyId.length > 255 ? undefined : { companyId, attributes: new Map() };
}

/** Makes or changes the user with this address, who may have no id. */
export async function writeAddress(
  { services: { contacts, environments } }: Context,
  request: FastifyRequest,
  email: string,
  submitted: Attributes,
): Promise<SprigUser> {
  const environment = await environments.configuration(request.environmentId);
  const stored = mayExceed(environment, submitted) ? await contacts.find(environment.id, { email }) : null;
  const { attributes, left } = fitAttributes(submitted, stored?.attributes ?? {});
  const contact = await contacts.identifyByEmail(environment, { email, attributes }, VERBATIM_RULES);
  if (left.length > 0) request.log.warn({ contactId: contact.id, count: left.length }, "contact has too many attributes");
  return contact;
}

/** The names that strict mode does not take: no action class of the environment has them. */
export async function unregisteredNames(
  { services: { actionClasses }, config }: Context,
  environmentId: string,
  names: readonly string[],
): Promise<string[]> {
  if (!config.SPRIG_STRICT_EVENTS || names.length === 0) return [];
  return await actionClasses.findUnknownNames(environmentId, names);
}

/** Throws {@link refusedByPolicy} for a name that strict mode does not take. */
export async function checkRegistered(context: Context, environmentId: string, names: readonly string[]): Promise<void> {
  const unknown = await unregisteredNames(context, environmentId, names);
  if (unknown.length > 0) throw refusedByPolicy("An event has a name that is not registered");
}

/** Stores past events of a user who is there; those that are stored already are left out. */
export async function writeEvents(
  { services: { events } }: Context,
  environmentId: string,
  userId: string,
  history: readonly HistoricEvent[],
): Promise<void> {
  if (history.length === 0) return;
  await events.recordHistory(
    environmentId,
    history.map(({ name, occurredAt, instant }) => ({
      userId,
      name,
      occurredAt,
      properties: {},
      source: SOURCE,
      sameAs: instant === null ? undefined : { instant },
    })),
  );
}
