/**
 * The part of the store that `DeadLetters`, `Consumers` and `Audit` use, on a server.
 *
 * Nothing else of the store is there. No worker and no publisher can run on the HTTP API, and what they need fails with
 * a `StoreFailure`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Query } from "../../DeadLetter.ts"
import { CommitRejected, StoreFailure } from "../../Errors.ts"
import type { Store } from "../../Store.ts"
import { onDeadLetter } from "./HttpActions.ts"
import { cursorAt, dataOf, given, queryOf, type Whole, wholeOf } from "./HttpFacts.ts"
import type { ServerCalls } from "./ServerCalls.ts"

type Service = Store["Service"]

const missing = (operation: string) =>
  Effect.fail(
    new StoreFailure({
      operation,
      kind: "refused",
      code: "",
      detail: "the HTTP API has facts and operator actions only",
      hint: "Use the database itself: Postgres.layer."
    })
  )

const noTransaction = new CommitRejected({
  code: "",
  detail: "the HTTP API has no transactions of a caller. Use the database itself: Postgres.layer"
})

/** The most elements of one page of the API. */
const mostOfPage = 200

const stateOf = (state: Query["state"]) => state ?? ("any" as const)

const reading = (calls: ServerCalls) => {
  const { ask } = calls
  const whole = wholeOf(calls)
  /** Returns undefined for a dead letter that retention deleted while its payload was asked for. */
  const kept = <A, R>(deadLetter: Effect.Effect<A, StoreFailure | { readonly _tag: "DeadLetterNotFound" }, R>) =>
    Effect.catchTag(deadLetter, "DeadLetterNotFound", () => Effect.undefined)
  const list: Service["deadLetters"]["list"] = ({ before, limit = 100, state, ...filter }) =>
    ask("list dead letters", {}, [], (client) =>
      Effect.flatMap(
        client.deadLetters.export({
          query: { ...queryOf(filter), state: stateOf(state), ...given({ before }), limit }
        }),
        Stream.runCollect
      )).pipe(
        Effect.flatMap(Effect.forEach((deadLetter) => kept(whole(deadLetter as Whole<typeof deadLetter>)))),
        Effect.map((deadLetters) => deadLetters.filter((one) => one !== undefined))
      )
  const get: Service["deadLetters"]["get"] = (deadLetterId) =>
    ask(
      "read a dead letter",
      { deadLetterId },
      ["DeadLetterNotFound"],
      (client) => dataOf(Effect.map(client.deadLetters.one({ params: { id: deadLetterId } }), ({ body }) => body))
    ).pipe(
      Effect.flatMap(whole)
    )
  const groups: Service["deadLetters"]["groups"] = ({ limit = 100, state = "open", ...filter }) =>
    ask(
      "group dead letters",
      {},
      [],
      (client) => dataOf(client.deadLetters.groups({ query: { ...queryOf(filter), state, limit } }))
    ).pipe(
      Effect.flatMap(
        Effect.forEach((group) =>
          Effect.map(kept(whole(group.sample)), (sample) => sample === undefined ? undefined : { ...group, sample })
        )
      ),
      Effect.map((all) => all.filter((one) => one !== undefined))
    )
  return { list, get, groups }
}

const deadLetters = (calls: ServerCalls): Service["deadLetters"] => {
  const { act, ask } = calls
  const decide = onDeadLetter(calls)
  return {
    ...reading(calls),
    add: () => missing("add dead letters"),
    redrive: (id, action, edit) =>
      edit === undefined
        ? decide(id, action, "redriven", [], (client, request, payload) =>
          client.deadLetters.redrive({ ...request, payload }))
        : missing("redrive with an edit"),
    discard: (id, action) =>
      decide(
        id,
        action,
        "discarded",
        [],
        (client, request, payload) => client.deadLetters.discard({ ...request, payload })
      ),
    restore: (id, action) =>
      decide(
        id,
        action,
        "restored",
        [],
        (client, request, payload) => client.deadLetters.restore({ ...request, payload })
      ),
    release: (id, action) =>
      decide(
        id,
        action,
        "released",
        [],
        (client, request, payload) => client.deadLetters.release({ ...request, payload })
      ),
    freeze: (filter) =>
      ask("freeze dead letters", {}, [], (client) => dataOf(client.previews.freeze({ payload: queryOf(filter) }))).pipe(
        Effect.map(({ deadLetters: count, filter: kept, set: cutoff }) => ({
          filter: kept,
          cutoff,
          deadLetters: count
        }))
      ),
    decideSome: (decision, { cutoff }, { action, after, most }) =>
      decision === "redriven"
        ? missing("redrive a set without a redrive run")
        : act("discard dead letters", action, {}, [], (client, headers, note) =>
          dataOf(client.previews.discardSome({
            params: { set: cutoff },
            headers,
            payload: { most, ...(after === "" ? {} : { after }), ...note }
          })))
  }
}

const audit = ({ ask }: ServerCalls): Service["audit"] => ({
  list: Effect.fnUntraced(function*({ about, action, before, by, consumer, deadLetterId, limit = 100, redriveRunId }) {
    const query = given({ about, action, by, consumer, deadLetter: deadLetterId, run: redriveRunId })
    const page = (at: string | undefined, most: number) =>
      ask("read the audit", { consumer }, [], (client) =>
        dataOf(client.facts.audit({
          query: { ...query, ...cursorAt("audit", query, at === undefined ? undefined : [at]), limit: most }
        })))
    const all = [...yield* page(before, Math.min(limit, mostOfPage))]
    while (all.length < limit && all.length % mostOfPage === 0 && all.length > 0) {
      const more = yield* page(all.at(-1)!.id, Math.min(limit - all.length, mostOfPage))
      if (more.length === 0) break
      all.push(...more)
    }
    return all
  })
})

const consumers = ({ act }: ServerCalls): Service["consumers"] => ({
  register: () => missing("register a consumer"),
  status: () => missing("read the state of a queue"),
  record: () => missing("write a series"),
  neglected: missing("read the neglected consumers"),
  list: missing("count the messages of consumers"),
  get: () => missing("count the messages of a consumer"),
  heldKeys: () => missing("list held keys"),
  remove: () => missing("remove a consumer"),
  unsubscribe: () => missing("unsubscribe a consumer"),
  resumeDue: () => missing("end a pause"),
  pause: (consumer, { millis, ...action }) =>
    act(
      "pause a consumer",
      action,
      { consumer, asked: "paused" },
      ["ConsumerNotFound", "PauseConflict"],
      (client, headers, note) =>
        client.steering.pause({
          params: { consumer },
          headers,
          payload: { ...(millis === undefined ? {} : { seconds: millis / 1_000 }), ...note }
        })
    ).pipe(Effect.asVoid),
  resume: (consumer, action) =>
    act(
      "resume a consumer",
      action,
      { consumer, asked: "resumed" },
      ["ConsumerNotFound", "PauseConflict"],
      (client, headers, payload) => client.steering.resume({ params: { consumer }, headers, payload })
    ).pipe(Effect.asVoid),
  evict: (consumer, worker, action) =>
    act(
      "evict a worker",
      action,
      { consumer, worker },
      ["ConsumerNotFound", "WorkerNotFound"],
      (client, headers, payload) => dataOf(client.steering.evict({ params: { consumer, worker }, headers, payload }))
    ),
  pauseKey: (consumer, key, action) =>
    act(
      "pause a key",
      action,
      { consumer, key, asked: "paused" },
      ["ConsumerNotFound", "PauseConflict"],
      (client, headers, payload) => client.steering.pauseKey({ params: { consumer, key }, headers, payload })
    ).pipe(Effect.asVoid),
  resumeKey: (consumer, key, action) =>
    act(
      "resume a key",
      action,
      { consumer, key, asked: "resumed" },
      ["ConsumerNotFound", "PauseConflict"],
      (client, headers, payload) => client.steering.resumeKey({ params: { consumer, key }, headers, payload })
    ).pipe(Effect.asVoid)
})

/** Makes the store of a server. */
export const make = (calls: ServerCalls): Service => ({
  engine: "http",
  maxGroup: 1,
  maxTransactions: 1,
  deduplicationWindow: Duration.zero,
  joinsTransactions: () => false,
  transact: () => Effect.fail(noTransaction),
  savepoint: () => Effect.fail(noTransaction),
  inTransaction: Effect.succeed(false),
  checkAccess: (role) => missing(`check the rights of a ${role}`),
  notListeningMillis: () => 0,
  statements: Effect.undefined,
  inbox: {
    claim: () => missing("claim ids"),
    claimOnce: () => missing("claim an id"),
    storeResult: () => missing("store a result"),
    lookup: () => missing("look an id up"),
    watch: () => Effect.succeed(Effect.never)
  },
  outbox: { write: () => missing("publish"), cancel: () => missing("cancel a message") },
  leases: {
    claim: () => missing("claim a lease"),
    renew: () => missing("renew a lease"),
    release: () => missing("release a lease"),
    fence: () => missing("check a lease"),
    awaitRelease: () => Effect.succeed(Effect.never)
  },
  unsettled: {
    read: () => missing("read unsettled messages"),
    count: () => missing("count deliveries"),
    endAlone: () => missing("end the record of a message that runs alone"),
    hold: () => missing("hold a message"),
    settle: () => missing("settle messages")
  },
  deadLetters: deadLetters(calls),
  consumers: consumers(calls),
  audit: audit(calls)
})
