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

export default async function setup(project: TestProject) {
  const server = await givenOrStarted()
  project.provide("databaseUrl", server.url)
  return () => server.stop()
}
