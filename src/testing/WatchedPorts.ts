/**
 * Wraps store and transport for one {@link WorkerLife}. The work of a transaction is written on the tape when it is
 * committed. Every call is a point at which the process can die, and injected failures can strike a transaction.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { ResolvedDelay } from "../Delay.ts"
import type { Delivery, Failure } from "../Delivery.ts"
import { TransientFailure, UnknownOutcome } from "../Errors.ts"
import type { Message } from "../Message.ts"
import * as MessageId from "../MessageId.ts"
import {
  type ClaimResult,
  type NewDeadLetter,
  type Store,
  type Transaction,
  type TransactionFailure,
  WorkerTransaction
} from "../Store.ts"
import type { Subscription, Transport } from "../Transport.ts"
import { atTransaction } from "./Injection.ts"
import * as OwnTransaction from "./OwnTransaction.ts"
import type { Tape } from "./Tape.ts"
import { Handled, type WorkerLife } from "./WorkerLife.ts"

/** The work of an open transaction so far. */
type Done =
  | { readonly _tag: "Settled"; readonly deliveries: ReadonlyArray<Delivery> }
  | { readonly _tag: "Claimed"; readonly ids: ReadonlyArray<string>; readonly answers: ReadonlyArray<ClaimResult> }
  | {
    readonly _tag: "Wrote"
    readonly messages: ReadonlyArray<Message>
    /** The message whose step published these messages outside of the commit. */
    readonly by: string | undefined
    readonly planned: Planned
    readonly kept: () => boolean
  }
  | {
    readonly _tag: "Cancelled"
    readonly topic: string
    readonly key: string
    readonly name: string
    readonly kept: () => boolean
  }
  | { readonly _tag: "Buried"; readonly entry: NewDeadLetter; readonly deadLetterId: string | undefined }
  | {
    readonly _tag: "Held"
    readonly delivery: Delivery
    readonly attempts: ReadonlyArray<Failure>
    readonly delay: number | "parked"
  }

/** When messages are published, and the name under which one of them waits or replaces another. */
interface Planned {
  /** When the messages are due. Undefined if they are published at once. */
  readonly due: number | undefined
  readonly name: string | undefined
}

interface Open {
  readonly kind: "commit" | "hold or dead letter"
  done: Array<Done>
}

const Ambient = Context.Reference<Open | undefined>("millrace/testing/WatchedPorts/Ambient", {
  defaultValue: () => undefined
})

/** Runs a call of the open transaction, and remembers what it did until the commit. */
const within = <A, E, R>(
  call: Effect.Effect<A, E, R>,
  did: (answer: A) => ReadonlyArray<Done>
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Ambient, (open) => Effect.tap(call, (answer) => Effect.sync(() => open?.done.push(...did(answer)))))

/** Returns the wrapped store. */
export const store = (life: WorkerLife, inner: Store["Service"]): Store["Service"] => ({
  ...inner,
  transact: <A, E, R>(body: Effect.Effect<A, E, R>) => life.alive(transact(life, inner, body)),
  savepoint: <A, E, R>(body: Effect.Effect<A, E, R>) =>
    Effect.flatMap(
      Ambient,
      (open) => open === undefined ? OwnTransaction.savepoint(inner, body) : joined(life, open, inner.savepoint(body))
    ),
  inbox: {
    ...inner.inbox,
    claim: (consumer, claims) =>
      within(inner.inbox.claim(consumer, claims), (answers) => [
        { _tag: "Claimed", ids: claims.map((claim) => claim.id), answers }
      ]).pipe(Effect.tap(() => life.pass(`${listed(claims.map((claim) => claim.id))}: after the inbox claim`)))
  },
  outbox: {
    ...inner.outbox,
    write: (messages, later) =>
      Effect.flatMap(Effect.all([Ambient, Handled]), ([open, by]) =>
        open === undefined
          ? life.alive(published(life, inner, messages, later))
          : within(Effect.andThen(inner.outbox.write(messages, later), OwnTransaction.kept), (kept) => {
            const { tape } = life.stage
            const planned = { due: tape.dueOf(later), name: later?.name }
            if (planned.due === undefined) tape.write(messages)
            return [{ _tag: "Wrote", messages, by, planned, kept }]
          })
            .pipe(Effect.andThen(life.pass("after the emits")))),
    cancel: (topic, key, name) =>
      Effect.flatMap(Ambient, (open) =>
        open === undefined
          ? life.alive(cancelled(life, inner, topic, key, name))
          : Effect.map(
            within(
              Effect.all([inner.outbox.cancel(topic, key, name), OwnTransaction.kept]),
              ([found, kept]) => found ? [{ _tag: "Cancelled", topic, key, name, kept }] : []
            ),
            ([found]) => found
          ))
  },
  deadLetters: {
    ...inner.deadLetters,
    add: (consumer, entries) =>
      within(
        inner.deadLetters.add(consumer, entries),
        (deadLetters) => entries.map((entry, i) => ({ _tag: "Buried", entry, deadLetterId: deadLetters[i] }))
      )
  }
})

/** Runs and records a publish outside of any watched transaction. */
export const published = (
  { stage }: Pick<WorkerLife, "stage">,
  inner: Store["Service"],
  messages: ReadonlyArray<Message>,
  later: ResolvedDelay | undefined
): ReturnType<Store["Service"]["outbox"]["write"]> =>
  Effect.flatMap(Handled, (by) => {
    const { tape } = stage
    const planned = { due: tape.dueOf(later), name: later?.name }
    const write = inner.outbox.write(messages, later)
    const unread = tape.unread(messages)
    const tell = () => {
      if (planned.due !== undefined) return delayed(tape, messages, by, planned)
      for (const { key, topic } of messages) tape.cancelled(topic, key, planned.name)
      tape.stored(unread())
    }
    return OwnTransaction.unlessWithin(inner, Effect.tap(write, OwnTransaction.whenCommitted(tell)), () => {
      if (planned.due !== undefined) return Effect.tap(write, () => Effect.sync(tell))
      // The tape records the messages before the write, since a worker may read them before this fiber continues.
      tape.write(messages)
      return write.pipe(
        Effect.tap(() => Effect.sync(tell)),
        Effect.ensuring(Effect.sync(() => tape.unwritten(messages)))
      )
    })
  })

/** Runs and records a cancel outside of any watched transaction. */
export const cancelled = (
  { stage }: Pick<WorkerLife, "stage">,
  inner: Store["Service"],
  ...[topic, key, name]: Parameters<Store["Service"]["outbox"]["cancel"]>
): ReturnType<Store["Service"]["outbox"]["cancel"]> =>
  Effect.tap(inner.outbox.cancel(topic, key, name), (found) => {
    const tell = () => {
      if (found) stage.tape.cancelled(topic, key, name)
    }
    return OwnTransaction.unlessWithin(inner, OwnTransaction.whenCommitted(tell), () => Effect.sync(tell))
  })

/** Records delayed messages. `by` is the message that published them, if there is one. */
const delayed = (
  tape: Tape,
  messages: ReadonlyArray<Message>,
  by: string | undefined,
  { due = tape.now, name }: Planned
): void => {
  for (const message of messages) {
    tape.cancelled(message.topic, message.key, name)
    tape.note({ _tag: "Delayed", at: tape.now, id: by ?? message.id, message, due, name })
  }
}

/** Runs a savepoint of the open transaction. If it fails, its work is not reported. */
const joined = <A, E, R>(life: WorkerLife, open: Open, call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const mark = open.done.length
    return Effect.onError(call, () => Effect.sync(() => undone(life, open, mark)))
  })

const transact = <A, E, R>(
  life: WorkerLife,
  inner: Store["Service"],
  body: Effect.Effect<A, E, R>
): Effect.Effect<A, E | TransactionFailure, Exclude<R, Transaction>> =>
  Effect.flatMap(Effect.all([Ambient, WorkerTransaction]), ([ambient, worker]) => {
    if (ambient !== undefined) return joined(life, ambient, inner.transact(body))
    if (worker === undefined) return ofStep(life, inner, body)
    const open: Open = { kind: worker === "separate" ? "hold or dead letter" : "commit", done: [] }
    let lost: "no answer" | "rolled back" | undefined
    const ended: Effect.Effect<void, TransientFailure> = Effect.suspend(() => {
      const what = open.kind === "commit" ? atTransaction(life.stage.injections, membersOf(life, open)) : undefined
      if (what?._tag === "LostAnswer") lost = "no answer"
      if (what?._tag === "LostCommit") lost = "rolled back"
      return what === undefined || what._tag === "LostAnswer"
        ? life.pass(`${about(open)}: before COMMIT of the ${open.kind}`)
        : Effect.fail(new TransientFailure({ kind: "conflict", code: "40001", detail: "an injected failure" }))
    })
    const whole = Effect.suspend(() => {
      // The store may run the body again.
      undone(life, open, 0)
      lost = undefined
      return Effect.tap(body, () => ended)
    }).pipe(Effect.provideService(Ambient, open))
    const unknown = new UnknownOutcome({ detail: "an injected failure" })
    return inner.transact(whole).pipe(
      Effect.onError(() => Effect.sync(() => undone(life, open, 0, true))),
      Effect.mapError((error) => lost === "rolled back" ? unknown : error),
      Effect.tap(() => Effect.sync(() => committed(life, open))),
      Effect.tap(() => life.pass(`${about(open)}: after COMMIT of the ${open.kind}, before it is acknowledged`)),
      Effect.tap(() => lost === "no answer" ? Effect.fail(unknown) : Effect.void),
      Effect.tapError((error) => Effect.sync(() => disturbed(life, open, error)))
    )
  })

/**
 * Runs a transaction that a step begins before the worker's transaction. Its publishes do not count as emits of the
 * commit.
 */
const ofStep = <A, E, R>(
  life: WorkerLife,
  inner: Store["Service"],
  body: Effect.Effect<A, E, R>
): Effect.Effect<A, E | TransactionFailure, Exclude<R, Transaction>> =>
  Effect.flatMap(
    Handled,
    (by = "nobody") =>
      OwnTransaction.transact(inner, Effect.tap(body, () => life.pass(`${by}: before COMMIT of the step's own`))).pipe(
        Effect.tap(() => life.pass(`${by}: after COMMIT of the step's own`))
      )
  )

/**
 * Forgets the work that was done since a mark, because that work is rolled back. With `keepMessages`, the messages that
 * the transaction handled stay known, so that a report of its failure can name them.
 */
const undone = ({ stage }: WorkerLife, open: Open, mark: number, keepMessages = false): void => {
  for (const done of open.done.slice(mark)) {
    if (done._tag === "Wrote" && done.planned.due === undefined) stage.tape.unwritten(done.messages)
  }
  open.done = open.done.filter((done, i) => i < mark || (keepMessages && done._tag !== "Wrote"))
}

const settledBy = (open: Open): ReadonlyArray<Delivery> =>
  open.done.flatMap((done) => done._tag === "Settled" ? done.deliveries : done._tag === "Held" ? [done.delivery] : [])

const listed = (ids: ReadonlyArray<string>): string =>
  ids.length > 3 ? `${ids.slice(0, 3).join(", ")} and ${ids.length - 3} more` : ids.join(", ")

const about = (open: Open): string =>
  listed([...new Set(settledBy(open).map(({ message }) => message.id))]) || "no message"

const membersOf = ({ stage }: WorkerLife, open: Open) =>
  settledBy(open).map(({ message, redrive }) => ({
    id: message.id,
    attempt: stage.tape.attemptOf(message),
    redriven: redrive?.count ?? 0
  }))

/**
 * Records a failure of the transaction that is not a member's own. A member's own failure is recorded by the retry
 * schedule or the end of the message.
 */
const disturbed = (life: WorkerLife, open: Open, error: unknown): void => {
  const tag = typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : ""
  if (life.dead || !/^(TransientFailure|UnknownOutcome|TransactionAborted|CommitRejected)$/.test(tag)) return
  const { tape } = life.stage
  for (const { message } of settledBy(open)) tape.note({ _tag: "Disturbed", at: tape.now, id: message.id, tag })
}

/** Writes the work of a transaction on the tape, since the transaction is committed. */
const committed = (life: WorkerLife, open: Open): void => {
  const { consumer, emitters, tape } = life.stage
  const answers = new Map(
    open.done.flatMap((done) => done._tag === "Claimed" ? done.ids.map((id, i) => [id, done.answers[i]] as const) : [])
  )
  const settled = new Map(settledBy(open).map(({ message }) => [message.id, message]))
  const fresh = [...settled.keys()].filter((id) => answers.get(id) === "fresh")
  for (const done of open.done) {
    if ("kept" in done && !done.kept()) {
      if (done._tag === "Wrote" && done.planned.due === undefined) tape.unwritten(done.messages)
      continue
    }
    if (done._tag === "Cancelled") tape.cancelled(done.topic, done.key, done.name)
    if (done._tag === "Wrote" && done.planned.due !== undefined) {
      delayed(tape, done.messages, done.by ?? fresh[0], done.planned)
    } else if (done._tag === "Wrote") {
      for (const message of done.messages) {
        tape.cancelled(message.topic, message.key, done.planned.name)
        const id = done.by ?? emitters.get(message.id) ?? emitterOf(consumer, fresh, message, done.messages.length)
        tape.note({ _tag: "Emitted", at: tape.now, id, message })
      }
      tape.written(done.messages)
    }
    if (done._tag === "Buried") {
      const { delivery, attempts, reason } = done.entry
      const { id } = delivery.message
      for (const failure of attempts) tape.failed(delivery.message, failure)
      const tag = attempts.at(-1)?.tag ?? ""
      tape.ended(
        done.deadLetterId === undefined
          ? { _tag: "Duplicate", at: tape.now, id }
          : { _tag: "Dead", at: tape.now, id, reason, tag }
      )
    }
    if (done._tag === "Held") {
      for (const failure of done.attempts) tape.failed(done.delivery.message, failure)
      tape.held(done.delivery.message, done.delay)
    }
  }
  if (open.kind !== "commit") return
  for (const [id, answer] of answers) {
    const attempt = tape.attemptOf(settled.get(id)!)
    if (answer === "fresh") tape.ended({ _tag: "Committed", at: tape.now, id, attempt })
    if (answer === "duplicate") tape.ended({ _tag: "Duplicate", at: tape.now, id })
  }
}

/** Returns the member of a group that emitted a message, from the message's id. */
const emitterOf = (consumer: string, members: ReadonlyArray<string>, message: Message, written: number): string =>
  members.find((id) => {
    for (let n = 0; n < written; n++) if (MessageId.ofEmit(consumer, id, n) === message.id) return true
    return false
  }) ?? members[0] ?? message.id

/** Returns the wrapped transport. `abandoned` collects the scopes of subscriptions whose process died. */
export const transport = (
  life: WorkerLife,
  inner: Transport["Service"],
  abandoned: Array<Scope.Closeable>
): Transport["Service"] => ({
  ...inner,
  open: Effect.fnUntraced(function*(spec) {
    const opened = yield* ownScope(life, inner.open(spec), abandoned)
    return subscription(life, opened, abandoned)
  })
})

/**
 * Runs an effect with a scope that closes only if the worker is alive. A dead worker leaves its resources open, as a
 * killed process does.
 */
const ownScope = Effect.fnUntraced(function*<A, E, R>(
  life: WorkerLife,
  effect: Effect.Effect<A, E, R | Scope.Scope>,
  abandoned: Array<Scope.Closeable>
) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) =>
    life.dead ? Effect.sync(() => void abandoned.push(scope)) : Scope.close(scope, exit)
  )
  return yield* Scope.provide(effect, scope)
})

const subscription = (life: WorkerLife, inner: Subscription, abandoned: Array<Scope.Closeable>): Subscription => ({
  ...inner,
  take: (room, accept) =>
    Effect.suspend(() => {
      let ids: ReadonlyArray<string> = []
      const take = inner.take(room, (deliveries) => {
        ids = deliveries.map(({ message }) => message.id)
        if (!life.dead) { for (const delivery of deliveries) life.stage.tape.handed(delivery) }
        accept(deliveries)
      })
      return Effect.tap(
        life.whileAlive(take),
        () => ids.length === 0 ? Effect.void : life.pass(`${listed(ids)}: read, not started`)
      )
    }),
  whileNotReading: (delivery, write) => life.alive(inner.whileNotReading(delivery, write)),
  renew: (leases) => life.alive(inner.renew(leases)),
  removeInTransaction: (deliveries) =>
    within(inner.removeInTransaction(deliveries), (ours) => [{ _tag: "Settled", deliveries: ours }]).pipe(
      Effect.tap((ours) => life.pass(`${listed(ours.map(({ message }) => message.id))}: after fence and removal`))
    ),
  acknowledge: (deliveries) => life.alive(inner.acknowledge(deliveries)),
  drop: (deliveries) => life.alive(inner.drop(deliveries)),
  hold: (delivery, attempts, hold) => {
    const delay = hold._tag === "Parked" ? "parked" : Duration.toMillis(hold.delay)
    return within(inner.hold(delivery, attempts, hold), () => [{ _tag: "Held", delivery, attempts, delay }])
  },
  isolate: (delivery) => ownScope(life, inner.isolate(delivery), abandoned),
  release: (leases) => life.alive(inner.release(leases))
})
