/**
 * Uses `Inbox.once` behind an HTTP idempotency key. Needs `DATABASE_URL`.
 *
 * A client that repeats its request gets the first response again, and the order is placed once.
 * The order, the response and the key commit together.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { SqlClient } from "effect/sql"
import { Inbox } from "millrace"
import { Postgres } from "millrace/postgres"

const Placed = Schema.Struct({ order: Schema.Int, cents: Schema.Int })

const place = (cents: number) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const [order] = yield* sql<{ id: number }>`insert into orders (cents) values (${cents}) returning id`
    return { order: order!.id, cents }
  })

const routes = HttpRouter.add("POST", "/orders", (request) =>
  Effect.gen(function*() {
    const id = request.headers["idempotency-key"] ?? ""
    const body = yield* request.text
    const placed = yield* Inbox.once({ consumer: "orders-api", id, payload: body }, place(Number(body)), {
      result: Placed,
      whileBusy: "refuse"
    })
    return yield* HttpServerResponse.json(placed)
  }).pipe(
    // Each is a typed error that says what to do.
    Effect.catchTags({
      InvalidId: (error) => Effect.succeed(HttpServerResponse.text(error.message, { status: 400 })),
      IdempotencyConflict: () =>
        Effect.succeed(HttpServerResponse.text("this key was used for another order", { status: 409 })),
      InProgress: () => Effect.succeed(HttpServerResponse.text("your first request is still at work", { status: 409 }))
    })
  ))

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table orders (id int generated always as identity, cents int not null)`
  const services = yield* Effect.context<SqlClient.SqlClient | Layer.Success<typeof Postgres.layerConfig>>()
  const { handler } = HttpRouter.toWebHandler(
    routes.pipe(Layer.provide(HttpServer.layerServices), Layer.provideMerge(Layer.succeedContext(services))),
    { disableLogger: true }
  )
  const post = (key: string, cents: string) =>
    Effect.promise(async () => {
      const headers = { "idempotency-key": key }
      const response = await handler(new Request("http://localhost/orders", { method: "POST", headers, body: cents }))
      return `${response.status} ${await response.text()}`
    })
  yield* Console.log(yield* post("k1", "500"))
  yield* Console.log(yield* post("k1", "500")) // the same response, no second order
  yield* Console.log(yield* post("k1", "900")) // the same key for something else
  yield* Console.log(`${(yield* sql`select from orders`).length} order`)
})

NodeRuntime.runMain(program.pipe(Effect.provide(Postgres.layerConfig)))

// Output:
// 200 {"order":1,"cents":500}
// 200 {"order":1,"cents":500}
// 409 this key was used for another order
// 1 order
