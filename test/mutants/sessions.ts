/** The breaks of sessions, wake-ups and starts that would be dead without a word. */
import type { Mutant } from "./types.ts"

const demoted = "test/postgres/demoted.test.ts"

export const sessionMutants: ReadonlyArray<Mutant> = [
  {
    name: "a demoted session is given back to its pool",
    guarantee: 6,
    file: "src/postgres/PgSession.ts",
    from: "return PgFailure.isSpent(code) ? this.#invalidate : undefined",
    to: "return undefined",
    test: demoted,
    named: "is given to nobody again"
  },
  {
    name: "a demoted session of the machinery is kept",
    guarantee: 6,
    file: "src/postgres/PgClient.ts",
    from: "PgFailure.isSpent(PgFailure.codeOf(error)) ? pool.invalidate(connection) : Effect.void",
    to: "error === undefined ? pool.invalidate(connection) : Effect.void",
    test: demoted,
    named: "is given to nobody again: the machinery's statement"
  },
  {
    name: "a demoted session that streams is kept",
    guarantee: 6,
    file: "src/postgres/PgSession.ts",
    from: "Effect.suspend(() => this.#note(cause) ?? Effect.void)",
    to: "Effect.suspend(() => Effect.as(Effect.void, this.#note(cause)))",
    test: demoted,
    named: "is given to nobody again: a user's stream"
  },
  {
    name: "what a standby says of an unlogged table is the statement's own fault",
    guarantee: 6,
    file: "src/postgres/PgFailure.ts",
    from: "cause.routine === \"get_relation_info\"",
    to: "cause.routine === \"\"",
    test: "test/postgres/PgFailure.test.ts",
    named: "is on a standby"
  }
]
