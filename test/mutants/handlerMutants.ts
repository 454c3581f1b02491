/** The breaks of the reactions to a wrong function of the user, and to a failed group transaction. */
import type { Mutant } from "./types.ts"

const recovery = "test/worker/recovery.test.ts"
const noEffect = "test/worker/noEffect.test.ts"
const once = "test/worker/onceAnAttempt.test.ts"
const stuck = "test/worker/stuck.test.ts"

export const handlerMutants: ReadonlyArray<Mutant> = [
  {
    name: "capacity freed when the fiber of an attempt ends by itself",
    guarantee: "order per key",
    file: "src/worker/fetch/InFlight.ts",
    from: "this.mayEnd(entry) ? undefined",
    to: "this.mayEnd(entry) || true ? undefined",
    test: noEffect,
    named: "memory: mapEffect, nothing, within its effect"
  },
  {
    name: "the end of an attempt's fiber reported as a defect of the runtime",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/Attempt.ts",
    from: "(step === \"decode\" || step === \"steps\") && atMostOnce === undefined",
    to: "(step === \"decode\" || step === \"steps\") && atMostOnce !== undefined",
    test: noEffect,
    named: "memory: tap, a promise, within its effect"
  },
  {
    name: "the rejection of a promise not handled",
    guarantee: "poison cannot block",
    file: "src/internal/HandlerResult.ts",
    from: "  if (isThenable(returned)) returned.then(undefined, () => undefined)\n",
    to: "",
    test: noEffect,
    named: "memory: mapEffect, a promise that fails"
  },
  {
    name: "the result of a step not checked",
    guarantee: "poison cannot block",
    file: "src/internal/HandlerResult.ts",
    from: "Effect.isEffect(returned) ? returned : wrong(step, \"an Effect\", returned)",
    to: "(Effect.isEffect(returned) || step !== \"\") ? returned : wrong(step, \"an Effect\", returned)",
    test: noEffect,
    named: "memory: commit, a promise"
  },
  {
    name: "a promise of a filter treated as true",
    guarantee: "poison cannot block",
    file: "src/internal/HandlerResult.ts",
    from: "(isThenable(returned) || Effect.isEffect(returned))\n    ? wrong",
    to: "(isThenable(returned) && Effect.isEffect(returned))\n    ? wrong",
    test: noEffect,
    named: "that filter by a promise"
  },
  {
    name: "a promise of a map passed on",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/Steps.ts",
    from: "noValue(returned, \"Pipeline.map\")",
    to: "noValue(0, \"Pipeline.map\")",
    test: noEffect,
    named: "are a defect: map"
  },
  {
    name: "a promise emitted",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/Steps.ts",
    from: "noValue(out, \"Pipeline.emit\")",
    to: "noValue(0, \"Pipeline.emit\")",
    test: noEffect,
    named: "are a defect: emit"
  },
  {
    name: "the Schema of a joined message ends the fiber of the message before it",
    guarantee: "order per key",
    file: "src/worker/attempt/KeyBatch.ts",
    from: "Effect.exit(contained(preparing(entries, followers)))",
    to: "Effect.exit(preparing(entries, followers))",
    test: noEffect,
    named: "in a run of its key"
  },
  {
    name: "a schedule ends the fiber of its attempt",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/RetryDecision.ts",
    from: "contained(Retry.replay(settings.retry, recorded, error, options.now))",
    to: "Retry.replay(settings.retry, recorded, error, options.now)",
    test: noEffect,
    named: "that decide about the next attempt"
  },
  {
    name: "a step ends the fiber that reports and acknowledges it",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/AtMostOnce.ts",
    from: "Effect.exit(restore(contained(work)))",
    to: "Effect.exit(restore(work))",
    test: noEffect,
    named: "handled at most once"
  },
  {
    name: "a committer not replaced when its fiber ends",
    guarantee: "bounded",
    file: "src/worker/commit/Committer.ts",
    from: "exit._tag === \"Failure\" ? this.revived(exit.cause) : Effect.void",
    to: "exit._tag === \"Failure\" ? Effect.never : Effect.void",
    test: noEffect,
    named: "has a successor"
  },
  {
    name: "members without an outcome when their committer's fiber ends",
    guarantee: "bounded",
    file: "src/worker/commit/Committer.ts",
    from: "    CommitTries.fail(this.current.members, cause)\n",
    to: "",
    test: noEffect,
    named: "has a successor"
  },
  {
    name: "a keyed stream waits for a fiber that has ended",
    guarantee: "bounded",
    file: "src/KeyedStream.ts",
    from: "      flow.finish(Exit.failCause(cause))\n",
    to: "",
    test: noEffect,
    named: "of a keyed stream fail the stream"
  },
  {
    name: "a group of one tried again to find the failed step",
    guarantee: "poison cannot block",
    file: "src/worker/commit/CommitRecovery.ts",
    from: "if (isOwn(meaning) && state.members === 1 && !state.together) return",
    to: "if (isOwn(meaning) && state.members === 0 && !state.together) return",
    test: once,
    named: "leaves its transaction aborted"
  },
  {
    name: "a group of one without the timeouts of a single member",
    guarantee: "poison cannot block",
    file: "src/worker/commit/CommitTries.ts",
    from: "if (group.length === 1 && this.statements === \"sequential\") return",
    to: "if (group.length === 0 && this.statements === \"sequential\") return",
    test: once,
    named: "where its message is alone: takes too long"
  },
  {
    name: "a member whose step failed tried again in its savepoint",
    guarantee: "poison cannot block",
    file: "src/worker/commit/CommitRecovery.ts",
    from: "      return error.of === undefined ? \"own\" : \"step\"",
    to: "      return error.of === undefined ? \"own\" : \"own\"",
    test: once,
    named: "runs once an attempt in a group"
  },
  {
    name: "a refusal repeated like an outage",
    guarantee: "bounded",
    file: "src/worker/commit/CommitRecovery.ts",
    from: "return error.kind === \"refused\" ? \"refused\" : \"away\"",
    to: "return error.kind === \"refused\" ? \"away\" : \"away\"",
    test: stuck,
    named: "the store refuses"
  },
  {
    name: "a refusal counted although its transaction never began",
    guarantee: "poison cannot block",
    file: "src/worker/commit/CommitRecovery.ts",
    from: "failedTries.begun < refusedTries",
    to: "failedTries.tries < refusedTries",
    test: recovery,
    named: "counts no try whose body never began"
  },
  {
    name: "no proof run when sessions end repeatedly",
    guarantee: "bounded",
    file: "src/worker/commit/CommitTries.ts",
    from: "          ? this.prove(group[0]!)\n",
    to: "          ? Effect.void\n",
    test: stuck,
    named: "its own session ends"
  },
  {
    name: "a failed proof treated as a success",
    guarantee: "poison cannot block",
    file: "src/worker/commit/CommitTries.ts",
    from: "        onFailure: () => Effect.void,\n        onSuccess: () => Effect.sync(() => this.commits.proved",
    to:
      "        onFailure: () => Effect.sync(() => this.commits.proved = renewer.now()),\n        onSuccess: () => Effect.sync(() => this.commits.proved",
    test: stuck,
    named: "is no member's failure while nothing at all gets through"
  },
  {
    name: "an unavailable store judged by a transaction without a message",
    guarantee: "poison cannot block",
    file: "src/worker/commit/CommitRecovery.ts",
    from: "      return persistsSince(failedTries, state.committedAt) ? failed : again",
    to: "      return persistsSince(failedTries, Math.max(state.committedAt, state.provedAt)) ? failed : again",
    test: recovery,
    named: "a transaction without it does not"
  },
  {
    name: "a proof from before the first failure accepted",
    guarantee: "poison cannot block",
    file: "src/worker/commit/CommitRecovery.ts",
    from: "failedTries.since !== undefined && well > failedTries.since",
    to: "failedTries.since !== undefined && well >= failedTries.since",
    test: recovery,
    named: "a transaction without it does not"
  },
  {
    name: "conflicts of one member repeated without a limit",
    guarantee: "bounded",
    file: "src/worker/commit/CommitRecovery.ts",
    from: "failedTries.begun < conflictTries ? again : failed",
    to: "failedTries.begun < Infinity ? again : failed",
    test: recovery,
    named: "after ten conflicts"
  },
  {
    name: "a failing group never divided",
    guarantee: "bounded",
    file: "src/worker/commit/CommitRecovery.ts",
    from: "Math.max(state.committedAt, state.provedAt, state.renewedAt)",
    to: "Math.max(state.committedAt, state.provedAt)",
    test: recovery,
    named: "a try of each member alone when leases are renewed"
  },
  {
    name: "the value that a promise threw hidden by its wrapper",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/FailureRecord.ts",
    from: "  if (read(error, \"_tag\") === \"UnknownError\") return thrown(causesOf(error))\n",
    to: "",
    test: "test/worker/thrown.test.ts",
    named: "an error with a cause"
  },
  {
    name: "the causes of an error stored without names and messages",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/FailureRecord.ts",
    from: "name !== \"\" && isError(inner) ? nested(inner)",
    to: "name === \"\\0\" && isError(inner) ? nested(inner)",
    test: "test/worker/thrown.test.ts",
    named: "as far down as it goes"
  }
]
