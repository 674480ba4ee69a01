/** What tests of responses start from and look at. */

import { newId } from "../../src/shared/ids.ts";
import type { TestServer } from "./server.ts";

/** A survey's document: an open text, a single choice with "other", and an upload. */
export const ANSWERABLE = {
  blocks: [
    {
      id: newId(),
      elements: [
        { id: "q1", type: "openText", required: false, inputType: "text" },
        { id: "mail", type: "openText", required: false, inputType: "email" },
        {
          id: "pick",
          type: "multipleChoiceSingle",
          required: false,
          choices: [
            { id: "red", label: { default: "Red" } },
            { id: "other", label: { default: "Other" } },
          ],
        },
        { id: "file", type: "fileUpload", required: false },
      ],
    },
  ],
};

/** The environment's outbox in the order of its events. */
export async function readOutbox({ db }: TestServer, environmentId: string): Promise<{ type: string; payload: unknown }[]> {
  const events = await db.prisma.outboxEvent.findMany({ where: { environmentId }, orderBy: { id: "asc" } });
  return events.map(({ type, payload }) => ({ type, payload }));
}

export const readResponses = ({ db }: TestServer, environmentId: string) =>
  db.prisma.response.findMany({ where: { environmentId }, orderBy: { id: "asc" } });

/** Answers the display's id. */
export async function makeDisplay(
  { db }: TestServer,
  display: { environmentId: string; surveyId: string; contactId?: string },
): Promise<string> {
  const { id } = await db.prisma.display.create({ data: { id: newId(), ...display } });
  return id;
}
