/** Breaks in the flow, which the worker and `KeyedStream` share. */
import type { Mutant } from "./types.ts"

const flow = "test/worker/flow.test.ts"

export const flowMutants: ReadonlyArray<Mutant> = [
  {
    name: "a graceful stop waits for a turn that will not start",
    guarantee: "graceful",
    file: "src/internal/flow/Flow.ts",
    from: "      this.end(turn)\n      dropped.push(turn)\n",
    to: "",
    test: flow,
    named: "handed out and never began"
  },
  {
    name: "a withdrawn turn starts",
    guarantee: "one owner",
    file: "src/internal/flow/Flow.ts",
    from: "if (this.runningTurns.get(turn) === withdrawn) return",
    to: "if (this.runningTurns.get(turn) === withdrawn && this.count < 0) return",
    test: flow,
    named: "withdrawn before it began"
  },
  {
    name: "a batch keeps a turn whose lease is lost",
    guarantee: "one owner",
    file: "src/internal/flow/Flow.ts",
    from: "else if (typeof holder === \"function\") holder()\n        else fibers",
    to: "else if (typeof holder !== \"function\") fibers",
    test: flow,
    named: "withdraws a turn from its batch"
  },
  {
    name: "messages fetched in quarantine",
    guarantee: "poison cannot block",
    file: "src/internal/flow/Flow.ts",
    from: "if (mode !== \"running\") return false",
    to: "if (mode === \"stopping\") return false",
    test: flow,
    named: "starts nothing in quarantine"
  }
]
