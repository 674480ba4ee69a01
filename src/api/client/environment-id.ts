/** The environment of the path where its id's format is not checked. Source: client-api §2.2. */
import type { EnvironmentConfiguration } from "../../environments/service.ts";
import type { Services } from "../../services.ts";
import { ID_PATTERN } from "../../shared/ids.ts";
import { notFound } from "../../shared/problem.ts";

/** Takes an id or a legacy id. An id that can be none is not found, as any other. */
export async function resolveEnvironment(
  { environments }: Pick<Services, "environments">,
  id: string,
): Promise<EnvironmentConfiguration> {
  if (!ID_PATTERN.test(id)) throw notFound("environment", id);
  return await environments.configuration(id);
}
