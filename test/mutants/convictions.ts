/** The breaks of what convicts a message: the proof, its record, and the time that it has alone. */
import type { Mutant } from "./types.ts"

const conformance = "test/conformance/memory.test.ts"
const suite = "test/postgres/conformance.test.ts"
const worker = "test/worker/convictions.test.ts"
const onPostgres = "test/postgres/crashCounts.test.ts"

export const convictionMutants: ReadonlyArray<Mutant> = [
  {
    name: "deaths in company convict",
    guarantee: 5,
    file: "src/worker/lease/CrashStatus.ts",
    from: "crashedAlone && crashCount >= maxCrashes",
    to: "crashCount >= maxCrashes",
    test: worker,
    named: "is never `crashed`"
  },
  {
    name: "a death that convicts, whatever the setting is",
    guarantee: 5,
    file: "src/worker/lease/CrashStatus.ts",
    from: "return crashedAlone && crashCount >= maxCrashes",
    to: "return crashedAlone",
    test: worker,
    named: "is crashed only with a proof"
  },
  {
    name: "Postgres: all that was read is convicted",
    guarantee: 5,
    file: "src/postgres/sql/messages.ts",
    from: "(crash_count > 0 and seq = $4::bigint) is true",
    to: "crash_count > 0",
    test: onPostgres,
    named: "gets crashed_alone by the death of its process"
  },
  {
    name: "Postgres: a conviction forgotten by the next death",
    guarantee: 5,
    file: "src/postgres/sql/messages.ts",
    from: "crashed_alone = crashed_alone or (",
    to: "crashed_alone = (",
    test: onPostgres,
    named: "gets crashed_alone by the death of its process"
  },
  {
    name: "Postgres: what came back to the place of the one that ran alone is convicted",
    guarantee: 5,
    file: "src/postgres/sql/messages.ts",
    from: "(crash_count > 0 and seq = $4::bigint)",
    to: "(seq = $4::bigint)",
    test: suite,
    named: "convicts no redriven message"
  },
  {
    name: "Postgres: no conviction at all",
    guarantee: 5,
    file: "src/postgres/queue/Row.ts",
    from: "row[\"crashed_alone\"] === true",
    to: "false",
    test: onPostgres,
    named: "gets crashed_alone by the death of its process"
  },
  {
    name: "memory: all that was read is convicted",
    guarantee: 5,
    file: "src/memory/MemoryQueue.ts",
    from: "if (alone && row.received > 0) row.crashedAlone = true",
    to: "if (row.received > 0) row.crashedAlone = true",
    test: conformance,
    named: "convicts nothing that was merely read"
  },
  {
    name: "memory: no conviction at all",
    guarantee: 5,
    file: "src/memory/MemoryQueue.ts",
    from: "if (alone && row.received > 0) row.crashedAlone = true",
    to: "",
    test: conformance,
    named: "convicts the message that ran alone"
  },
  {
    name: "memory: what ran alone is not the only one that is counted",
    guarantee: 5,
    file: "src/memory/MemoryQueue.ts",
    from: "if (held || (counted !== \"all\" && !alone)) continue",
    to: "if (held) continue",
    test: conformance,
    named: "convicts the message that ran alone"
  },
  {
    name: "the record that names the suspect is not the last one",
    guarantee: 5,
    file: "src/worker/lease/CrashIsolation.ts",
    from: "      for (const other of gate.members) if (other !== member) yield* shield(other.subscription, undefined)\n"
      + "      yield* shield(subscription, entry.delivery)\n",
    to: "      yield* shield(subscription, entry.delivery)\n"
      + "      for (const other of gate.members) if (other !== member) yield* shield(other.subscription, undefined)\n",
    test: worker,
    named: "is the last one before it starts"
  },
  {
    name: "a suspect that has company before the store knows",
    guarantee: 5,
    file: "src/postgres/queue/PgSubscription.ts",
    from: "() => endIsolation(parts, 0)",
    to: "() => Effect.ignore(lanes.isolation.end)",
    test: onPostgres,
    named: "has no company before the store knows"
  },
  {
    name: "a lane that was given up keeps the record of its suspect",
    guarantee: 5,
    file: "src/postgres/queue/LaneIsolation.ts",
    from: "const lanes = [...this.#recorded]",
    to: "const lanes = [...this.#recorded].filter((each) => !each.lost)",
    test: onPostgres,
    named: "from a lane that was given up meanwhile"
  },
  {
    name: "an isolation that failed goes on",
    guarantee: 5,
    file: "src/postgres/queue/LaneIsolation.ts",
    from: "Effect.tapError(this.#write, () =>",
    to: "Effect.tap(this.#write, () =>",
    test: onPostgres,
    named: "does not keep lanes from being counted"
  },
  {
    name: "a suspect that kills late is never found",
    guarantee: 5,
    file: "src/worker/lease/CrashIsolation.ts",
    from: "settings.leaseMillis * leasesAlone(entry.delivery, settings)",
    to: "settings.leaseMillis",
    test: worker,
    named: "after 3 deaths lets other keys wait"
  },
  {
    name: "suspects that hang, one right after the other",
    guarantee: 6,
    file: "src/worker/lease/CrashIsolation.ts",
    from: "rest === 0 ? Effect.void : Effect.sleep(rest)",
    to: "rest === 0 ? Effect.void : Effect.yieldNow",
    test: worker,
    named: "leave the others half of the time"
  },
  {
    name: "a suspect that is alone for longer with each death, without an end",
    guarantee: 6,
    file: "src/worker/lease/CrashStatus.ts",
    from: "Math.min(crashCount - maxCrashes + 2, mostLeases)",
    to: "crashCount - maxCrashes + 2",
    test: worker,
    named: "after 30 deaths lets other keys wait"
  }
]
