/** The breaks of what marks a message as crashed alone: the proof, its record, and the time that it has alone. */
import type { Mutant } from "./types.ts"

const conformance = "test/conformance/memory.test.ts"
const suite = "test/postgres/conformance.test.ts"
const worker = "test/worker/crashed-alone.test.ts"
const onPostgres = "test/postgres/crashCounts.test.ts"

export const crashedAloneMutants: ReadonlyArray<Mutant> = [
  {
    name: "crashes beside other messages make a message `crashed`",
    guarantee: "poison cannot block",
    file: "src/worker/lease/CrashStatus.ts",
    from: "crashedAlone && crashCount >= maxCrashes",
    to: "crashCount >= maxCrashes",
    test: worker,
    named: "is never `crashed`"
  },
  {
    name: "one crash alone makes a message `crashed`, at every setting",
    guarantee: "poison cannot block",
    file: "src/worker/lease/CrashStatus.ts",
    from: "return crashedAlone && crashCount >= maxCrashes",
    to: "return crashedAlone",
    test: worker,
    named: "is crashed only with a proof"
  },
  {
    name: "Postgres: all messages that were read are recorded as crashed alone",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/messages.ts",
    from: "(crash_count > 0 and seq = $4::bigint) is true",
    to: "crash_count > 0",
    test: onPostgres,
    named: "gets crashed_alone by the death of its process"
  },
  {
    name: "Postgres: a crash alone that the next crash erases",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/messages.ts",
    from: "crashed_alone = crashed_alone or (",
    to: "crashed_alone = (",
    test: onPostgres,
    named: "gets crashed_alone by the death of its process"
  },
  {
    name: "Postgres: a message redriven to the place of one that ran alone counts as crashed alone",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/messages.ts",
    from: "(crash_count > 0 and seq = $4::bigint)",
    to: "(seq = $4::bigint)",
    test: suite,
    named: "marks no redriven message"
  },
  {
    name: "Postgres: a crash alone that is not recorded",
    guarantee: "poison cannot block",
    file: "src/postgres/queue/Row.ts",
    from: "row[\"crashed_alone\"] === true",
    to: "false",
    test: onPostgres,
    named: "gets crashed_alone by the death of its process"
  },
  {
    name: "memory: all messages that were read are recorded as crashed alone",
    guarantee: "poison cannot block",
    file: "src/memory/MemoryQueue.ts",
    from: "if (alone && row.crashCount > 0) row.crashedAlone = true",
    to: "if (row.crashCount > 0) row.crashedAlone = true",
    test: conformance,
    named: "marks no message as crashed alone that was only read"
  },
  {
    name: "memory: a crash alone that is not recorded",
    guarantee: "poison cannot block",
    file: "src/memory/MemoryQueue.ts",
    from: "if (alone && row.crashCount > 0) row.crashedAlone = true",
    to: "",
    test: conformance,
    named: "marks only the message that ran alone"
  },
  {
    name: "memory: other messages counted beside the one that ran alone",
    guarantee: "poison cannot block",
    file: "src/memory/MemoryQueue.ts",
    from: "if (held || (counted !== \"all\" && !alone)) continue",
    to: "if (held) continue",
    test: conformance,
    named: "marks only the message that ran alone"
  },
  {
    name: "messages start after the record that names the suspect",
    guarantee: "poison cannot block",
    file: "src/worker/lease/CrashIsolation.ts",
    from:
      "      for (const other of shared.members) if (other !== member) yield* shield(other.subscription, undefined)\n"
      + "      yield* shield(subscription, entry.delivery)\n",
    to: "      yield* shield(subscription, entry.delivery)\n"
      + "      for (const other of shared.members) if (other !== member) yield* shield(other.subscription, undefined)\n",
    test: worker,
    named: "is the last one before it starts"
  },
  {
    name: "other messages run beside a suspect before the store records it",
    guarantee: "poison cannot block",
    file: "src/postgres/queue/PgSubscription.ts",
    from: "() => endIsolation(parts, 0)",
    to: "() => Effect.ignore(lanes.isolation.end)",
    test: onPostgres,
    named: "has no company before the store knows"
  },
  {
    name: "a lost lane keeps the record of its suspect",
    guarantee: "poison cannot block",
    file: "src/postgres/queue/LaneIsolation.ts",
    from: "const lanes = [...this.#recorded]",
    to: "const lanes = [...this.#recorded].filter((each) => !each.lost)",
    test: onPostgres,
    named: "from a lane that was given up meanwhile"
  },
  {
    name: "a suspect runs although its isolation failed",
    guarantee: "poison cannot block",
    file: "src/postgres/queue/LaneIsolation.ts",
    from: "Effect.tapError(this.#write, () =>",
    to: "Effect.tap(this.#write, () =>",
    test: onPostgres,
    named: "does not keep lanes from being counted"
  },
  {
    name: "a suspect that crashes late is never found",
    guarantee: "poison cannot block",
    file: "src/worker/lease/CrashIsolation.ts",
    from: "settings.leaseMillis * leasesAlone(entry.delivery, settings)",
    to: "settings.leaseMillis",
    test: worker,
    named: "after 3 deaths lets other keys wait"
  },
  {
    name: "suspects that hang run directly one after another",
    guarantee: "bounded",
    file: "src/worker/lease/CrashIsolation.ts",
    from: "rest === 0 ? Effect.void : Effect.sleep(rest)",
    to: "rest === 0 ? Effect.void : Effect.yieldNow",
    test: worker,
    named: "leave the others half of the time"
  },
  {
    name: "the time of a suspect alone grows with each crash without a bound",
    guarantee: "bounded",
    file: "src/worker/lease/CrashStatus.ts",
    from: "Math.min(crashCount - maxCrashes + 2, mostLeases)",
    to: "crashCount - maxCrashes + 2",
    test: worker,
    named: "after 30 deaths lets other keys wait"
  }
]
