/** Why a process cannot start, in words for the operator: shown without a stack, and the process ends with status 1. */
export class StartError extends Error {
  override readonly name = "StartError";
}
