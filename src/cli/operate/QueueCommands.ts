/**
 * The actions on keys, consumers and workers: `keys release`, `keys skip`, `keys advance`, `keys pause`, `keys resume`,
 * `consumers pause`, `consumers resume` and `workers evict`.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Consumers from "../../Consumers.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import { NothingToAdvance, PauseConflict } from "../../Errors.ts"
import type { ConsumerFacts } from "../../ops/ConsumerFacts.ts"
import { Operations } from "../../ops/Operations.ts"
import { notFound, refused, usage } from "../frame/CliFailure.ts"
import { connected } from "../frame/Connect.ts"
import { operator } from "../frame/GlobalSettings.ts"
import { heldKey, holdOf, keyOf } from "../look/KeyCommands.ts"
import * as Options from "../look/Options.ts"
import * as Rows from "../look/Rows.ts"
import * as Output from "../output/Output.ts"
import * as SafeText from "../output/SafeText.ts"
import * as Times from "../output/Times.ts"
import { confirm } from "./Confirm.ts"
import { dryRun } from "./DecideCommands.ts"

/** Prints what an action did, or would do. */
export const tell = (dry: boolean, data: Readonly<Record<string, unknown>>, text: string) =>
  Output.emit({
    data: dry ? { dryRun: true, ...data } : data,
    lines: [Output.line(dry ? `Would have ${text}` : text)]
  })

/**
 * Lets a parked key continue. Each dead letter that parks it stays open, and is redriven to the end of its key later.
 */
const release = Effect.fnUntraced(function*(consumer: string, key: string, dry: boolean) {
  const { deadLetters, held } = yield* heldKey(consumer, key)
  const parking = deadLetters.filter(({ parked }) => parked)
  if (parking.length === 0 && held?.parked !== true) {
    return yield* refused(
      "not-parked",
      `Key ${JSON.stringify(key)} of consumer ${JSON.stringify(consumer)} is not parked${
        held === undefined ? "" : `: ${holdOf(held, yield* Rows.now)}`
      }. Nothing was changed.${held?.paused === undefined ? "" : "\nTo end an operator's pause: millrace keys resume."}`
    )
  }
  const action = yield* operator
  const ids = parking.map(({ id }) => id)
  if (!dry) {
    if (ids.length > 1) yield* confirm(`Release ${ids.length} dead letters that park this key?`)
    yield* Effect.forEach(ids, (id) => DeadLetters.release(id, action), { discard: true })
    // A key that is parked behind no open dead letter is freed by resuming it.
    if (ids.length === 0) yield* Consumers.resumeKey(consumer, key, action)
  }
  yield* tell(
    dry,
    { action: "released", consumer, key, deadLetterIds: ids },
    `released key ${key} of ${consumer}. ${
      ids.length === 0 ? "No dead letter parked it." : `Still open: ${ids.map(Options.shortId).join(", ")}`
    }`
  )
})

export const keysRelease = Command.make(
  "release",
  { ...keyOf, dryRun },
  ({ consumer, dryRun, key }) => connected(release(consumer, key, dryRun))
).pipe(
  Command.withDescription("Let the messages behind a parked dead letter continue. The dead letter stays open")
)

/** Discards the dead letter that parks a key, so that the messages behind it follow. */
const skip = Effect.fnUntraced(function*(consumer: string, key: string, dry: boolean) {
  const { held } = yield* heldKey(consumer, key)
  const head = held?.deadLetter
  if (head === undefined) {
    return yield* refused(
      "not-parked",
      `No dead letter parks key ${JSON.stringify(key)} of consumer ${JSON.stringify(consumer)}. Nothing was changed.`
    )
  }
  const action = yield* operator
  if (!dry) yield* DeadLetters.discard(head.id, action)
  yield* tell(
    dry,
    { action: "skipped", consumer, key, deadLetterId: head.id },
    `discarded ${Options.shortId(head.id)}, and key ${key} of ${consumer} continues with the messages behind it.`
  )
  if (!dry) yield* Output.hint(`To undo it: millrace dead restore ${Options.numberOf(head.id)}`)
})

export const keysSkip = Command.make(
  "skip",
  { ...keyOf, dryRun },
  ({ consumer, dryRun, key }) => connected(skip(consumer, key, dryRun))
).pipe(Command.withDescription("Discard the dead letter that parks a key, and let the messages behind it continue"))

const factsOf = (name: string) => Operations.use(({ consumer }) => consumer(name))

/** Returns the pause of a consumer, unless its time is over. */
const pausedAt = ({ paused }: ConsumerFacts, now: number): ConsumerFacts["paused"] =>
  paused?.until !== undefined && paused.until <= now ? undefined : paused

/** Refuses what the action itself would refuse, so that a dry run does not promise it. */
const wouldPause = (
  consumer: string,
  key: string,
  asked: "paused" | "resumed",
  paused: { readonly by: string; readonly at: number } | undefined
): Effect.Effect<void, PauseConflict> =>
  (asked === "paused") === (paused === undefined)
    ? Effect.void
    : Effect.fail(new PauseConflict({ consumer, key, asked, by: paused?.by ?? "", at: paused?.at ?? 0 }))

const wouldPauseKey = Effect.fnUntraced(function*(consumer: string, key: string, asked: "paused" | "resumed") {
  const operations = yield* Operations
  const [held] = yield* operations.stuckKeys({ consumer, key })
  // Resuming a key that is parked behind no open dead letter frees it.
  if (asked === "resumed" && held?.parked === true && held.deadLetter === undefined) return
  yield* wouldPause(consumer, key, asked, held?.paused)
})

const onKey = (verb: "pause" | "resume", description: string) =>
  Command.make(verb, { ...keyOf, dryRun }, ({ consumer, dryRun, key }) =>
    connected(Effect.gen(function*() {
      const action = yield* operator
      const act = verb === "pause" ? Consumers.pauseKey : Consumers.resumeKey
      const done = verb === "pause" ? "paused" : "resumed"
      yield* dryRun ? wouldPauseKey(consumer, key, done) : act(consumer, key, action)
      yield* tell(dryRun, { action: done, consumer, key }, `${done} key ${key} of ${consumer}.`)
    }))).pipe(Command.withDescription(description))

export const keysPause = onKey("pause", "Pause one key: its messages wait in order, and other keys continue")
export const keysResume = onKey("resume", "Resume a key that an operator has paused")

/**
 * Lets the first message of a held key through. A dry run names the dead letter, or says that a waiting message is
 * first.
 */
const advance = Effect.fnUntraced(function*(consumer: string, key: string, dry: boolean) {
  const { held } = yield* heldKey(consumer, key)
  const action = yield* operator
  const operations = yield* Operations
  if (dry) {
    const first = held?.deadLetter
    if (held === undefined || (first === undefined && held.behind.value === 0)) {
      return yield* new NothingToAdvance({ consumer, key, held: held !== undefined })
    }
    return yield* tell(
      true,
      { action: "advanced", consumer, key, deadLetterId: first?.id },
      `let ${
        first === undefined ? "the first waiting message" : Options.shortId(first.id)
      } of key ${key} of ${consumer} `
        + "through, and paused the key for the others."
    )
  }
  const { deadLetterId, messageId } = yield* operations.advanceKey(consumer, key, action)
  yield* tell(
    false,
    { action: "advanced", consumer, key, messageId, deadLetterId },
    `let message ${messageId}${
      deadLetterId === undefined ? "" : ` (${Options.shortId(deadLetterId)})`
    } of key ${key} of ${consumer} through. The key is paused for the others.`
  )
  const [of, its] = [SafeText.forShell(key), SafeText.forShell(messageId)]
  yield* Output.hint(`next: millrace find ${its} --key ${of}, then millrace keys advance or resume ${consumer} ${of}`)
})

export const keysAdvance = Command.make(
  "advance",
  { ...keyOf, dryRun },
  ({ consumer, dryRun, key }) => connected(advance(consumer, key, dryRun))
).pipe(Command.withDescription("Let the first message of a held key through, and keep the key held for the others"))

const consumerArgument = Options.argument("consumer", "The consumer")

const pauseFlags = {
  until: Options.text("until", "time", "When the pause ends by itself: 30m, 1h or 2d from now, or a date"),
  indefinitely: Options.toggle("indefinitely", "The pause lasts until an operator resumes the consumer")
}

export const consumersPause = Command.make(
  "pause",
  { consumer: consumerArgument, ...pauseFlags, dryRun },
  ({ consumer, dryRun, indefinitely, until }) =>
    Effect.gen(function*() {
      if (indefinitely === Option.isSome(until)) {
        return yield* usage(
          "A pause needs its end: pass --until 1h, or --indefinitely for one that lasts until an operator resumes the "
            + "consumer. Nothing was changed."
        )
      }
      const millis = Option.isSome(until) ? yield* Times.fromNow(until.value) : undefined
      yield* connected(Effect.gen(function*() {
        const action = yield* operator
        const now = yield* Rows.now
        if (dryRun) yield* wouldPause(consumer, "", "paused", pausedAt(yield* factsOf(consumer), now))
        else yield* Consumers.pause(consumer, { ...action, duration: millis })
        const ends = millis === undefined ? undefined : now + millis
        const shown = ends === undefined ? "" : ` until ${Times.utc(ends)}`
        yield* tell(
          dryRun,
          { action: "paused", consumer, until: ends },
          `paused ${consumer}${shown}. Its messages wait, in order.`
        )
        yield* Output.hint(`next: millrace consumers resume ${consumer}`)
      }))
    })
).pipe(Command.withDescription("Pause a consumer: its workers finish what they run, and take nothing more"))

export const consumersResume = Command.make(
  "resume",
  { consumer: consumerArgument, dryRun },
  ({ consumer, dryRun }) =>
    connected(Effect.gen(function*() {
      const action = yield* operator
      if (dryRun) yield* wouldPause(consumer, "", "resumed", (yield* factsOf(consumer)).paused)
      else yield* Consumers.resume(consumer, action)
      yield* tell(dryRun, { action: "resumed", consumer }, `resumed ${consumer}.`)
    }))
).pipe(Command.withDescription("Resume a paused consumer"))

/** Returns the live worker of this name. The failure names those that live. */
const livingWorker = Effect.fnUntraced(function*(consumer: string, worker: string) {
  const operations = yield* Operations
  yield* operations.lanes(consumer)
  const living = (yield* operations.workers).filter((one) => one.consumer === consumer && one.alive)
  const found = living.find((one) => one.worker === worker)
  return found ?? (yield* notFound(
    "live worker",
    worker,
    living.map((one) => one.worker),
    `These live for consumer ${JSON.stringify(consumer)}.`
  ))
})

const evict = Effect.fnUntraced(function*(consumer: string, worker: string, dry: boolean) {
  const { lanes } = yield* livingWorker(consumer, worker)
  if (dry) {
    return yield* tell(true, { action: "evicted", consumer, worker, lanes }, `evicted ${worker} from ${lanes} lanes.`)
  }
  const action = yield* operator
  yield* confirm(`Evict ${worker} from ${lanes} lanes of ${consumer}? Its messages in flight count as after a crash.`)
  const evicted = yield* Consumers.evict(consumer, worker, action)
  yield* tell(
    false,
    { action: "evicted", consumer, worker, ...evicted },
    `evicted ${worker} from ${evicted.lanes} lanes of ${consumer}.${
      evicted.busy === 0
        ? ""
        : ` It keeps ${evicted.busy}, since a transaction of it is open: look at millrace blockers.`
    }`
  )
  yield* Output.hint("A worker that still runs claims lanes again. Stop its process.")
})

export const workersEvict = Command.make(
  "evict",
  {
    consumer: consumerArgument,
    worker: Options.argument("worker", "The worker, as `millrace workers list` shows it"),
    dryRun
  },
  ({ consumer, dryRun, worker }) => connected(evict(consumer, worker, dryRun))
).pipe(Command.withDescription("End the leases of a worker that hangs, so that others take its lanes over now"))
