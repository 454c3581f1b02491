/** Named leases on real connections: contenders, cut networks, frozen transactions, hand-over between pools. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Redacted, Scope } from "effect"
import { Lease, Store } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { proxy } from "../harness/proxy.ts"
import { freshSchema, postgres } from "./kit.ts"

const url = inject("databaseUrl")

/** Another process, as the database sees it: pools of its own on the same schema. */
const elsewhere = (schema: string, at = url, pooler = false) =>
  Effect.provide(Postgres.layer({ url: Redacted.make(at), schema, migrate: "check", pooler }))

describe("named leases on Postgres", { concurrent: true }, () => {
  it.live("two contenders: one leads at a time, and the other one follows as soon as it is given back", () => {
    const schema = freshSchema()
    return Effect.gen(function*() {
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(Lease.acquire("leader"), scope)
      const asks = Deferred.makeUnsafe<void>()
      // The poll is far away: what tells the other pool is the notification.
      const waiting = yield* Effect.forkChild(
        Effect.andThen(
          Deferred.succeed(asks, undefined),
          Lease.acquire("leader", { poll: "1 hour", duration: "1 hour" })
        )
          .pipe(Effect.map((lease) => lease.token), Effect.scoped, elsewhere(schema))
      )
      yield* Deferred.await(asks)
      yield* Effect.sleep("300 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* Scope.close(scope, Exit.void)
      assert.isTrue((yield* Effect.timeout(Fiber.join(waiting), "5 seconds")) > first.token)
    }).pipe(Effect.provide(postgres(url, {}, schema)))
  })

  it.live("a cut network: the work is interrupted before the next owner has the lease", () => {
    const schema = freshSchema()
    return Effect.gen(function*() {
      const order: Array<string> = []
      const front = yield* proxy(url)
      const leads = Deferred.makeUnsafe<void>()
      const work = Effect.andThen(Deferred.succeed(leads, undefined), Effect.never).pipe(
        Effect.onInterrupt(() => Effect.sync(() => order.push("stopped")))
      )
      const cut = yield* Effect.forkChild(
        Effect.flip(Lease.use("leader", () => work, { duration: "1500 millis" })).pipe(elsewhere(schema, front.url))
      )
      yield* Deferred.await(leads)
      front.swallow = () => true
      yield* Lease.use("leader", () => Effect.sync(() => order.push("next")), {
        duration: "1500 millis",
        poll: "20 millis"
      })
      assert.deepStrictEqual(order, ["stopped", "next"])
      // Not waited for: it still tries to give the lease back.
      assert.isDefined(cut)
    }).pipe(Effect.scoped, Effect.provide(postgres(url, {}, schema)))
  })

  it.live("a stale owner's write is refused by its token", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      const staleOwner = yield* Lease.acquire("leader", { duration: "10 seconds" })
      // As if it had been frozen: its time is over in the database, and it does not know.
      yield* store.leases.release("leader", staleOwner.holder)
      const successor = yield* Lease.acquire("leader", { wait: 0 })
      const wrote: Array<string> = []
      const write = (who: string) => Effect.sync(() => wrote.push(who))
      const error = yield* Effect.flip(Lease.fenced(staleOwner, write("staleOwner")))
      assert.strictEqual(error._tag, "LeaseLost")
      yield* Lease.fenced(successor, write("successor"))
      assert.deepStrictEqual(wrote, ["successor"])
    }).pipe(Effect.scoped, Effect.provide(postgres(url))))

  it.live("a fenced transaction that idles keeps the next owner away for one lease, and no longer", () => {
    const schema = freshSchema()
    return Effect.gen(function*() {
      const store = yield* Store.Store
      const looked = Deferred.makeUnsafe<bigint>()
      const frozen = yield* Effect.forkChild(Effect.exit(store.transact(Effect.gen(function*() {
        const { token } = yield* store.leases.claim("leader", "ann", 600)
        assert.isTrue(yield* store.leases.fence("leader", "ann", token!, 600))
        yield* Deferred.succeed(looked, token!)
        yield* Effect.sleep("30 seconds")
        return yield* store.leases.fence("leader", "ann", token!, 600)
      }))))
      const before = yield* Deferred.await(looked)
      const lease = yield* Effect.timeout(Lease.acquire("leader", { poll: "40 millis" }), "8 seconds")
      assert.isTrue(lease.token > before)
      yield* Fiber.interrupt(frozen)
    }).pipe(Effect.scoped, Effect.provide(postgres(url, {}, schema)))
  })

  it.live("works behind a pooler by looking again", () => {
    const schema = freshSchema()
    return Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.provide(Lease.acquire("leader"), scope)
      const waiting = yield* Effect.forkChild(
        Lease.acquire("leader", { poll: "50 millis" }).pipe(
          Effect.scoped,
          elsewhere(schema, url, true)
        )
      )
      yield* Effect.sleep("200 millis")
      yield* Scope.close(scope, Exit.void)
      yield* Effect.timeout(Fiber.join(waiting), "5 seconds")
    }).pipe(Effect.provide(postgres(url, {}, schema)))
  })
})
