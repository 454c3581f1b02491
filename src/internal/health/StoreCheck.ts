/**
 * The health check of the store: whether it permits this process to publish and to run its workers, and which queues
 * and topics nothing reads.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Neglected, Store } from "../../Store.ts"
import type { Check } from "./Check.ts"
import { degraded, ok } from "./CheckResults.ts"

/** The store's answer: the problem, or an empty text, and whether all queues have workers. */
interface Answer {
  readonly problem: string
  readonly routing: Check
}

const unanswered = (problem: string): Answer => ({
  problem,
  routing: degraded("It is not known whether all queues have workers, since the database cannot be reached.")
})

const quoted = (names: ReadonlyArray<string>): string => names.map((name) => `"${name}"`).join(", ")

const routing = ({ consumers, topics }: Neglected): Check => {
  const bad = [
    ...(consumers.length === 0
      ? []
      : [`Messages wait, and no worker lives in any process, for: ${quoted(consumers)}. Start one.`]),
    ...(topics.length === 0
      ? []
      : [`No consumer reads these topics, and their messages wait: ${quoted(topics)}. Look for a typing error.`])
  ]
  return bad.length > 0
    ? degraded(bad.join(" "))
    : ok("Every queue with messages has a worker, and every published topic a consumer.")
}

/**
 * Checks that the store permits what this process does, and which queues have no worker. A refusal by the store has the
 * same result as a missing answer.
 *
 * The request runs in its own fiber. A driver may take seconds to cancel it, and the check must end within its timeout.
 * While one request is under way, no other one is sent.
 */
export const storeCheck = (
  store: Store["Service"],
  workers: ReadonlySet<unknown>,
  timeout: number
): Effect.Effect<{ readonly database: Check; readonly routing: Check }> => {
  let asking: Fiber.Fiber<Answer> | undefined
  const ping = Effect.suspend(() => store.checkAccess(workers.size > 0 ? "worker" : "publisher"))
  const routed = Effect.match(Effect.suspend(() => store.consumers.neglected), {
    onSuccess: routing,
    onFailure: (error) => degraded(`It is not known whether all queues have workers. ${error.message}`)
  })
  const ask: Effect.Effect<Answer> = Effect.matchCause(Effect.andThen(ping, routed), {
    onSuccess: (routing) => ({ problem: "", routing }),
    onFailure: (cause) =>
      unanswered(cause.reasons.map((reason) => reason._tag === "Fail" ? reason.error.message : "It broke.")[0]!)
  })
  const asked = Effect.suspend(() =>
    asking !== undefined && asking.pollUnsafe() === undefined
      ? Effect.succeed(asking)
      : Effect.tap(Effect.forkDetach(ask), (fiber) =>
        Effect.sync(() => {
          asking = fiber
        }))
  )
  return Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const began = clock.monotonicTimeNanosUnsafe()
    const fiber = yield* asked
    const late = unanswered(`It did not answer within ${timeout} ms.`)
    const answer = yield* Effect.timeoutOrElse(
      Effect.map(Fiber.await(fiber), (exit) => exit._tag === "Success" ? exit.value : late),
      {
        duration: timeout,
        orElse: () =>
          Effect.sync(() => {
            fiber.interruptUnsafe()
            return late
          })
      }
    )
    const millis = Math.round(Number(clock.monotonicTimeNanosUnsafe() - began) / 1e6)
    const database: Check = answer.problem === ""
      ? ok(`The database (${store.engine}) answered in ${millis} ms.`)
      : { status: "down", reason: `The database (${store.engine}) cannot be reached. ${answer.problem}` }
    return { database, routing: answer.routing }
  })
}
