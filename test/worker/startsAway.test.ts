/**
 * A worker that starts while the store is away for a moment: it waits, as it would later. A permanent failure ends it
 * at once.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Errors, Pipeline } from "millrace"
import { logging } from "../ops/collectors.ts"
import { eventually, Journal, type Order, order, Orders, orders, ports, publish, start, stop } from "./support.ts"

const away = (kind: "unavailable" | "timeout" | "refused") =>
  new Errors.StoreFailure({ operation: "register", kind, code: "", detail: "the connection was reset", hint: "Wait." })
const cannotOpen = (kind: "temporary" | "permanent") =>
  new Errors.TransportError({ engine: "t", operation: "open", kind, detail: "the connection was reset" })

/** Registering and opening fail with these, one after the other, before they work. */
const failing = (
  registering: ReadonlyArray<Errors.StoreFailure>,
  opening: ReadonlyArray<Errors.TransportError> = []
) => {
  const left = { registering: [...registering], opening: [...opening] }
  return ports({
    store: (store) => ({
      consumers: {
        ...store.consumers,
        register: (asked) =>
          Effect.suspend(() => {
            const error = left.registering.shift()
            return error === undefined ? store.consumers.register(asked) : Effect.fail(error)
          })
      }
    }),
    transport: (transport) => ({
      open: (spec) =>
        Effect.suspend(() => {
          const error = left.opening.shift()
          return error === undefined ? transport.open(spec) : Effect.fail(error)
        })
    })
  })
}

describe("a worker that starts", () => {
  it.effect("waits for a store that is away for a moment, says so, and handles what is there", () => {
    const { layer, lines } = logging()
    const seen = new Journal<Order>()
    return Effect.gen(function*() {
      const worker = yield* start(Pipeline.from(Orders, { consumer: "c" }).pipe(Pipeline.tap(seen.write)))
      yield* publish(Orders, orders("a", 2))
      yield* eventually("both are handled", () => seen.size === 2)
      assert.lengthOf(lines.filter(({ message }) => message.startsWith("The worker has not started yet")), 3)
      yield* stop(worker)
    }).pipe(
      Effect.provide([failing([away("unavailable"), away("timeout")], [cannotOpen("temporary")]), layer])
    )
  })

  it.effect("leaves nothing behind of an attempt that failed", () => {
    const open = { now: 0 }
    let left = 3
    const half = ports({
      transport: (transport) => ({
        open: (spec) =>
          Effect.acquireRelease(Effect.sync(() => ++open.now), () => Effect.sync(() => --open.now)).pipe(
            Effect.andThen(
              Effect.suspend(() => left-- > 0 ? Effect.fail(cannotOpen("temporary")) : transport.open(spec))
            )
          )
      })
    })
    const seen = new Journal<Order>()
    return Effect.gen(function*() {
      const worker = yield* start(Pipeline.from(Orders, { consumer: "c" }).pipe(Pipeline.tap(seen.write)))
      yield* publish(Orders, orders("a", 2))
      yield* eventually("both are handled", () => seen.size === 2)
      assert.strictEqual(open.now, 1)
      yield* stop(worker)
      assert.strictEqual(open.now, 0)
    }).pipe(Effect.provide([half, logging().layer]))
  })

  it.effect.each(
    [
      { what: "a registration that is refused", layer: failing([away("refused")]) },
      { what: "a transport that permanently cannot be opened", layer: failing([], [cannotOpen("permanent")]) }
    ]
  )("ends at once with $what", ({ layer }) =>
    Effect.gen(function*() {
      const worker = yield* start(Pipeline.from(Orders, { consumer: "c" }).pipe(Pipeline.tap(() => Effect.void)))
      yield* publish(Orders, [order("a", 1)])
      yield* eventually("it has ended", () => worker.pollUnsafe()?._tag === "Failure", 1_000)
    }).pipe(Effect.provide(layer)))
})
