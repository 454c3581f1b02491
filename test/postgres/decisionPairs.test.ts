/**
 * Pairs of operator actions, or of an operator and a worker, on the parked dead letters of one key at the same time.
 * Each runs in a transaction of each level.
 *
 * The key is parked exactly while one of its parked dead letters is open. A refused action fails with a typed error.
 */
import { assert, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, type Delivery, Hold, Message, Store, type Transport } from "millrace"
import { at, type Level, levels, postgresAt } from "./isolationLevels.ts"
import { eventually, freshSchema, open, register } from "./kit.ts"

const schema = freshSchema()
const by = { by: "ann" }

/** One of a key's two dead letters, and a message of the key that a worker has in flight. */
interface Pair {
  readonly consumer: string
  readonly key: string
  readonly id: string
  readonly deadLetterId: string
  readonly sub: Transport.Subscription
  readonly inHand: Delivery.Delivery
}

/** An operator action, and the state of the dead letter before and after it. */
interface ActionCase {
  readonly run: (pair: Pair) => Effect.Effect<unknown, { readonly _tag: string }, Store.Store>
  readonly from: "open" | "discarded"
  readonly to: string
}

const entry = (delivery: Delivery.Delivery) => ({
  delivery,
  reason: "exhausted" as const,
  attempts: [],
  fingerprint: "f",
  parked: true
})

const resume: ActionCase = {
  run: ({ consumer, key }) => Consumers.resumeKey(consumer, key, by),
  from: "open",
  to: "open"
}

const actions: Readonly<Record<string, ActionCase>> = {
  redrive: { run: ({ deadLetterId }) => DeadLetters.redrive(deadLetterId, by), from: "open", to: "redriving" },
  redriveEdited: {
    run: ({ deadLetterId }) =>
      Store.Store.use((store) => store.deadLetters.redrive(deadLetterId, by, { payload: `{"a":1}`, version: 1 })),
    from: "open",
    to: "redriving"
  },
  discard: { run: ({ deadLetterId }) => DeadLetters.discard(deadLetterId, by), from: "open", to: "discarded" },
  restore: { run: ({ deadLetterId }) => DeadLetters.restore(deadLetterId, by), from: "discarded", to: "open" },
  release: { run: ({ deadLetterId }) => DeadLetters.release(deadLetterId, by), from: "open", to: "open" },
  redriveAll: {
    run: ({ consumer, id }) => DeadLetters.redriveAll({ consumer, id }, by),
    from: "open",
    to: "redriving"
  },
  discardAll: {
    run: ({ consumer, id }) => DeadLetters.discardAll({ consumer, id }, by),
    from: "open",
    to: "discarded"
  },
  resumeKey: resume
}

/** Another message of the key dies meanwhile, in a worker's transaction. */
const death: ActionCase = {
  run: ({ consumer, inHand, sub }) =>
    Store.Store.use((store) =>
      sub.whileNotReading(
        inHand,
        store.transact(Effect.gen(function*() {
          yield* sub.removeInTransaction([inHand])
          yield* store.deadLetters.add(consumer, [entry(inHand)])
          yield* sub.hold(inHand, [], Hold.parked)
        }))
      )
    ),
  from: "open",
  to: "open"
}

/** Keys with two parked dead letters and a third message in a worker's hands. */
const deadLetterPairs = Effect.fnUntraced(function*(consumer: string, keys: number) {
  const store = yield* Store.Store
  const sql = yield* SqlClient.SqlClient
  yield* register({ consumer, topics: [consumer] })
  const sub = yield* open("w", { consumer, topics: [consumer], lease: Duration.minutes(10) })
  const names = Array.from({ length: keys }, (_, i) => `k${i}`)
  const drafts = names.flatMap((key) =>
    [1, 2, 3].map((n) => ({ id: `${key}-${n}`, key, topic: consumer, payload: "{}" }))
  )
  yield* store.outbox.write(yield* Effect.forEach(drafts, Message.make))
  const got: Array<Delivery.Delivery> = []
  const room = { messages: 10_000, bytes: 1e8, perKey: 10 }
  while (got.length < drafts.length) yield* sub.take(room, (some) => got.push(...some))
  const dead = got.filter(({ message }) => !message.id.endsWith("-3"))
  const deadLetters = yield* store.transact(Effect.andThen(
    sub.removeInTransaction(dead),
    store.deadLetters.add(consumer, dead.map(entry))
  ))
  yield* sub.acknowledge(dead)
  yield* sql`insert into ${sql(`${schema}.holds`)} (queue_id, key, lane, until, from_seq)
    select distinct queue_id, key, lane, 'infinity'::timestamptz, 0 from ${sql(`${schema}.dead_letters`)} d
    where queue_id = (select id from ${sql(`${schema}.consumers`)} where name = ${consumer})`
  const letterOf = new Map(dead.map(({ message }, i) => [message.id, deadLetters[i]!]))
  return names.map((key): readonly [Pair, Pair] => {
    const inHand = got.find(({ message }) => message.id === `${key}-3`)!
    const pair = (id: string) => ({ consumer, key, id, deadLetterId: letterOf.get(id)!, sub, inHand })
    return [pair(`${key}-1`), pair(`${key}-2`)]
  })
})

/**
 * How the second one begins: with the first one's decision made and not committed, or with an older snapshot than its
 * commit.
 */
type Start = "waits" | "comes late"

const waiting = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    (rows) => rows.length > 0
  ))

/** `undefined`: in a transaction that the library begins. */
const inside = <A, E, R>(level: Level | undefined, effect: Effect.Effect<A, E, R>) =>
  level === undefined ? effect : at(level, effect)

const race = Effect.fnUntraced(function*(
  [first, second]: readonly [
    Effect.Effect<unknown, unknown, Store.Store>,
    Effect.Effect<unknown, unknown, Store.Store>
  ],
  [one, other]: readonly [Level | undefined, Level | undefined],
  start: Start
) {
  const [decided, end, seen, go] = [
    yield* Deferred.make<void>(),
    yield* Deferred.make<void>(),
    yield* Deferred.make<void>(),
    yield* Deferred.make<void>()
  ]
  const a = Effect.exit(inside(
    one,
    Effect.andThen(Effect.ensuring(first, Deferred.succeed(decided, undefined)), Deferred.await(end))
  ))
  const b = Effect.exit(inside(
    other,
    Effect.andThen(Effect.andThen(Deferred.succeed(seen, undefined), Deferred.await(go)), second)
  ))
  if (start === "comes late") {
    const late = yield* Effect.forkChild(b)
    yield* Deferred.await(seen)
    yield* Deferred.succeed(end, undefined)
    const done = yield* a
    yield* Deferred.succeed(go, undefined)
    return [done, yield* Fiber.join(late)] as const
  }
  const holds = yield* Effect.forkChild(a)
  yield* Deferred.await(decided)
  yield* Deferred.succeed(go, undefined)
  const waits = yield* Effect.forkChild(b)
  yield* eventually(Effect.map(waiting, (yes) => yes || waits.pollUnsafe() !== undefined))
  yield* Deferred.succeed(end, undefined)
  return [yield* Fiber.join(holds), yield* Fiber.join(waits)] as const
})

/**
 * The errors of a refused action: its dead letter was decided about, or its transaction must be run again, at the
 * latest by its COMMIT.
 */
const refusals = ["DeadLetterConflict", "PauseConflict", "StoreFailure", "SqlError"]
const tagOf = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isSuccess(exit) ? "done" : String((Exit.findErrorOption(exit) as { value?: { _tag: string } }).value?._tag)

const state = (pair: Pair) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ parked: boolean; open: number; state: string }>`select d.state,
        exists (select from ${
        sql(`${schema}.holds`)
      } h where h.queue_id = d.queue_id and h.key = d.key and h.until = 'infinity') as parked,
        (select count(*)::int from ${sql(`${schema}.dead_letters`)} o where o.queue_id = d.queue_id and o.key = d.key
          and o.parked and o.state = 'open') as open
        from ${sql(`${schema}.dead_letters`)} d where d.id = ${Number(pair.deadLetterId)}`,
      ([row]) => row!
    ))

/** All of them, and what is wrong with each. */
const wrongOf = Effect.fnUntraced(function*(
  consumer: string,
  cases: ReadonlyArray<{
    readonly name: string
    readonly actions: readonly [ActionCase, ActionCase]
    readonly levels: readonly [Level | undefined, Level | undefined]
    readonly start: Start
  }>
) {
  const pairs = yield* deadLetterPairs(consumer, cases.length)
  const wrong: Array<string> = []
  for (const [i, { actions, levels, name, start }] of cases.entries()) {
    const pair = pairs[i]!
    for (const n of [0, 1] as const) {
      if (actions[n].from === "discarded") yield* DeadLetters.discard(pair[n].deadLetterId, by)
    }
    const exits = yield* race([actions[0].run(pair[0]), actions[1].run(pair[1])], levels, start)
    const tags = exits.map(tagOf)
    const [one, two] = [yield* state(pair[0]), yield* state(pair[1])]
    const typed = tags.every((tag) => tag === "done" || refusals.includes(tag))
    const kept = [one, two].every(({ state }, n) => state === (tags[n] === "done" ? actions[n]!.to : actions[n]!.from))
    // At READ COMMITTED, which a transaction of the library is always, nothing has to be run again.
    const right = levels.every((level, n) =>
      (level !== undefined && level !== "read committed") || ["done", "PauseConflict"].includes(tags[n]!)
    )
    const invariant = one.parked === one.open > 0
    if (typed && kept && right && invariant) continue
    wrong.push(
      `${name}, ${levels.join(" / ")}, ${start}: ${tags.join(" / ")}, ${one.state} / ${two.state}, ${one.open} open, ${
        one.parked ? "parked" : "free"
      }`
    )
  }
  return wrong
})

const all: ReadonlyArray<readonly [name: string, ActionCase]> = Object.entries(actions)

layer(postgresAt("repeatable read", schema), { excludeTestServices: true })(
  "two decisions about the parked dead letters of one key",
  (it) => {
    it.effect("free a key that is parked behind no open dead letter, unless a message of it dies meanwhile", () =>
      Effect.gen(function*() {
        const pairs = yield* deadLetterPairs("stray", 2)
        const sql = yield* SqlClient.SqlClient
        // No decision does that any more. A database may have such keys from before.
        yield* sql`update ${sql(`${schema}.dead_letters`)} set state = 'discarded' where queue_id = (
          select id from ${sql(`${schema}.consumers`)} where name = 'stray')`
        const [[free], [dies]] = [pairs[0]!, pairs[1]!]
        assert.deepStrictEqual(yield* state(free), { state: "discarded", parked: true, open: 0 })
        yield* resume.run(free)
        assert.deepStrictEqual(yield* state(free), { state: "discarded", parked: false, open: 0 })
        const exits = yield* race([death.run(dies), resume.run(dies)], ["read committed", undefined], "waits")
        assert.deepStrictEqual(exits.map(tagOf), ["done", "PauseConflict"])
        assert.deepStrictEqual(yield* state(dies), { state: "discarded", parked: true, open: 1 })
      }).pipe(Effect.scoped))

    for (const level of levels) {
      for (const start of ["waits", "comes late"] as const) {
        it.effect(`at ${level}, when the second one ${start}, leave no key parked without an open dead letter`, () =>
          Effect.gen(function*() {
            const cases = all.flatMap(([first, one]) =>
              all.map(([second, other]) => ({
                name: `${first} and ${second}`,
                actions: [one, other] as const,
                levels: [level, level] as const,
                start
              }))
            )
            assert.deepStrictEqual(yield* wrongOf(`${level.slice(0, 3)}-${start.slice(0, 1)}`, cases), [])
          }).pipe(Effect.scoped))
      }

      it.effect(`at ${level} and in a transaction of the library leave no key parked without an open dead letter`, () =>
        Effect.gen(function*() {
          const cases = all.flatMap(([first, one]) =>
            [...all, ["death", death] as const].map(([second, other]) => ({
              name: `${first} and ${second}`,
              actions: [one, other] as const,
              levels: [level, undefined] as const,
              start: "waits" as const
            }))
          )
          assert.deepStrictEqual(yield* wrongOf(`${level.slice(0, 3)}-o`, cases), [])
        }).pipe(Effect.scoped))

      it.effect(`at ${level} when a message of the key has died since leave no key parked without an open dead letter`, () =>
        Effect.gen(function*() {
          const cases = all.map(([second, other]) => ({
            name: `death and ${second}`,
            actions: [death, other] as const,
            levels: [undefined, level] as const,
            start: "comes late" as const
          }))
          assert.deepStrictEqual(yield* wrongOf(`${level.slice(0, 3)}-d`, cases), [])
        }).pipe(Effect.scoped))
    }
  }
)
