/**
 * The store as a scenario uses it: what the scenario publishes, and what it decides about dead letters as a person would, is on the tape
 * before it has happened, so that a `drain` behind it waits for it. Within a transaction of the scenario's own it is told when that has
 * committed.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { DeadLetter } from "../DeadLetter.ts"
import { type DeadLetterConflict, DeadLetterNotFound, type StoreFailure } from "../Errors.ts"
import type { DeadLetterStore, Store } from "../Store.ts"
import * as OwnTransaction from "./OwnTransaction.ts"
import type { Decision, Tape } from "./Tape.ts"
import * as Watched from "./WatchedPorts.ts"
import type { Stage } from "./WorkerLife.ts"

type Inner = Store["Service"]

/** The store, seen. */
export const seen = (stage: Stage, inner: Inner): Inner => ({
  ...inner,
  transact: (body) => OwnTransaction.transact(inner, body),
  savepoint: (body) => OwnTransaction.savepoint(inner, body),
  outbox: {
    ...inner.outbox,
    write: (messages, later) => Watched.published({ stage }, inner, messages, later),
    cancel: (topic, key, name) => Watched.cancelled({ stage }, inner, topic, key, name)
  },
  deadLetters: {
    ...inner.deadLetters,
    redrive: (letter, act, edit) => one(stage, inner, "Redriven", letter, inner.deadLetters.redrive(letter, act, edit)),
    discard: (letter, act) => one(stage, inner, "Discarded", letter, inner.deadLetters.discard(letter, act)),
    restore: (letter, act) => one(stage, inner, "Restored", letter, inner.deadLetters.restore(letter, act)),
    release: (letter, act) => one(stage, inner, "Released", letter, inner.deadLetters.release(letter, act)),
    decideSome: (decision, frozen, options) => some(stage, inner, decision, frozen, options)
  }
})

/** Decides about the open letter of a message. */
export const decide = (
  stage: Stage,
  inner: Inner,
  id: string,
  decision: "redrive" | "discard"
): Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict> =>
  Effect.flatMap(
    inner.deadLetters.list({ consumer: stage.consumer, state: "open", id, limit: 1 }),
    ([letter]) =>
      letter === undefined
        ? Effect.fail(new DeadLetterNotFound({ letter: id }))
        : seen(stage, inner).deadLetters[decision](letter.id, { by: "test" })
  )

/** A decision about one letter of this consumer. */
const one = <E>(
  stage: Stage,
  inner: Inner,
  decision: Decision,
  letter: string,
  call: Effect.Effect<void, E | StoreFailure | DeadLetterNotFound>
): Effect.Effect<void, E | StoreFailure | DeadLetterNotFound> =>
  Effect.flatMap(
    inner.deadLetters.get(letter),
    (found) => found.consumer === stage.consumer ? told(stage, inner, decision, [found], call) : call
  )

/**
 * On the tape first, so that whoever reads it meanwhile does not note it as well; a decision that is refused is taken back. Within a
 * transaction of the scenario's own, when that has committed.
 */
const told = <A, E>(
  { tape }: Stage,
  inner: Inner,
  decision: Decision,
  letters: ReadonlyArray<DeadLetter>,
  call: Effect.Effect<A, E>,
  was: (answer: A, letter: string) => boolean = () => true
): Effect.Effect<A, E> =>
  OwnTransaction.unlessWithin(inner, toldLater(tape, decision, letters, call, was), () => {
    const noted = letters.map((letter) => ({ letter: letter.id, undo: tape.decided(decision, letter) }))
    const undo = (happened: (letter: string) => boolean) =>
      Effect.sync(() => {
        for (const { letter, undo } of noted.toReversed()) if (!happened(letter)) undo()
      })
    return call.pipe(
      Effect.tap((answer) => undo((letter) => was(answer, letter))),
      Effect.onError(() => undo(() => false))
    )
  })

const toldLater = <A, E>(
  tape: Tape,
  decision: Decision,
  letters: ReadonlyArray<DeadLetter>,
  call: Effect.Effect<A, E>,
  was: (answer: A, letter: string) => boolean
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const unread = tape.unread(letters.map(({ message }) => message))
    return Effect.tap(call, (answer) =>
      OwnTransaction.whenCommitted(() => {
        const left = new Set(unread())
        for (const letter of letters) {
          if (left.has(letter.message) && was(answer, letter.id)) tape.decided(decision, letter)
        }
      }))
  })

/** A decision about the next letters of a set: which ones is known when it is made, so all that may be meant are told ahead. */
const some = (
  stage: Stage,
  inner: Inner,
  ...[decision, frozen, options]: Parameters<DeadLetterStore["decideSome"]>
): ReturnType<DeadLetterStore["decideSome"]> => {
  const call = inner.deadLetters.decideSome(decision, frozen, options)
  const { consumer = stage.consumer } = frozen.filter
  return consumer !== stage.consumer
    ? call
    : Effect.flatMap(openLetters(inner, { ...frozen.filter, consumer }), (open) =>
      told(
        stage,
        inner,
        decision === "redriven" ? "Redriven" : "Discarded",
        open.filter(({ id }) => id > options.after),
        call,
        ({ letters }, letter) => letters.includes(letter)
      ))
}

/** All of them, oldest first. */
const openLetters = Effect.fnUntraced(function*(
  inner: Inner,
  filter: Parameters<DeadLetterStore["list"]>[0]
): Effect.fn.Return<ReadonlyArray<DeadLetter>, StoreFailure> {
  const letters: Array<DeadLetter> = []
  while (true) {
    const page = yield* inner.deadLetters.list({ ...filter, state: "open", limit: 1000, before: letters.at(-1)?.id })
    letters.push(...page)
    if (page.length === 0) return letters.toReversed()
  }
})
