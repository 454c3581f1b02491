/** The breaks of what is kept of a failure, what it means, and how long it may take to write down. */
import type { Mutant } from "./types.ts"

const records = "test/worker/records.test.ts"

export const failureMutants: ReadonlyArray<Mutant> = [
  {
    name: "a record that grows with every attempt",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/FailureRecord.ts",
    from: "i < firstWhole || i >= whole ? earlier : outline(earlier)",
    to: "i < firstWhole || i >= whole ? earlier : { ...outline(earlier), ...earlier }",
    test: records,
    named: "stay small however many they are"
  },
  {
    name: "attempts without a limit",
    guarantee: "bounded",
    file: "src/worker/attempt/RetryDecision.ts",
    from: "options.recorded.length + 1 >= Retry.mostAttempts",
    to: "options.recorded.length + 1 >= Infinity",
    test: records,
    named: "end with the 10,000th attempt"
  },
  {
    name: "a delay too long for the clock",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/RetryDecision.ts",
    from: "Duration.min(Retry.retryAfter(error) ?? scheduled, longest)",
    to: "Retry.retryAfter(error) ?? scheduled",
    test: records,
    named: "are followed by no longer a delay"
  },
  {
    name: "a dead letter that grows with every redrive",
    guarantee: "bounded",
    file: "src/postgres/sql/deadLetters.ts",
    from: " or octet_length(${earlier}) > 4194304",
    to: "",
    test: "test/postgres/failures.test.ts",
    named: "a dead letter that is redriven on and on stays one that can be read"
  },
  {
    name: "a hold or a dead-lettering awaited without a bound",
    guarantee: "bounded",
    file: "src/worker/attempt/Disposition.ts",
    from: "const duration = Duration.fromInputUnsafe(most)",
    to: "const duration = Duration.times(Duration.fromInputUnsafe(most), 3600)",
    test: "test/postgres/blackholes.test.ts",
    named: "a hold whose answer never comes"
  },
  {
    name: "a conflict decides although a savepoint undid it",
    guarantee: "effectively once",
    file: "src/postgres/session/PgFailure.ts",
    from: "  if (seen.repaired && !comesFromSql(cause)) return undefined\n",
    to: "",
    test: "test/postgres/transactions.test.ts",
    named: "is the step's own failure after a conflict that a savepoint has undone"
  },
  {
    name: "a conflict treated as undone by the rollback of its own savepoint",
    guarantee: "effectively once",
    file: "src/postgres/session/PgTransactions.ts",
    from: "  repaired,\n",
    to: "  repaired: repaired || session.repaired,\n",
    test: "test/postgres/transactions.test.ts",
    named: "is the step's own failure after a conflict that a savepoint has undone"
  },
  {
    name: "a conflict in the cause of a step's error treated as the step's failure",
    guarantee: "effectively once",
    file: "src/postgres/session/PgFailure.ts",
    from: "      if (Cause.isCause(error)) return comesFromSql(error)\n",
    to: "",
    test: "test/postgres/PgFailure.test.ts",
    named: "is the step's own failure, when a savepoint undid a conflict"
  },
  {
    name: "a worker that starts beside a suspect",
    guarantee: "poison cannot block",
    file: "src/worker/lease/CrashIsolation.ts",
    from: "yield* shared.alone.withPermit(Effect.sync(() => shared.members.add(member)))",
    to: "shared.members.add(member)",
    test: "test/worker/crash-poison.test.ts",
    named: "again has nothing beside it that starts later"
  },
  {
    name: "equal values of two topics treated as one message",
    guarantee: "no loss",
    file: "src/MessageId.ts",
    from: "fromContent([topic, encoded])",
    to: "fromContent(encoded)",
    test: "test/worker/handling.test.ts",
    named: "are distinguished where their values are equal"
  },
  {
    name: "the known id of another topic treated as a duplicate",
    guarantee: "no loss",
    file: "src/MessageId.ts",
    from: "ofPayload(`${topic}\\n${payload}`)",
    to: "topic === undefined ? topic : ofPayload(payload)",
    test: "test/worker/handling.test.ts",
    named: "are distinguished where their values are equal"
  },
  {
    name: "an error's message used without a check of its type",
    guarantee: "bounded",
    file: "src/worker/attempt/FailureRecord.ts",
    from: "  if (typeof said === \"string\") return said\n",
    to: "  if (said !== \"\") return said as string\n",
    test: records,
    named: "ends the attempts of its message, which becomes a dead letter"
  },
  {
    name: "an unreadable error not recorded",
    guarantee: "bounded",
    file: "src/worker/attempt/FailureRecord.ts",
    from: "    return without(attempted, \"The failure of this attempt cannot be read.\")",
    to: "    return full(attempted)",
    test: records,
    named: "ends the attempts of its message, which becomes a dead letter"
  },
  {
    name: "a try that never began counted",
    guarantee: "poison cannot block",
    file: "src/worker/commit/CommitTries.ts",
    from: "Ref.makeUnsafe(false)",
    to: "Ref.makeUnsafe(true)",
    test: "test/worker/stuck.test.ts",
    named: "counts no attempt, although others commit meanwhile"
  },
  {
    name: "a stop waits until the store commits again",
    guarantee: "bounded",
    file: "src/worker/commit/Committer.ts",
    from: "for (const member of members) withdraw(member)",
    to: "for (const member of members) if (member.state === \"queued\") withdraw(member)",
    test: "test/worker/stuck.test.ts",
    named: "gives its messages back after its grace, uncounted"
  },
  {
    name: "a stop waits for the pause between two tries",
    guarantee: "bounded",
    file: "src/worker/commit/CommitQueue.ts",
    from: "  if (member.state !== \"begun\") finish(member, skipped)\n",
    to: "  if (member.state === \"queued\") finish(member, skipped)\n",
    test: "test/worker/stuck.test.ts",
    named: "gives its messages back after its grace, uncounted"
  },
  {
    name: "new members wait for a message that never commits",
    guarantee: "bounded",
    file: "src/worker/commit/GroupRun.ts",
    from: "if (left.every(isStuck))",
    to: "if (left.length === 0)",
    test: "test/worker/stuck.test.ts",
    named: "is found by those that come later"
  },
  {
    name: "a wait for a connection reported as a wait for another caller",
    guarantee: "graceful",
    file: "src/internal/OnceWait.ts",
    from: "    this.waitedForStore ??= this.waitedMillis\n",
    to: "    this.waitedForStore ??= 0\n",
    test: "test/words/Inbox.test.ts",
    named: "names no other caller who is in the way"
  }
]
