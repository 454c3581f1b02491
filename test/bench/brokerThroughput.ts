/**
 * `npm run bench -- brokers`: a worker on SQS and on Redis, beside a bare consumer (`bareConsumers.ts`). It has the
 * same client and does the same inserts. The forms run in turn, and only their ratios count.
 *
 * The worker runs with one transaction for each message, and with group commit. The targets are 0.8 and 2 times the
 * bare consumer. A third form has an effect as its commit step, so its transactions are composed, one statement after
 * another. It has no target.
 *
 * The exit code is 1 if a target is missed. With `--short` the rounds are noise, so half of each target is enough. The
 * broker is a process of its own that keeps its messages in memory. No figure includes the publishing.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Redacted, References, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Transport, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { loadavg } from "node:os"
import { parseArgs } from "node:util"
import { type Broker, type Kind, kinds, lanes } from "../faults/brokers.ts"
import { emulator, newQueue } from "../faults/brokerServer.ts"
import * as BrokerTransport from "../faults/brokerTransport.ts"
import { installed, ownServer } from "../redis/redisServer.ts"
import { givenOrStarted } from "../setup/server.ts"
import * as Bare from "./bareConsumers.ts"
import { median } from "./figures.ts"

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: "boolean", default: false },
    messages: { type: "string" },
    rounds: { type: "string" },
    only: { type: "string" }
  }
})
const messages = Number(values.messages ?? (values.short ? 1000 : 4000))
const rounds = Number(values.rounds ?? (values.short ? 2 : 5))
const keys = 1000
const schema = "millrace_bench"
const targets = { "one transaction a message": 0.8, "group commit": 2 } as const

const composed = "one composed transaction a message"

type Form = "bare" | typeof composed | keyof typeof targets
const forms: ReadonlyArray<Form> = ["bare", composed, "one transaction a message", "group commit"]

const Payment = Schema.Struct({ id: Schema.String, key: Schema.String, amount: Schema.Int, pad: Schema.String })
const Payments = Topic.make("payments", { schema: Payment, key: (payment) => payment.key, id: (payment) => payment.id })

/** Makes a new queue, or new streams, on the server of a broker. */
type NewQueue = (name: string) => Effect.Effect<Broker>

const server = Effect.fnUntraced(function*(kind: Kind) {
  if (kind === "redis") {
    const { url } = yield* ownServer([])
    return (name: string) => Effect.succeed<Broker>({ kind, ordered: true, url, stream: name })
  }
  const { url } = yield* emulator()
  return (name: string) =>
    Effect.map(
      newQueue(url, name),
      (path): Broker => ({ kind, ordered: true, queueUrl: new URL(path, url).toString() })
    )
})

/** Publishes all messages to the broker, as a relay does. */
const published = Effect.gen(function*() {
  const transport = yield* Transport.Transport
  const payments = Array.from({ length: messages }, (_, i) => ({
    id: `m${i}`,
    key: `k${i * 7919 % keys}`,
    amount: i,
    pad: "x".repeat(150)
  }))
  yield* transport.publish(yield* Effect.forEach(payments, (payment) => Payments.encode(payment)))
})

const rows = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => Effect.map(sql<{ readonly n: number }>`select count(*)::int as n from millrace_ledger`, ([row]) => row!.n)
)

/** Runs a worker until the ledger has all rows. Returns when that was, since the graceful stop waits for a poll. */
const worker = Effect.fnUntraced(function*(consumer: string, form: Form) {
  let done = 0
  const insert = ({ amount, id, key }: typeof Payment.Type, sql: SqlClient.SqlClient) => {
    done++
    return sql`insert into millrace_ledger (message_id, key, amount) values (${id}, ${key}, ${amount})`
  }
  const messagesOf = Pipeline.from(Payments, { consumer }).pipe(Pipeline.group(form === "group commit" ? 250 : 1))
  const running = form === composed
    ? Worker.run(
      messagesOf.pipe(
        Pipeline.commit((payment) => Effect.flatMap(SqlClient.SqlClient, (sql) => insert(payment, sql)))
      )
    )
    : Worker.run(messagesOf.pipe(Pipeline.commitSql(insert)))
  const complete = Effect.suspend(() => done < messages ? Effect.succeed(0) : rows).pipe(
    Effect.repeat({ until: (n) => n === messages, schedule: Schedule.spaced("5 millis") }),
    Effect.map(() => performance.now())
  )
  const over = Effect.andThen(running, Effect.die("the worker has ended"))
  return yield* Effect.raceFirst(complete, over)
})

const bare = (broker: Broker) =>
  Effect.map(
    broker.kind === "sqs"
      ? Bare.sqs(messages, broker.queueUrl)
      : Bare.redis(messages, broker.url, broker.stream, lanes),
    () => performance.now()
  )

/** Returns the rate of one form on a new queue. */
const measured = Effect.fnUntraced(function*(form: Form, newBroker: NewQueue, name: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`drop table if exists millrace_ledger`
  yield* sql`create table millrace_ledger (id bigserial primary key, message_id text, key text, amount int)`
  const broker = yield* newBroker(name)
  const transport = yield* Layer.build(BrokerTransport.layer(broker))
  yield* Effect.provide(published, transport)
  const began = performance.now()
  const ended = yield* form === "bare" ? bare(broker) : Effect.provide(worker(name, form), transport)
  const n = yield* rows
  if (n !== messages) return yield* Effect.die(`the ledger has ${n} rows instead of ${messages}`)
  return messages / (ended - began) * 1000
}, Effect.scoped)

/** Runs all forms of a broker in turn. Returns the targets that it misses. */
const compared = Effect.fnUntraced(function*(kind: Kind) {
  const newBroker = yield* server(kind)
  const rates = new Map(forms.map((form) => [form, [] as Array<number>]))
  for (let round = 0; round <= rounds; round++) {
    for (const [i, form] of forms.entries()) {
      const rate = yield* measured(form, newBroker, `${kind}-${process.pid}-${round}-${i}`)
      // The first round warms up.
      if (round > 0) rates.get(form)!.push(rate)
    }
  }
  const of = (form: Form) => median(rates.get(form)!)
  const each = forms.map((form) => `${form} ${of(form).toFixed(0)}/s`).join(", ")
  yield* Console.log(`${kind}, medians of ${rounds} rounds of ${messages} messages: ${each}`)
  const missed: Array<string> = []
  yield* Console.log(`${kind}, ${composed} / bare consumer: ${(of(composed) / of("bare")).toFixed(2)}`)
  for (const form of Object.keys(targets) as ReadonlyArray<keyof typeof targets>) {
    const ratio = of(form) / of("bare")
    const least = values.short ? targets[form] / 2 : targets[form]
    const line = `${kind}, ${form} / bare consumer: ${ratio.toFixed(2)} (at least ${least})`
    yield* Console.log(line)
    if (ratio < least) missed.push(line)
  }
  return missed
})

const bench = Effect.gen(function*() {
  const missed: Array<string> = []
  for (const kind of kinds.filter((kind) => values.only === undefined || kind === values.only)) {
    if (kind === "redis" && !installed) missed.push("redis did not run: there is no redis-server on the path")
    else missed.push(...(yield* Effect.scoped(compared(kind))))
  }
  yield* Console.log(`load ${loadavg()[0]!.toFixed(1)}`)
  if (missed.length > 0) return yield* Effect.die(`missed: ${missed.join("; ")}`)
})

NodeRuntime.runMain(Effect.acquireUseRelease(
  Effect.promise(() => givenOrStarted()),
  ({ url }) =>
    Effect.provide(
      bench,
      Postgres.layer({ url: Redacted.make(url), schema }).pipe(
        Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "Error"))
      )
    ),
  (server) => Effect.promise(() => server.stop())
))
