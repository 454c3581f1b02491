/** Breaks of publishes that share a statement. */
import type { Mutant } from "./types.ts"

const file = "src/postgres/store/PublishGroups.ts"
const test = "test/postgres/publishGroups.test.ts"

export const publishingMutants: ReadonlyArray<Mutant> = [
  {
    name: "publish groups: a refused message fails its neighbours",
    guarantee: "no loss",
    file,
    from: "if (group.length > 1 && isRefused(exit)) return this.runApart(group)",
    to: "",
    test,
    named: "fail only for the message that the server refuses"
  },
  {
    name: "publish groups: published again after an unknown outcome",
    guarantee: "effectively once",
    file,
    from: "return error !== undefined && PgFailure.isRefused(error)",
    to: "return error !== undefined",
    test,
    named: "none is repeated, if the connection ends under way"
  },
  {
    name: "publish groups: published again while the server ends the session",
    guarantee: "effectively once",
    file: "src/postgres/session/PgFailure.ts",
    from: "kindOf(code) !== \"unavailable\" && !hidesOutcome(code)",
    to: "code !== \"\"",
    test,
    named: "none is repeated, if the server ends the session"
  },
  {
    name: "publish groups: a publish leaves its caller's transaction",
    guarantee: "effectively once",
    file: "src/postgres/store/PgOutbox.ts",
    from: "inside ? insert(messages) : groups.publish(messages[0]!)",
    to: "groups.publish(messages[0]!)",
    test,
    named: "stay in their transactions"
  },
  {
    name: "publish groups: an interrupted caller's message is published although it waited",
    guarantee: "effectively once",
    file,
    from: "this.waiting.filter(({ state }) => state === \"waiting\")",
    to: "this.waiting.filter(({ state }) => state !== \"begun\")",
    test,
    named: "publish nothing if they are interrupted while they wait"
  },
  {
    name: "publish groups: an interruption leaves its message under way",
    guarantee: "order per key",
    file,
    from: "return begun ? Effect.ignore(Effect.timeout(published, commitTimeout)) : undefined",
    to: "return undefined",
    test,
    named: "end after their statement if they are interrupted"
  },
  {
    name: "publish groups: an interruption waits without a bound",
    guarantee: "bounded",
    file,
    from: "Effect.ignore(Effect.timeout(published, commitTimeout))",
    to: "Effect.ignore(published)",
    test,
    named: "end in time if they are interrupted"
  },
  {
    name: "publish groups: a message waits for its group without a bound",
    guarantee: "bounded",
    file,
    from: "restore(Effect.timeoutOrElse(published, { duration, orElse }))",
    to: "restore(orElse === undefined ? Effect.timeoutOrElse(published, { duration, orElse }) : published)",
    test,
    named: "fail if no place becomes free in time"
  },
  {
    name: "publish groups: any number of messages waits",
    guarantee: "bounded",
    file,
    from: "this.waiting.length < mostWaiting ?",
    to: "this.waiting.length >= 0 ?",
    test,
    named: "go by themselves where too many wait"
  },
  {
    name: "publish groups: an interrupted publish keeps its place",
    guarantee: "bounded",
    file,
    from: "return Effect.onExitPrimitive(restore(insert([message])), () => this.ended)",
    to: "return Effect.andThen(restore(insert([message])), this.ended)",
    test,
    named: "leave their place to the next group"
  },
  {
    name: "publish groups: each of many callers waits for a database that is gone",
    guarantee: "bounded",
    file,
    from: "if (exit._tag === \"Failure\" && !isRefused(exit)) last = exit",
    to: "",
    test,
    named: "get the failure at once if the database goes"
  }
]
