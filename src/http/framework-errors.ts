import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { notFound, Problem } from "../shared/problem.ts";
import { createErrorHandler, type ErrorPresenter } from "./errors.ts";

/** A contract by the beginning of its paths; of those that share one, by what the request says. */
export interface ContractShape {
  prefix: string;
  isMeant?: (request: FastifyRequest) => boolean;
  present: ErrorPresenter;
}

/**
 * Answers addresses that the router gives up on before it knows a route, in the shape of the contract that the address
 * begins like: what cannot be decoded is malformed, an id longer than any is not found. Fastify's own answers have another
 * shape and repeat the address.
 */
export function createFrameworkErrorHandler(contracts: readonly ContractShape[], otherwise: ErrorPresenter) {
  return function answer(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
    const contract = contracts.find(({ prefix, isMeant }) => isBelow(request.url, prefix) && (isMeant?.(request) ?? true));
    const handle = createErrorHandler(contract?.present ?? otherwise);
    handle(
      isTooLong(error) ? notFound("route", null) : new Problem("malformed", "The address cannot be decoded"),
      request,
      reply,
    );
  };
}

const isTooLong = ({ code }: FastifyError): boolean => code === "FST_ERR_MAX_PARAM_LENGTH";

/** Leading slashes count as one, as for the router. */
const isBelow = (url: string, prefix: string): boolean => `/${url.replace(/^\/+/, "")}`.startsWith(`${prefix}/`);
