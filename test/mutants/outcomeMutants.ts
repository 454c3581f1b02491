/** Breaks in the outcomes of `Worker.stream`, and in how a worker's failure reaches its program. */
import type { Mutant } from "./types.ts"

const outcomes = "test/worker/outcomes.test.ts"
const launch = "test/worker/launch.test.ts"

export const outcomeMutants: ReadonlyArray<Mutant> = [
  {
    name: "outcomes of a shared transaction emitted before the one of its first message",
    guarantee: "order per key",
    file: "src/worker/attempt/KeyBatch.ts",
    from: "            outcomes?.addMember(head.context, outcome)\n"
      + "            followers.forEach(({ ready }, i) => outcomes?.addMember(ready.context, ofFollowers[i]!))\n",
    to: "            followers.forEach(({ ready }, i) => outcomes?.addMember(ready.context, ofFollowers[i]!))\n"
      + "            outcomes?.addMember(head.context, outcome)\n",
    test: outcomes,
    named: "of one key come in its order"
  },
  {
    name: "unread outcomes without a bound",
    guarantee: "bounded",
    file: "src/worker/observe/Outcomes.ts",
    from: "    this.capacity.occupy(outcome.context.message.payload.length)\n",
    to: "",
    test: outcomes,
    named: "slow the fetching while they are unread"
  },
  {
    name: "capacity freed before an outcome is read",
    guarantee: "bounded",
    file: "src/worker/observe/Outcomes.ts",
    from: "      this.reading = unread\n",
    to: "      for (const { context } of unread) this.capacity.free(context.message.payload.length)\n",
    test: outcomes,
    named: "slow the fetching while they are unread"
  },
  {
    name: "a stream ends before the outcomes of the graceful stop are read",
    guarantee: "graceful",
    file: "src/worker/observe/Outcomes.ts",
    from: "    if (isNonEmpty(unread)) {\n",
    to: "    if (this.exit === undefined && isNonEmpty(unread)) {\n",
    test: outcomes,
    named: "with stopWhen emits what was unread"
  },
  {
    name: "a filtered message shown as committed",
    guarantee: "no loss",
    file: "src/worker/commit/GroupCommit.ts",
    from: "filtered: at.filtered",
    to: "filtered: false",
    test: outcomes,
    named: "say how each delivery ended"
  },
  {
    name: "a program continues without its worker",
    guarantee: "bounded",
    file: "src/worker/Worker.ts",
    from: "program === undefined ? Effect.void : Deferred.failCause(program, cause)",
    to: "Effect.void",
    test: launch,
    named: "fails with the failure of one of them"
  },
  {
    name: "onFatal not called when a worker fails",
    guarantee: "bounded",
    file: "src/worker/Worker.ts",
    from: "onFatal === undefined ? Effect.void : onFatal(cause)",
    to: "Effect.void",
    test: launch,
    named: "calls onFatal once"
  },
  {
    name: "a program does not end when onFatal dies",
    guarantee: "graceful",
    file: "src/worker/Worker.ts",
    from: "      yield* Effect.ensuring(\n",
    to: "      yield* Effect.andThen(\n",
    test: "test/worker/launch.test.ts",
    named: "although its onFatal dies"
  }
]
