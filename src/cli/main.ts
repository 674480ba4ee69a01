#!/usr/bin/env node
/** The command line, `mortar <command>`: works on the database that the server of the same configuration uses. */
import { createProgram } from "./program.ts";
import { reportFailure } from "./run.ts";

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
