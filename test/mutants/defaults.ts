/** The breaks of defaults that must outlast an outage, and of what is refused from callers without types. */
import type { Mutant } from "./types.ts"

const outlasting = "test/worker/outlasting.test.ts"

export const defaultMutants: ReadonlyArray<Mutant> = [
  {
    name: "defaults: retries that end within an outage of a quarter of an hour",
    guarantee: 5,
    file: "src/Retry.ts",
    from: "options?.attempts ?? 30",
    to: "options?.attempts ?? 25",
    test: "test/words/Retry.test.ts",
    named: "is so long by default that an outage"
  },
  {
    name: "defaults: retries that park every hot key",
    guarantee: 5,
    file: "src/Retry.ts",
    from: "options?.attempts ?? 30",
    to: "options?.attempts ?? 8",
    test: outlasting,
    named: "outlast an outage of a quarter of an hour"
  },
  {
    name: "defaults: a log line that does not say how long a dead message was tried",
    guarantee: 5,
    file: "src/worker/Ending.ts",
    from: "tried === 0 ?",
    to: "tried >= 0 ?",
    test: outlasting,
    named: "say how long the message was tried"
  },
  {
    name: "defaults: the time of a dead message counted across redrives",
    guarantee: 5,
    file: "src/DeadLetter.ts",
    from: "i === 0 || attempt <= made[i - 1]!.attempt",
    to: "i === 0 || attempt < 0",
    test: "test/postgres/conformance.test.ts",
    named: "returns a redriven message that fails again to its own letter"
  }
]
