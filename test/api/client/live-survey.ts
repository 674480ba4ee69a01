/** Rows that the environment state is made of. */
import { notifyChange } from "../../../src/db/change-feed.ts";
import type { Database } from "../../../src/db/database.ts";
import { newId } from "../../../src/shared/ids.ts";

export interface BuiltSurvey {
  environmentId: string;
  type?: "app" | "link";
  status?: "draft" | "inProgress" | "paused" | "completed";
  archivedAt?: Date;
  createdAt?: Date;
  segmentId?: string | null;
  document?: object;
}

/** A survey with nothing in its document unless told, in progress; triggers and languages are added by the test. */
export async function buildSurvey(db: Database, { document = {}, ...survey }: BuiltSurvey): Promise<string> {
  const id = newId();
  await db.prisma.survey.create({
    data: { id, name: "The real name", type: "app", status: "inProgress", document, ...survey },
  });
  return id;
}

export async function buildSegment(db: Database, environmentId: string, filters: object): Promise<string> {
  const id = newId();
  await db.prisma.segment.create({ data: { id, environmentId, title: `Segment ${id}`, filters } });
  return id;
}

/** Says that something of the environment changed, as every writer does. */
export const announceChange = (db: Database, environmentId: string): Promise<void> =>
  db.transaction((tx) => notifyChange(tx, "environment", environmentId));
