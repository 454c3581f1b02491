/**
 * Publishes the messages of concurrent callers in one statement: group commit for single publishes.
 *
 * A commit waits for the disk, and a statement for its round trip. Both cost about as much for one message as for a
 * hundred. So only a few publishes are under way at a time. Those that come meanwhile wait, and go together as soon as
 * one has ended. While there is a free place, a publish goes at once, in its caller's fiber.
 *
 * - If the server refuses the statement of a group, each of its messages is published by itself. So no caller gets a
 *   failure that another caller's message has caused.
 * - If the connection ends under way, the outcome is unknown. Each caller gets that failure, and nothing is repeated.
 * - A caller that is interrupted while its message waits publishes nothing. If the message is under way, the
 *   interruption waits for the end of the statement, for a limited time. The message may be published then.
 */
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SqlError } from "effect/sql/SqlError"
import type { Message } from "../../Message.ts"
import * as PgFailure from "../session/PgFailure.ts"

/**
 * The most publishes, of one message or of a group, that are under way at a time. With 4 the groups are half as large,
 * and 64 fibers published fewer messages. With 1, a connection that never answers would stop all publishes.
 */
export const mostUnderWay = 2

/** The most messages that wait for a group. Any further publish goes by itself, and waits for a connection. */
export const mostWaiting = 1_000

/** The message of one caller. */
interface PublishMember {
  readonly message: Message
  /** The context of the caller. A group runs in that of its first member, with its span and its loggers. */
  readonly context: Context.Context<never>
  readonly done: Deferred.Deferred<void, SqlError>
  state: "waiting" | "begun" | "withdrawn"
}

export interface Options {
  /** Publishes messages in one statement, all or none, in the given order. */
  readonly insert: (messages: ReadonlyArray<Message>) => Effect.Effect<void, SqlError>
  /** Splits messages into statements of a bounded size. */
  readonly chunks: (messages: ReadonlyArray<Message>) => ReadonlyArray<ReadonlyArray<Message>>
  readonly mostUnderWay: number
  /** How long a message waits for its group. Then the publish fails with `timedOut`, and nothing was stored. */
  readonly acquireTimeout: Duration.Duration
  readonly timedOut: Effect.Effect<never, SqlError>
  /** How long an interruption waits for the end of a statement that is under way. */
  readonly commitTimeout: Duration.Duration
}

export class PublishGroups {
  private waiting: Array<PublishMember> = []
  private underWay = 0
  private readonly options: Options

  constructor(options: Options) {
    this.options = options
  }

  /** Publishes one message outside of any transaction. */
  publish(message: Message): Effect.Effect<void, SqlError> {
    return Effect.uninterruptibleMask((restore) => {
      const { insert, mostUnderWay } = this.options
      if (this.underWay < mostUnderWay) {
        this.underWay++
        return Effect.onExitPrimitive(restore(insert([message])), () => this.ended)
      }
      return this.waiting.length < mostWaiting ? this.join(message, restore) : restore(insert([message]))
    })
  }

  /** Waits until the message was published with a group. */
  private join(
    message: Message,
    restore: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  ): Effect.Effect<void, SqlError> {
    return Effect.withFiber(({ context }) => {
      const { acquireTimeout: duration, commitTimeout, timedOut } = this.options
      const done = Deferred.makeUnsafe<void, SqlError>()
      const member: PublishMember = { message, context, done, state: "waiting" }
      this.waiting.push(member)
      const published = Deferred.await(done)
      const orElse = () => {
        if (member.state === "begun") return published
        member.state = "withdrawn"
        return timedOut
      }
      return Effect.onExitPrimitive(restore(Effect.timeoutOrElse(published, { duration, orElse })), () => {
        const begun = member.state === "begun" && !Deferred.isDoneUnsafe(done)
        member.state = "withdrawn"
        return begun ? Effect.ignore(Effect.timeout(published, commitTimeout)) : undefined
      })
    })
  }

  /** Begins the next group, since a publish has ended. */
  private readonly ended: Effect.Effect<void> = Effect.suspend(() => {
    const group = this.take()
    const [first] = group
    if (first === undefined) {
      this.underWay--
      return Effect.void
    }
    return Effect.asVoid(
      Effect.forkDetach(Effect.andThen(asCaller(first, this.run(group)), this.ended), { startImmediately: true })
    )
  })

  private take(): ReadonlyArray<PublishMember> {
    if (this.waiting.length === 0) return []
    const waiting = this.waiting.filter(({ state }) => state === "waiting")
    const [next = []] = this.options.chunks(waiting.map(({ message }) => message))
    this.waiting = waiting.slice(next.length)
    const group = waiting.slice(0, next.length)
    for (const member of group) member.state = "begun"
    return group
  }

  /** Publishes the messages of a group, and tells each caller. */
  private run(group: ReadonlyArray<PublishMember>): Effect.Effect<void> {
    return Effect.flatMap(Effect.exit(this.options.insert(group.map(({ message }) => message))), (exit) => {
      if (group.length > 1 && isRefused(exit)) return this.runApart(group)
      for (const { done } of group) Deferred.doneUnsafe(done, exit)
      return Effect.void
    })
  }

  /**
   * Publishes each message by itself. If the database then becomes unavailable, the callers of all others get that
   * failure at once, since each try would wait as long again.
   */
  private runApart(group: ReadonlyArray<PublishMember>): Effect.Effect<void> {
    const { insert, mostUnderWay: concurrency } = this.options
    let last: Exit.Exit<void, SqlError> = Exit.void
    const publish = (member: PublishMember) => {
      const left = last._tag === "Failure" || member.state === "withdrawn"
      const published = left ? Effect.succeed(last) : Effect.exit(asCaller(member, insert([member.message])))
      return Effect.map(published, (exit) => {
        if (exit._tag === "Failure" && !isRefused(exit)) last = exit
        Deferred.doneUnsafe(member.done, exit)
      })
    }
    return Effect.forEach(group, (member) => Effect.suspend(() => publish(member)), { concurrency, discard: true })
  }
}

const asCaller = <A, E>({ context }: PublishMember, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.updateContext<never, never>(() => context)(effect)

const isRefused = (exit: Exit.Exit<void, SqlError>): boolean => {
  if (exit._tag === "Success") return false
  const error = PgFailure.sqlErrorIn(exit.cause)
  return error !== undefined && PgFailure.isRefused(error)
}
