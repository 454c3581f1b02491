/** The breaks of defaults that must outlast an outage, and of what is refused from callers without types. */
import type { Mutant } from "./types.ts"

const given = "test/words/GivenDuration.test.ts"
const sameName = "test/worker/same-name.test.ts"
const outlasting = "test/worker/outlasting.test.ts"

export const defaultMutants: ReadonlyArray<Mutant> = [
  {
    name: "defaults: retries that end within an outage of a quarter of an hour",
    guarantee: "poison cannot block",
    file: "src/Retry.ts",
    from: "attempts = 30",
    to: "attempts = 25",
    test: "test/words/Retry.test.ts",
    named: "is so long by default that an outage"
  },
  {
    name: "defaults: retries that park every hot key",
    guarantee: "poison cannot block",
    file: "src/Retry.ts",
    from: "attempts = 30",
    to: "attempts = 8",
    test: outlasting,
    named: "outlast an outage of a quarter of an hour"
  },
  {
    name: "defaults: a log line without the duration of the tries",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/Disposition.ts",
    from: "tried === 0 ?",
    to: "tried >= 0 ?",
    test: outlasting,
    named: "say how long the message was tried"
  },
  {
    name: "defaults: the time of a dead-lettered message counted across redrives",
    guarantee: "poison cannot block",
    file: "src/DeadLetter.ts",
    from: "i === 0 || attempt <= made[i - 1]!.attempt",
    to: "i === 0 || attempt < 0",
    test: "test/postgres/conformance.test.ts",
    named: "returns a redriven message that fails again to its own dead letter"
  },
  {
    name: "defaults: messages of a topic without a consumer deleted after a week",
    guarantee: "no loss",
    file: "src/postgres/maintenance/Retention.ts",
    from: "unrouted: \"Infinity\"",
    to: "unrouted: \"7 days\"",
    test: "test/postgres/unrouted.test.ts",
    named: "are kept at any age"
  },
  {
    name: "same name: functions of the same steps not compared",
    guarantee: "no loss",
    file: "src/worker/start/PipelineNames.ts",
    from: "sourceOf(step.f)",
    to: "step._tag",
    test: sameName,
    named: "another function"
  },
  {
    name: "same name: the text of a wrapper compared",
    guarantee: "no loss",
    file: "src/internal/Step.ts",
    from: "wrapped.get(f) ?? { users: f, also: \"\" }",
    to: "{ users: f, also: \"\" }",
    test: sameName,
    named: "tell the functions apart of emits"
  },
  {
    name: "same name: a warning for each worker",
    guarantee: "no loss",
    file: "src/worker/start/PipelineNames.ts",
    from: "under.warned = true",
    to: "under.warned = false",
    test: sameName,
    named: "another step"
  },
  {
    name: "same name: a warning about a pipeline that has ended",
    guarantee: "no loss",
    file: "src/worker/start/PipelineNames.ts",
    from: "under.pipelines.splice(under.pipelines.indexOf(pipeline), 1)",
    to: "under.pipelines.at(0)",
    test: sameName,
    named: "when the first has ended"
  },
  {
    name: "same name: a pipeline of this process treated as one of another process",
    guarantee: "no loss",
    file: "src/worker/start/PipelineNames.ts",
    from: " || isHere(last) === true",
    to: " || isHere(last) === undefined",
    test: sameName,
    named: "where both start at one time"
  },
  {
    name: "same name: pipelines of other processes not compared",
    guarantee: "no loss",
    file: "src/worker/observe/Stats.ts",
    from: "Effect.andThen(gauges.of(status), watch(status))",
    to: "Effect.andThen(gauges.of(status), () => watch)",
    test: sameName,
    named: "in two processes"
  },
  {
    name: "untyped: an object without a unit treated as zero",
    guarantee: "no loss",
    file: "src/internal/GivenDuration.ts",
    from: "parts.length > 0 && parts.every",
    to: "parts.every",
    test: given,
    named: "is refused by its name"
  },
  {
    name: "untyped: a misspelled unit treated as zero",
    guarantee: "no loss",
    file: "src/internal/GivenDuration.ts",
    from: "units.has(unit) && isNumber(value)",
    to: "isNumber(value)",
    test: given,
    named: "is refused by its name"
  },
  {
    name: "untyped: a message with a text as its time is due at once",
    guarantee: "no loss",
    file: "src/Delay.ts",
    from: "    ? DateTime.toEpochMillis(at)\n    : Number.NaN",
    to: "    ? DateTime.toEpochMillis(at)\n    : 0",
    test: given,
    named: "and nothing is published"
  },
  {
    name: "untyped: a date of another realm refused",
    guarantee: "no loss",
    file: "src/Delay.ts",
    from: "isDate(at)",
    to: "at instanceof Date",
    test: given,
    named: "is none of these"
  },
  {
    name: "untyped: a null delay treated as no delay",
    guarantee: "no loss",
    file: "src/Delay.ts",
    from: "delay === undefined ? 0 : GivenDuration.millis(delay)",
    to: "GivenDuration.millis(delay ?? 0)",
    test: given,
    named: "and nothing is published"
  },
  {
    name: "untyped: a timeout that fails every attempt",
    guarantee: "poison cannot block",
    file: "src/worker/start/StartupChecks.ts",
    from: "timeout === undefined || GivenDuration.millis(timeout) > 0",
    to: "timeout === undefined || GivenDuration.millis(timeout) !== 0",
    test: given,
    named: "shown: timeout"
  },
  {
    name: "untyped: a retry policy without delays",
    guarantee: "poison cannot block",
    file: "src/worker/start/StartupChecks.ts",
    from: "?? GivenDuration.problems.get(retry)",
    to: "",
    test: given,
    named: "shown: retry base"
  },
  {
    name: "untyped: an async while treated as true",
    guarantee: "poison cannot block",
    file: "src/internal/Step.ts",
    from: `given.constructor.name === "AsyncFunction"`,
    to: "false",
    test: given,
    named: "a while that is async, or no function"
  },
  {
    name: "untyped: a retry object with a misspelt setting",
    guarantee: "poison cannot block",
    file: "src/Retry.ts",
    from: "Object.keys(others).length > 0",
    to: "Object.keys(others).length < 0",
    test: given,
    named: "no object, or an object of other settings"
  },
  {
    name: "untyped: an async key treated as a key",
    guarantee: "order per key",
    file: "src/Topic.ts",
    from: "if (!HandlerResult.isThenable(returned)) return",
    to: "if (true) return",
    test: "test/words/Topic.test.ts",
    named: "is refused when its key, id or headers function is async"
  }
]
