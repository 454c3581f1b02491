/** The breaks of what a pipeline says: batches, delivery modes, typed errors, emits. */
import type { Mutant } from "./types.ts"

export const pipelineMutants: ReadonlyArray<Mutant> = [
  {
    name: "a batch in the wrong order",
    guarantee: "order per key",
    file: "src/worker/commit/GroupCommit.ts",
    from: "const running = Effect.suspend(() => Steps.batch(step, going))",
    to: "const running = Effect.suspend(() => Steps.batch(step, [...going].reverse() as never))",
    test: "test/worker/batches.test.ts",
    named: "hands each message its own result"
  },
  {
    name: "the results of a batch assigned in reverse",
    guarantee: "effectively once",
    file: "src/worker/attempt/Steps.ts",
    from: "at.value = results[i]",
    to: "at.value = results[results.length - 1 - i]",
    test: "test/worker/batches.test.ts",
    named: "hands each message its own result"
  },
  {
    name: "the number of a batch's results not checked",
    guarantee: "effectively once",
    file: "src/worker/attempt/Steps.ts",
    from: "if (Array.isArray(results) && results.length !== members.length) {",
    to: "if (Array.isArray(results) && results.length < 0) {",
    test: "test/worker/batches.test.ts",
    named: "by the wrong number of results is a defect"
  },
  {
    name: "a wrong number of results not reported",
    guarantee: "effectively once",
    file: "src/worker/commit/GroupCommit.ts",
    from: "defect instanceof Steps.WrongResults && going.length > 1",
    to: "defect instanceof Steps.WrongResults && going.length < 1",
    test: "test/worker/batches.test.ts",
    named: "is named in a warning"
  },
  {
    name: "a batch without a timeout of its own",
    guarantee: "bounded",
    file: "src/worker/commit/GroupCommit.ts",
    from: "  return own(options, going, warned, timed)",
    to: "  return own(options, going, warned, false)",
    test: "test/worker/batches.test.ts",
    named: "by waiting too long ends with its own timeout"
  },
  {
    name: "at most once acknowledged after its steps",
    guarantee: "effectively once",
    file: "src/worker/attempt/Attempt.ts",
    from: "    return atMostOnce === undefined\n",
    to: "    return atMostOnce !== undefined\n",
    test: "test/worker/delivery-modes.test.ts",
    named: "at most once"
  },
  {
    name: "at most once without an inbox claim",
    guarantee: "effectively once",
    file: "src/worker/commit/GroupCommit.ts",
    from: "if (pipeline.settings.delivery !== \"atLeastOnce\")",
    to: "if (pipeline.settings.delivery === \"effectivelyOnce\")",
    test: "test/worker/delivery-modes.test.ts",
    named: "settles and claims a message before its steps run"
  },
  {
    name: "at most once committed without its token",
    guarantee: "one owner",
    file: "src/worker/commit/GroupCommit.ts",
    from: "  if (ours.length === 0) return notHeld\n",
    to: "",
    test: "test/worker/delivery-modes.test.ts",
    named: "commits nothing under a lease that was lost while its steps ran"
  },
  {
    name: "at most once run again after an unknown outcome",
    guarantee: "effectively once",
    file: "src/worker/attempt/AtMostOnce.ts",
    from: "error._tag !== \"TransientFailure\" || tried === tries",
    to: "tried === tries",
    test: "test/worker/delivery-modes.test.ts",
    named: "has happened once: atMostOnce"
  },
  {
    name: "at most once: an interrupted message without a log line",
    guarantee: "graceful",
    file: "src/worker/attempt/AtMostOnce.ts",
    from: "return Effect.flatMap(Effect.exit(restore(contained(work))), (exit) =>",
    to: "return Effect.flatMap(restore(Effect.exit(contained(work))), (exit) =>",
    test: "test/worker/delivery-modes.test.ts",
    named: "is reported though none of its steps had begun"
  },
  {
    name: "at least once claims in the inbox",
    guarantee: "effectively once",
    file: "src/worker/commit/GroupCommit.ts",
    from: "  const redriven = members.filter((member) => member.delivery.redrive !== undefined)\n",
    to: "  const redriven = members\n",
    test: "test/worker/delivery-modes.test.ts",
    named: "asks no inbox"
  },
  {
    name: "at least once: a redrive does not resolve its dead letter",
    guarantee: "effectively once",
    file: "src/worker/commit/GroupCommit.ts",
    from: "if (redriven.length === 0) return Effect.succeed",
    to: "if (redriven.length >= 0) return Effect.succeed",
    test: "test/worker/delivery-modes.test.ts",
    named: "a redrive resolves the dead letter in its commit"
  },
  {
    name: "a stale token accepted after the settlement",
    guarantee: "one owner",
    file: "src/postgres/queue/PgSettlement.ts",
    from: "deliveries.filter(({ receipt }) => ours.has((receipt as Receipt).lane))",
    to: "deliveries.filter(({ receipt }) => ours.size >= 0 && receipt !== undefined)",
    test: "test/postgres/conformance.test.ts",
    named: "postgres: .*checks the fencing token of what was settled before"
  },
  {
    name: "a message lost when its Schema cannot encode the error",
    guarantee: "no loss",
    file: "src/worker/attempt/FailureRecord.ts",
    from: "      Effect.catchCause(() => Effect.succeed(undefined))\n    )\n  }\n}",
    to: "      Effect.orDie\n    )\n  }\n}",
    test: "test/worker/dead-letter-errors.test.ts",
    named: "do not lose the message when the Schema refuses"
  },
  {
    name: "an error encoded without a bound",
    guarantee: "bounded",
    file: "src/worker/attempt/FailureRecord.ts",
    from: "      Effect.timeoutOrElse({ duration: encodeTimeout, orElse: () => Effect.succeed(undefined) }),\n",
    to: "",
    test: "test/worker/dead-letter-errors.test.ts",
    named: "do not lose the message when the Schema never ends"
  },
  {
    name: "typed errors not given back to the schedule",
    guarantee: "no loss",
    file: "src/worker/attempt/RetryDecision.ts",
    from: "yield* FailureRecord.typed(settings.errors, options.recorded)",
    to: "options.recorded",
    test: "test/worker/dead-letter-errors.test.ts",
    named: "reads the typed errors of the attempts before it"
  },
  {
    name: "emits numbered from the beginning in each emit",
    guarantee: "effectively once",
    file: "src/worker/attempt/Steps.ts",
    from: "MessageId.ofEmit(consumer, context.message.id, at.emitted.length)",
    to: "MessageId.ofEmit(consumer, context.message.id, at.emitted.length % 2)",
    test: "test/worker/dead-letter-errors.test.ts",
    named: "of several emits, to any topics, are numbered through"
  },
  {
    name: "a joined message commits without the message before it",
    guarantee: "order per key",
    file: "src/worker/commit/Savepoints.ts",
    from: "const follower = member.previous !== undefined && undone.has(member.previous)",
    to: "const follower = member.previous !== undefined && undone.has(member)",
    test: "test/postgres/keyBatches.test.ts",
    named: "savepoints first"
  },
  {
    name: "a joined message tried alone before the message before it",
    guarantee: "order per key",
    file: "src/worker/commit/GroupRun.ts",
    from: "return isBlocked(single.member) ? Effect.succeed(single) : this.alone(single)",
    to: "return this.alone(single)",
    test: "test/postgres/keyBatches.test.ts",
    named: "when it is tried alone"
  },
  {
    name: "messages joined although an effect comes before the commit",
    guarantee: "order per key",
    file: "src/worker/attempt/Steps.ts",
    from: "steps.every(({ _tag }) => _tag !== \"MapEffect\" && _tag !== \"Tap\")",
    to: "steps.every(({ _tag }) => _tag !== \"MapEffect\")",
    test: "test/postgres/keyBatches.test.ts",
    named: "which must see what came before committed"
  },
  {
    name: "statements of joined messages overtake each other",
    guarantee: "order per key",
    file: "src/worker/commit/GroupCommit.ts",
    from: "yield* Effect.forEach(byKey(going), ofKey,",
    to: "yield* Effect.forEach(going.map((one) => [one]), ofKey,",
    test: "test/postgres/keyBatches.test.ts",
    named: "all of one message before all of the next"
  },
  {
    name: "joined messages not put back",
    guarantee: "no loss",
    file: "src/worker/attempt/KeyBatch.ts",
    from: "Effect.ensuring(Effect.suspend(() => putBack(message, [...left])))",
    to: "Effect.ensuring(Effect.suspend(() => putBack(message, [])))",
    test: "test/postgres/keyBatches.test.ts",
    named: "those after it wait for it"
  },
  {
    name: "a key with free capacity waits for the idle poll",
    guarantee: "bounded",
    file: "src/postgres/queue/QueueReader.ts",
    from: "if (this.#lagging.has(key) && this.#hasRoom(key)) this.roomAgain.openUnsafe()",
    to: "",
    test: "test/postgres/keyBatches.test.ts",
    named: "is read on as soon as there is room"
  },
  {
    name: "a drain ends after a poll that ran beside work",
    guarantee: "no loss",
    file: "src/worker/fetch/Fetcher.ts",
    from: "next = found === \"nothing\" && inFlight.nothingRuns",
    to: "next = inFlight.nothingRuns",
    test: "test/worker/gracefulStop.test.ts",
    named: "whose last poll ran beside work"
  },
  {
    name: "the second half of a group ignores the outcome of the first half",
    guarantee: "order per key",
    file: "src/worker/commit/CommitQueue.ts",
    from: "      : previous?.outcome === undefined || passed(previous.outcome)",
    to: "      : previous === undefined || member !== undefined",
    test: "test/worker/groups.test.ts",
    named: "keeps the order of its key, while others fail around it"
  },
  {
    name: "a key that was not held after all not read again",
    guarantee: "no loss",
    file: "src/postgres/queue/QueueReader.ts",
    from: "Effect.tap(effect, () => Effect.sync(() => this.#readAgain(delivery)))",
    to: "effect",
    test: "test/postgres/failures.test.ts",
    named: "was committed before leaves"
  },
  {
    name: "an interruption between a dead-lettering and its acknowledgement",
    guarantee: "order per key",
    file: "src/worker/attempt/Disposition.ts",
    from:
      "  Effect.uninterruptible(\n    Effect.flatMap(Effect.forkChild(Effect.interruptible(effect), { startImmediately: true }), Fiber.join)\n  )",
    to: "  Effect.flatMap(Effect.forkChild(effect, { startImmediately: true }), Fiber.join)",
    test: "test/postgres/failures.test.ts",
    named: "is interrupted while its dead-lettering is on the wire"
  },
  {
    name: "a fingerprint without a size limit",
    guarantee: "poison cannot block",
    file: "src/internal/Tracing.ts",
    from: "text.slice(0, most).replaceAll(\"\\u0000\", \"\\ufffd\").toWellFormed()",
    to: "text.slice(0, most * 100)",
    test: "test/postgres/failures.test.ts",
    named: "that no column can hold"
  },
  {
    name: "a refused record repeated without a limit",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/Disposition.ts",
    from: "error._tag === \"StoreFailure\" && error.kind === \"refused\"",
    to: "error._tag === \"StoreFailure\" && error.kind === \"timeout\"",
    test: "test/postgres/failures.test.ts",
    named: "gets a record without it"
  },
  {
    name: "holds and dead-lettering wait for the handlers' statements",
    guarantee: "bounded",
    file: "src/worker/attempt/Disposition.ts",
    from: "Effect.provideService(transaction, Store.WorkerTransaction, \"separate\")",
    to: "Effect.provideService(transaction, Store.WorkerTransaction, undefined)",
    test: "test/postgres/failures.test.ts",
    named: "connections that handlers keep"
  },
  {
    name: "a message runs again although its key is held",
    guarantee: "order per key",
    file: "src/worker/fetch/InFlight.ts",
    from: "if (entry.again && !entry.forgotten && ",
    to: "if (entry.again && ",
    test: "test/postgres/failures.test.ts",
    named: "is interrupted while its dead-lettering is on the wire"
  },
  {
    name: "a commit timeout accepted that is longer than the database's",
    guarantee: "bounded",
    file: "src/worker/start/StartupChecks.ts",
    from: "given <= Duration.toMillis(longestCommit)",
    to: "given <= Infinity",
    test: "test/worker/limits.test.ts",
    named: "in which the database would have ended"
  }
]
