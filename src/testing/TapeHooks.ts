/**
 * The hooks around store and transport for one {@link WorkerLife}. The work of a transaction is written on the tape
 * when it is committed. Every call is a point at which the process can die, and injected failures can strike a
 * transaction.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ResolvedDelay } from "../Delay.ts"
import type { Delivery, Failure } from "../Delivery.ts"
import { TransientFailure, UnknownOutcome } from "../Errors.ts"
import type { Message } from "../Message.ts"
import * as MessageId from "../MessageId.ts"
import type { ClaimResult, NewDeadLetter, Store, Transaction, TransactionFailure } from "../Store.ts"
import type { Subscription } from "../Transport.ts"
import * as HookedPorts from "./HookedPorts.ts"
import { atTransaction } from "./Injection.ts"
import * as OwnTransaction from "./OwnTransaction.ts"
import type { Tape } from "./Tape.ts"
import { Handled, type WorkerLife } from "./WorkerLife.ts"

/** One thing that an open transaction has done. */
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
  | { readonly _tag: "DeadLettered"; readonly entry: NewDeadLetter; readonly deadLetterId: string | undefined }
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
  readonly purpose: HookedPorts.Purpose
  done: Array<Done>
  /** The injected loss of this transaction's COMMIT, or of the answer to it. */
  lost: "no answer" | "rolled back" | undefined
}

const Ambient = Context.Reference<Open | undefined>("millrace/testing/TapeHooks/Ambient", {
  defaultValue: () => undefined
})

/** Runs a call inside of the open transaction, and keeps what it did, so that it is recorded when that commits. */
const within = <A, E, R>(
  call: Effect.Effect<A, E, R>,
  did: (answer: A) => ReadonlyArray<Done>
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Ambient, (open) => Effect.tap(call, (answer) => Effect.sync(() => open?.done.push(...did(answer)))))

/** Returns the hooks for the ports of a process. `abandoned` collects the open scopes of processes that died. */
export const hooks = (
  life: WorkerLife,
  inner: Store["Service"],
  abandoned: Array<Scope.Closeable>
): HookedPorts.Hooks<Open> => {
  // A dead worker leaves its resources open, as a killed process does.
  const close: HookedPorts.CloseHook = (close, scope) =>
    Effect.suspend(() => life.dead ? Effect.sync(() => void abandoned.push(scope)) : close)
  return {
    transactions: transactions(life, inner),
    inbox: {
      claim: (claim) => (consumer, claims) =>
        within(claim(consumer, claims), (answers) => [
          { _tag: "Claimed", ids: claims.map((claim) => claim.id), answers }
        ]).pipe(Effect.tap(() => life.pass(`${listed(claims.map((claim) => claim.id))}: after the inbox claim`)))
    },
    outbox: outbox(life, inner),
    deadLetters: {
      add: (add) => (consumer, entries) =>
        within(
          add(consumer, entries),
          (deadLetters) => entries.map((entry, i) => ({ _tag: "DeadLettered", entry, deadLetterId: deadLetters[i] }))
        )
    },
    subscription: {
      take: (take) => (demand, accept) => taken(life, demand, accept, take),
      whileNotReading: (whileNotReading) => (delivery, write) => life.alive(whileNotReading(delivery, write)),
      renew: (renew) => (leases) => life.alive(renew(leases)),
      removeInTransaction: (removeInTransaction) => (deliveries) =>
        within(removeInTransaction(deliveries), (ours) => [{ _tag: "Settled", deliveries: ours }]).pipe(
          Effect.tap((ours) => life.pass(`${listed(ours.map(({ message }) => message.id))}: after fence and removal`))
        ),
      acknowledge: (acknowledge) => (deliveries) => life.alive(acknowledge(deliveries)),
      drop: (drop) => (deliveries) => life.alive(drop(deliveries)),
      hold: (put) => (delivery, attempts, hold) => {
        const delay = hold._tag === "Parked" ? "parked" : Duration.toMillis(hold.delay)
        return within(
          put(delivery, attempts, hold),
          (end) => end === "settled" ? [] : [{ _tag: "Held", delivery, attempts, delay }]
        )
      },
      isolate: (isolate) => (delivery) => HookedPorts.inOwnScope(isolate(delivery), close),
      release: (release) => (leases) => life.alive(release(leases))
    },
    close
  }
}

const outbox = (life: WorkerLife, inner: Store["Service"]): HookedPorts.CallHooks<Store["Service"]["outbox"]> => ({
  write: (write) => (messages, later) =>
    Effect.flatMap(Effect.all([Ambient, Handled]), ([open, by]) =>
      open === undefined
        ? life.alive(published(life, inner, messages, later))
        : within(Effect.andThen(write(messages, later), OwnTransaction.kept), (kept) => {
          const { tape } = life.stage
          const planned = { due: tape.dueOf(later), name: later?.name }
          if (planned.due === undefined) tape.write(messages)
          return [{ _tag: "Wrote", messages, by, planned, kept }]
        })
          .pipe(Effect.andThen(life.pass("after the emits")))),
  cancel: (cancel) => (topic, key, name) =>
    Effect.flatMap(Ambient, (open) =>
      open === undefined
        ? life.alive(cancelled(life, inner, topic, key, name))
        : Effect.map(
          within(
            Effect.all([cancel(topic, key, name), OwnTransaction.kept]),
            ([found, kept]) => found ? [{ _tag: "Cancelled", topic, key, name, kept }] : []
          ),
          ([found]) => found
        ))
})

/** Polls. The process can die after the poll, before a delivery is processed. */
const taken = (
  life: WorkerLife,
  ...[demand, accept, take]: [...Parameters<Subscription["take"]>, Subscription["take"]]
): ReturnType<Subscription["take"]> =>
  Effect.suspend(() => {
    let ids: ReadonlyArray<string> = []
    const taking = take(demand, (deliveries) => {
      ids = deliveries.map(({ message }) => message.id)
      if (!life.dead) { for (const delivery of deliveries) life.stage.tape.handed(delivery) }
      accept(deliveries)
    })
    return Effect.tap(
      life.whileAlive(taking),
      () => ids.length === 0 ? Effect.void : life.pass(`${listed(ids)}: read, not started`)
    )
  })

/** Publishes messages outside of the worker's transactions, and records them. */
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

/** Cancels a delayed message outside of the worker's transactions, and records that. */
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

const transactions = (life: WorkerLife, inner: Store["Service"]): HookedPorts.TransactionHooks<Open> => {
  const unknown = new UnknownOutcome({ detail: "an injected failure" })
  const ended = (open: Open): Effect.Effect<void, TransientFailure> =>
    Effect.suspend(() => {
      const what = open.purpose === "commit" ? atTransaction(life.stage.injections, membersOf(life, open)) : undefined
      if (what?._tag === "LostAnswer") open.lost = "no answer"
      if (what?._tag === "LostCommit") open.lost = "rolled back"
      return what === undefined || what._tag === "LostAnswer"
        ? life.pass(`${about(open)}: before COMMIT of the ${open.purpose}`)
        : Effect.fail(new TransientFailure({ kind: "conflict", code: "40001", detail: "an injected failure" }))
    })
  return {
    current: Ambient,
    begin: (purpose) => ({ purpose, done: [], lost: undefined }),
    own: (body) => life.alive(ofStep(life, inner, body)),
    savepoint: (savepoint, open) =>
      open === undefined ? OwnTransaction.forgetting(savepoint) : life.alive(joined(life, open, savepoint)),
    inside: (body, open) =>
      Effect.suspend(() => {
        // The store may run the body again, so what an earlier run did is forgotten.
        undone(life, open, 0)
        open.lost = undefined
        return Effect.tap(body, () => ended(open))
      }),
    outside: (whole, open) =>
      life.alive(whole).pipe(
        Effect.onError(() => Effect.sync(() => undone(life, open, 0, true))),
        Effect.mapError((error) => open.lost === "rolled back" ? unknown : error),
        Effect.tap(() => Effect.sync(() => committed(life, open))),
        Effect.tap(() => life.pass(`${about(open)}: after COMMIT of the ${open.purpose}, before it is acknowledged`)),
        Effect.tap(() => open.lost === "no answer" ? Effect.fail(unknown) : Effect.void),
        Effect.tapError((error) => Effect.sync(() => disturbed(life, open, error)))
      )
  }
}

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
    (by = "no message") =>
      OwnTransaction.transact(
        inner,
        Effect.tap(body, () => life.pass(`${by}: before COMMIT of the step's own transaction`))
      ).pipe(
        Effect.tap(() => life.pass(`${by}: after COMMIT of the step's own transaction`))
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
    if (done._tag === "DeadLettered") {
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
  if (open.purpose !== "commit") return
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
