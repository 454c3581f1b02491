/**
 * Vitest's global setup for the test files that need a database: one Postgres for the whole run, or the one that
 * `DATABASE_URL` names.
 *
 * Tests get its address by `inject("databaseUrl")`; each test file works in a schema of its own.
 */
import type { TestProject } from "vitest/node"
import { givenOrStarted } from "./server.ts"

declare module "vitest" {
  export interface ProvidedContext {
    readonly databaseUrl: string
  }
}

/**
 * No test crashes the operating system, so nothing needs to reach the disk. A crash of this server alone would still
 * lose nothing.
 */
const settings = [
  "fsync=off",
  "full_page_writes=off",
  "wal_level=minimal",
  "max_wal_senders=0",
  "autovacuum_naptime=1h"
]

export default async function setup(project: TestProject) {
  const server = await givenOrStarted({ settings })
  project.provide("databaseUrl", server.url)
  return () => server.stop()
}
