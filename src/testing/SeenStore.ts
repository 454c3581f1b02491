/**
 * The store that a scenario uses. It records on the tape what the scenario does.
 *
 * An immediate publish and an operator action on a dead letter are recorded before they run, so that a later `drain`
 * waits for their messages. A delayed publish and a cancel are recorded after they ran. Within a transaction of the
 * scenario, everything is recorded after the commit.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { DeadLetter } from "../DeadLetter.ts"
import { type DeadLetterConflict, DeadLetterNotFound, type StoreFailure } from "../Errors.ts"
import type { DeadLetterStore, Store } from "../Store.ts"
import * as OwnTransaction from "./OwnTransaction.ts"
import type { OperatorStep, Tape } from "./Tape.ts"
import * as TapeHooks from "./TapeHooks.ts"
import type { Stage } from "./WorkerLife.ts"

type Inner = Store["Service"]

/** Returns the store with every call of the scenario recorded. */
export const seen = (stage: Stage, inner: Inner): Inner => ({
  ...inner,
  transact: (body) => OwnTransaction.transact(inner, body),
  savepoint: (body) => OwnTransaction.forgetting(inner.savepoint(body)),
  outbox: {
    ...inner.outbox,
    write: (messages, later) => TapeHooks.published({ stage }, inner, messages, later),
    cancel: (topic, key, name) => TapeHooks.cancelled({ stage }, inner, topic, key, name)
  },
  deadLetters: {
    ...inner.deadLetters,
    redrive: (deadLetterId, action, edit) =>
      one(stage, inner, "Redriven", deadLetterId, inner.deadLetters.redrive(deadLetterId, action, edit)),
    discard: (deadLetterId, action) =>
      one(stage, inner, "Discarded", deadLetterId, inner.deadLetters.discard(deadLetterId, action)),
    restore: (deadLetterId, action) =>
      one(stage, inner, "Restored", deadLetterId, inner.deadLetters.restore(deadLetterId, action)),
    release: (deadLetterId, action) =>
      one(stage, inner, "Released", deadLetterId, inner.deadLetters.release(deadLetterId, action)),
    decideSome: (decision, frozen, options) => some(stage, inner, decision, frozen, options)
  }
})

/** Redrives or discards the open dead letter of a message. Fails if there is none. */
export const decide = (
  stage: Stage,
  inner: Inner,
  id: string,
  decision: "redrive" | "discard"
): Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict> =>
  Effect.flatMap(
    inner.deadLetters.list({ consumer: stage.consumer, state: "open", id, limit: 1 }),
    ([deadLetter]) =>
      deadLetter === undefined
        ? Effect.fail(new DeadLetterNotFound({ deadLetterId: id }))
        : seen(stage, inner).deadLetters[decision](deadLetter.id, { by: "test" })
  )

/** Runs an operator action on one dead letter, and records it if the dead letter belongs to the consumer under test. */
const one = <E>(
  stage: Stage,
  inner: Inner,
  decision: OperatorStep,
  deadLetterId: string,
  call: Effect.Effect<void, E | StoreFailure | DeadLetterNotFound>
): Effect.Effect<void, E | StoreFailure | DeadLetterNotFound> =>
  Effect.flatMap(
    inner.deadLetters.get(deadLetterId),
    (found) => found.consumer === stage.consumer ? told(stage, inner, decision, [found], call) : call
  )

/**
 * Records an operator action, and then runs it. A worker that reads the redriven message meanwhile finds the record,
 * and makes no second one. If the store refuses the action for a dead letter, that record is removed.
 *
 * Within a transaction of the scenario, the record is made after the commit.
 */
const told = <A, E>(
  { tape }: Stage,
  inner: Inner,
  decision: OperatorStep,
  deadLetters: ReadonlyArray<DeadLetter>,
  call: Effect.Effect<A, E>,
  was: (answer: A, deadLetterId: string) => boolean = () => true
): Effect.Effect<A, E> =>
  OwnTransaction.unlessWithin(inner, toldLater(tape, decision, deadLetters, call, was), () => {
    const noted = deadLetters.map((deadLetter) => ({
      deadLetterId: deadLetter.id,
      undo: tape.decided(decision, deadLetter)
    }))
    const undo = (happened: (deadLetterId: string) => boolean) =>
      Effect.sync(() => {
        for (const { deadLetterId, undo } of noted.toReversed()) if (!happened(deadLetterId)) undo()
      })
    return call.pipe(
      Effect.tap((answer) => undo((deadLetterId) => was(answer, deadLetterId))),
      Effect.onError(() => undo(() => false))
    )
  })

const toldLater = <A, E>(
  tape: Tape,
  decision: OperatorStep,
  deadLetters: ReadonlyArray<DeadLetter>,
  call: Effect.Effect<A, E>,
  was: (answer: A, deadLetterId: string) => boolean
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const unread = tape.unread(deadLetters.map(({ message }) => message))
    return Effect.tap(call, (answer) =>
      OwnTransaction.whenCommitted(() => {
        const left = new Set(unread())
        for (const deadLetter of deadLetters) {
          if (left.has(deadLetter.message) && was(answer, deadLetter.id)) tape.decided(decision, deadLetter)
        }
      }))
  })

/**
 * Redrives or discards the next dead letters of a frozen set. Only the store's answer tells which ones these are. So
 * every open dead letter that matches the filter is recorded first, and the records of the others are removed later.
 */
const some = (
  stage: Stage,
  inner: Inner,
  ...[decision, frozen, options]: Parameters<DeadLetterStore["decideSome"]>
): ReturnType<DeadLetterStore["decideSome"]> => {
  const call = inner.deadLetters.decideSome(decision, frozen, options)
  const { consumer = stage.consumer } = frozen.filter
  return consumer !== stage.consumer
    ? call
    : Effect.flatMap(openDeadLetters(inner, { ...frozen.filter, consumer }), (open) =>
      told(
        stage,
        inner,
        decision === "redriven" ? "Redriven" : "Discarded",
        open.filter(({ id }) => id > options.after),
        call,
        ({ deadLetterIds: deadLetters }, deadLetterId) => deadLetters.includes(deadLetterId)
      ))
}

/** Returns the open dead letters that match the filter, oldest first. */
const openDeadLetters = Effect.fnUntraced(function*(
  inner: Inner,
  filter: Parameters<DeadLetterStore["list"]>[0]
): Effect.fn.Return<ReadonlyArray<DeadLetter>, StoreFailure> {
  const deadLetters: Array<DeadLetter> = []
  while (true) {
    const page = yield* inner.deadLetters.list({
      ...filter,
      state: "open",
      limit: 1000,
      before: deadLetters.at(-1)?.id
    })
    deadLetters.push(...page)
    if (page.length === 0) return deadLetters.toReversed()
  }
})
