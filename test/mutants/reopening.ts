/** The breaks of what surrounds a worker that begins: its neighbours, its health, and the one session that it may have. */
import type { Mutant } from "./types.ts"

export const reopeningMutants: ReadonlyArray<Mutant> = [
  {
    name: "two pipelines of one name that start together do not see one another",
    guarantee: 6,
    file: "src/worker/Namesakes.ts",
    from: "    names.set(consumer, under)\n",
    to: "    setTimeout(() => names.set(consumer, under), 100)\n",
    test: "test/postgres/reopened.test.ts",
    named: "start together"
  },
  {
    name: "a worker that cannot begin is not seen by Health",
    guarantee: 6,
    file: "src/worker/Opening.ts",
    from: "vain = Vain.more(vain, now(), error.message)",
    to: "void vain",
    test: "test/worker/opening.test.ts",
    named: "cannot open its subscription again"
  },
  {
    name: "a set frozen through a session that its transaction has",
    guarantee: 6,
    file: "src/postgres/PgDeadLetters.ts",
    from: "ServerLife.current(db.query, names)",
    to: "ServerLife.current(db.machinery, names)",
    test: "test/embedded/conformance.test.ts",
    named: "freezes a set within a transaction"
  },
  {
    name: "a right that only a new life needs is not asked for",
    guarantee: 6,
    file: "src/postgres/sql/serverLife.ts",
    from: "and has_sequence_privilege('${t.letterSeq}', 'update') as",
    to: "as",
    test: "test/postgres/reopened.test.ts",
    named: "may not begin a life"
  }
]
