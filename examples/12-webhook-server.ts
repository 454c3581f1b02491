/**
 * A long-lived server that receives GitHub's webhooks and processes them in the same process.
 *
 * It checks `X-Hub-Signature-256`, publishes, serves its health and metrics, and stops gracefully on SIGTERM.
 * Needs `DATABASE_URL`. Start it, and send it a webhook:
 *
 * ```sh
 * body='{"repository":{"full_name":"ada/engine"},"action":"opened"}'
 * curl -i localhost:3000/webhooks -d "$body" -H 'X-GitHub-Delivery: 1' -H 'X-GitHub-Event: issues' \
 *   -H "X-Hub-Signature-256: sha256=$(printf %s "$body" | openssl dgst -sha256 -hmac secret -r | cut -d' ' -f1)"
 * curl localhost:3000/health
 * ```
 */
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Effect, Layer, Redacted, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { SqlClient } from "effect/sql"
import { Health, Pipeline, Telemetry, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { createHmac, timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"

const Webhooks = Topic.make("webhooks", {
  schema: Schema.Struct({
    delivery: Schema.String,
    event: Schema.String,
    body: Schema.Struct({ repository: Schema.Struct({ full_name: Schema.String }) })
  }),
  key: (webhook) => webhook.body.repository.full_name, // in order per repository
  id: (webhook) => webhook.delivery // GitHub redelivers under the same id
})

const activity = Pipeline.from(Webhooks, { consumer: "activity" }).pipe(
  Pipeline.commitSql((webhook, sql) =>
    sql`insert into activity (repository, event) values (${webhook.body.repository.full_name}, ${webhook.event})`
  ),
  Pipeline.deadLetter({ order: "park" })
)

const isSigned = (secret: Redacted.Redacted, body: string, signature: string): boolean => {
  const expected = Buffer.from(`sha256=${createHmac("sha256", Redacted.value(secret)).update(body).digest("hex")}`)
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

const decodeBody = Schema.decodeEffect(Schema.fromJsonString(Webhooks.schema.fields.body))

const webhooks = HttpRouter.use(Effect.fn(function*(router) {
  const secret = yield* Config.Redacted("WEBHOOK_SECRET").pipe(Config.withDefault(Redacted.make("secret")))
  yield* router.add("POST", "/webhooks", (request) =>
    Effect.gen(function*() {
      const text = yield* request.text
      const header = (name: string) => request.headers[name] ?? ""
      if (!isSigned(secret, text, header("x-hub-signature-256"))) return HttpServerResponse.empty({ status: 401 })
      const body = yield* decodeBody(text)
      const delivery = header("x-github-delivery")
      // The response follows the commit, and from then on the message is not lost.
      yield* Topic.publish(Webhooks, { delivery, event: header("x-github-event"), body })
      return HttpServerResponse.empty({ status: 202 })
    }).pipe(Effect.catchTags({
      SchemaError: () => Effect.succeed(HttpServerResponse.text("not a webhook", { status: 400 })),
      InvalidMessage: (error) => Effect.succeed(HttpServerResponse.text(error.message, { status: 400 })),
      // GitHub lets its user redeliver later.
      StoreFailure: () => Effect.succeed(HttpServerResponse.empty({ status: 503 }))
    })))
  // Any response shows that the process lives. A restart would not bring an unavailable database back.
  yield* router.add("GET", "/live", HttpServerResponse.empty())
  yield* router.add(
    "GET",
    "/health",
    Health.Health.use((health) =>
      Effect.flatMap(
        health.report,
        (report) => HttpServerResponse.json(report, { status: report.status === "down" ? 503 : 200 })
      )
    )
  )
}))

const table = Layer.effectDiscard(
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`create table if not exists activity (repository text not null, event text not null)`
  )
)

const server = Layer.unwrap(Effect.gen(function*() {
  const port = yield* Config.Int("PORT").pipe(Config.withDefault(3000))
  return NodeHttpServer.layer(createServer, { port })
}))

const routes = Layer.merge(webhooks, PrometheusMetrics.layerHttp({ metricNameMapper: Telemetry.prometheusName }))

const app = Layer.merge(HttpRouter.serve(routes).pipe(Layer.provide(server)), Worker.layer(activity)).pipe(
  Layer.provide([Health.layer(), table]),
  Layer.provide(Postgres.layerConfig)
)

NodeRuntime.runMain(Worker.launch(app), { teardown: Worker.teardown })
