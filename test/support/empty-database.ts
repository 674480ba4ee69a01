import { randomUUID } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

export interface EmptyDatabase {
  url: string;
  drop(): Promise<void>;
}

/** A database without tables beside the run's shared one, for what happens before and while there are none. */
export async function createEmptyDatabase(): Promise<EmptyDatabase> {
  const name = `empty_${randomUUID().replaceAll("-", "")}`;
  await onShared(`create database ${name}`);
  const url = new URL(inject("databaseUrl"));
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onShared(`drop database ${name} with (force)`) };
}

async function onShared(statement: string): Promise<void> {
  const client = new pg.Client(inject("databaseUrl"));
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
