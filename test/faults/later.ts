/**
 * Messages that are published later, while faults strike. Each key gets a dozen, published in any order. Some are
 * replaced and some cancelled, long before they are due or at that very moment.
 *
 * In the history a message is published when it is due. Its answer says what is known by then:
 *
 * - `acknowledged`: it must be handled once, in the order of the times.
 * - `failed`: it was cancelled or replaced in time, and must never be seen.
 * - `unknown`: it was replaced when it was about to be due, and may have been moved before.
 *
 * The one clock is the database's.
 */
import { Effect, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { Topic } from "millrace"
import type { PublishAnswered } from "../checker/History.ts"
import type { Count } from "./fault-run.ts"
import { pick, type Piece, piecesOf, tried } from "./pieces.ts"
import { until } from "./runs/common.ts"
import type { World } from "./world.ts"

/** The fate of a message: `raced` is cancelled and `overtaken` replaced at about the time when it is due. */
const fates = ["kept", "cancelled", "raced", "replaced", "replacement", "overtaken", "overtaker"] as const
type Fate = typeof fates[number]

/** The overtaker stands apart: it comes last, since it is published last. */
const cast: ReadonlyArray<Fate> = [
  ...Array<Fate>(5).fill("kept"),
  "cancelled",
  "cancelled",
  "raced",
  "replaced",
  "replacement",
  "overtaken"
]

/** Each name stands for one message at a time. */
const nameOf = (fate: Fate, piece: Piece): string | undefined =>
  fate === "kept"
    ? undefined
    : fate.startsWith("replace")
    ? "replaced"
    : fate.startsWith("overtake")
    ? "overtaken"
    : piece.id

interface Delayed {
  readonly fate: Fate
  readonly piece: Piece
  /** Milliseconds, by the database's clock. */
  readonly due: number
  /** It was stored before it was due: only then has it a place among the others. */
  inTime: boolean
  answer: PublishAnswered["answer"]
}

/** Counts of what happened, in the words of the table. */
type Told =
  | "cancelled in time"
  | "replaced in time"
  | "too late to be cancelled"
  | "replaced at the last moment"
  | "kept"

const wanted: Readonly<Record<Told, number>> = {
  "cancelled in time": 50,
  "replaced in time": 25,
  "too late to be cancelled": 5,
  "replaced at the last moment": 25,
  kept: 200
}

const spaced = Schedule.spaced("100 millis")

const now = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly ms: number }>`select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`
  return row!.ms
}).pipe(Effect.retry(spaced))

const shuffled = <A>(world: World, all: ReadonlyArray<A>): ReadonlyArray<A> =>
  all.map((one) => ({ one, at: world.dice.next() })).sort((a, b) => a.at - b.at).map(({ one }) => one)

/** In the order of their times, which is the order of their positions. */
const plan = (world: World, key: string, base: number): ReadonlyArray<Delayed> => {
  const gap = world.dice.pick([1, 5, 40, 100])
  const last = base + cast.length * gap
  const one = (fate: Fate, due: number): Delayed => {
    const action = pick({ wait: 0.4, flaky: 0.05 }, world.dice.next())
    const piece = world.piece(key, action, world.dice.whole(1, 10))
    return { fate, piece, due: Math.floor(due), inTime: false, answer: "acknowledged" }
  }
  return [...shuffled(world, cast).map((fate, i) => one(fate, base + i * gap)), one("overtaker", last + 1000)]
}

/** Publishes one until that is acknowledged: it replaces itself. */
const publish = (world: World, delayed: Delayed) =>
  Effect.gen(function*() {
    const { due, fate, piece } = delayed
    const name = nameOf(fate, piece)
    yield* Topic.publish(piecesOf(world.consumer), piece, { at: due, name }).pipe(Effect.retry(spaced))
    delayed.inTime = (yield* now) < due
  })

/** An answer that says `false` of a message that is not due yet is a lie: the message must not be seen all the same. */
const cancel = (world: World, delayed: Delayed) =>
  Effect.gen(function*() {
    const { due, fate, piece } = delayed
    const cancelled = Topic.cancel(piecesOf(world.consumer), { key: piece.key, name: nameOf(fate, piece)! })
    delayed.answer = yield* Effect.matchEffect(cancelled, {
      onSuccess: (yes) => Effect.map(now, (ms) => yes || ms < due ? "failed" as const : "acknowledged" as const),
      onFailure: () => Effect.succeed("unknown" as const)
    })
  })

/** Publishes the second under the first one's name. */
const replace = (world: World, first: Delayed, second: Delayed) =>
  Effect.gen(function*() {
    yield* publish(world, second)
    first.answer = first.inTime && (yield* now) < first.due ? "failed" : "unknown"
  })

const around = (world: World, { due }: Delayed) =>
  Effect.flatMap(now, (ms) => Effect.sleep(Math.max(0, due - ms + world.dice.whole(-50, 400))))

const outcome = ({ answer, fate }: Delayed): Told | undefined => {
  if (fate === "cancelled" || fate === "raced") {
    return answer === "failed"
      ? "cancelled in time"
      : answer === "acknowledged"
      ? "too late to be cancelled"
      : undefined
  }
  if (answer === "acknowledged") return "kept"
  return answer === "failed" ? "replaced in time" : "replaced at the last moment"
}

/** Those that came too late to have a place are answered last: then nothing is claimed of their order. */
const record = (world: World, told: ReadonlyArray<Delayed>): void => {
  const late: Array<PublishAnswered> = []
  for (const { answer, inTime, piece } of told) {
    const answered: PublishAnswered = { _tag: "PublishAnswered", process: "parent", id: piece.id, answer }
    world.record(tried("parent", world.consumer, piece, piece.id))
    if (inTime) world.record(answered)
    else late.push(answered)
    if (answer === "acknowledged") world.published++
  }
  late.forEach(world.record)
}

const story = (world: World) =>
  Effect.gen(function*() {
    const all = plan(world, world.nextName("later"), (yield* now) + world.dice.whole(1500, 2500))
    const of = (fate: Fate) => all.filter((one) => one.fate === fate)
    const [replaced, replacement, overtaken, overtaker] = [
      ...of("replaced"),
      ...of("replacement"),
      ...of("overtaken"),
      ...of("overtaker")
    ] as [Delayed, Delayed, Delayed, Delayed]
    const second = [replacement, overtaker]
    for (const one of shuffled(world, all)) if (!second.includes(one)) yield* publish(world, one)
    yield* replace(world, replaced, replacement)
    for (const one of of("cancelled")) yield* cancel(world, one)
    yield* Effect.all([
      Effect.andThen(around(world, overtaken), replace(world, overtaken, overtaker)),
      ...of("raced").map((one) => Effect.andThen(around(world, one), cancel(world, one)))
    ], { concurrency: "unbounded" })
    record(world, all)
    return all
  })

/** Publishes for four keys at a time, until the world is to come to rest. Returns the counts so far. */
export const keepBusy = (world: World) => {
  const counts = new Map<Told, number>()
  const loop = Effect.whileLoop({
    while: () => !world.resting,
    body: () => story(world),
    step: (all) => {
      for (const one of all) {
        const told = outcome(one)
        if (told !== undefined) counts.set(told, (counts.get(told) ?? 0) + 1)
      }
    }
  })
  const table = (): ReadonlyArray<Count> =>
    (Object.keys(wanted) as Array<Told>).map((told) => ({
      fault: `delayed message ${told}`,
      wanted: world.scaled(wanted[told]),
      happened: counts.get(told) ?? 0
    }))
  const enough = Effect.sync(() => table().every((count) => count.happened >= count.wanted))
  /** When as many as were promised. */
  const told = Effect.map(until(enough, 60_000), table)
  const four = Effect.forEach(
    [1, 2, 3, 4],
    () => Effect.map(Effect.forkScoped(loop), (fiber) => void world.loads.push(fiber))
  )
  return Effect.as(four, { told })
}
