/**
 * The operator actions of `Operations` on keys, messages, failure groups, edits and queues, carried out by a server.
 */
import * as Effect from "effect/Effect"
import { DeadLetterConflict, type DeadLetterNotFound, NothingToAdvance, StoreFailure } from "../../Errors.ts"
import { checked } from "../../internal/OperatorAction.ts"
import type { Operations } from "../../ops/Operations.ts"
import type { OperatorAction } from "../../Store.ts"
import { dataOf, given } from "./HttpFacts.ts"
import type { ErrorOf, Known } from "./ServerAnswers.ts"
import { type ActionHeaders, checkedAction, type Client, type ServerCalls } from "./ServerCalls.ts"

type Actions = Pick<
  Operations["Service"],
  | "advanceKey"
  | "deadLetterMessage"
  | "noteFailure"
  | "importDeadLetters"
  | "previewPurge"
  | "purgeable"
  | "purge"
  | "previewEdit"
  | "redriveEdited"
>

/** How often an action is sent again, since what it is about changed after it was read. */
const most = 3

/** Returns the failure of what the HTTP API does not do. */
const onDatabaseOnly = (operation: string) =>
  new StoreFailure({
    operation,
    kind: "refused",
    code: "",
    detail: "the HTTP API neither exports nor imports whole messages",
    hint: "Use the database itself (DATABASE_URL)."
  })

/**
 * Makes the action on one dead letter. It is sent with the version that was read before (If-Match). If the dead letter
 * has changed since, it is read again, as an action on the database sees the present state.
 */
export const onDeadLetter = ({ act, ask }: ServerCalls) =>
  Effect.fnUntraced(function*<N extends Known = never>(
    deadLetterId: string,
    action: OperatorAction,
    asked: string,
    names: ReadonlyArray<N>,
    request: (
      client: Client,
      request: {
        readonly params: { readonly id: string }
        readonly headers: ActionHeaders & { readonly "if-match": string }
      },
      note: { readonly note?: string }
    ) => Effect.Effect<unknown, unknown>
  ): Effect.fn.Return<
    void,
    StoreFailure | DeadLetterNotFound | DeadLetterConflict | Exclude<ErrorOf<N>, { readonly _tag: "StaleVersion" }>
  > {
    const operation = `have a dead letter ${asked}`
    for (let left = most;; left--) {
      const seen = yield* ask(operation, { deadLetterId }, ["DeadLetterNotFound"], (client) =>
        client.deadLetters.one({ params: { id: deadLetterId } }))
      const { changedAt: at, changedBy: by, etag, message: { topic }, state } = seen.body.data
      const all = ["DeadLetterNotFound", "DeadLetterConflict", "StaleVersion", ...names] as const
      const done = yield* Effect.result(
        act(operation, action, { deadLetterId, asked, topic }, all, (client, headers, note) =>
          request(client, { params: { id: deadLetterId }, headers: { ...headers, "if-match": etag } }, note))
      )
      if (done._tag === "Success") {
        return
      }
      const { failure } = done
      if (failure._tag !== "StaleVersion") {
        return yield* Effect.fail(failure as Exclude<typeof failure, { readonly _tag: "StaleVersion" }>)
      }
      if (left === 0) {
        return yield* new DeadLetterConflict({ deadLetterId, asked, state, by, at })
      }
    }
  })

/** Lets the first message of a key through, as the server shows the key. */
const advanceKey = (calls: ServerCalls): Actions["advanceKey"] => {
  const { ask } = calls
  const act = checkedAction(calls)
  return Effect.fnUntraced(function*(consumer, key, action) {
    const operation = "advance a key"
    for (let left = most;; left--) {
      const seen = yield* ask(
        operation,
        { consumer, key },
        ["ConsumerNotFound", "KeyNotFound"],
        (client) => dataOf(client.keys.one({ params: { consumer, key } }))
      ).pipe(
        Effect.catchTag("KeyNotFound", () => Effect.fail(new NothingToAdvance({ consumer, key, held: false })))
      )
      const head = seen.held?.deadLetter?.id ?? seen.waiting[0]?.id
      if (seen.held === undefined || head === undefined) {
        return yield* new NothingToAdvance({ consumer, key, held: seen.held !== undefined })
      }
      const names = ["ConsumerNotFound", "NothingToAdvance", "StaleVersion"] satisfies ReadonlyArray<Known>
      const done = yield* Effect.result(
        act(
          operation,
          action,
          { consumer, key },
          names,
          (client, headers, note) =>
            dataOf(client.steering.advanceKey({ params: { consumer, key }, headers, payload: { head, ...note } }))
        )
      )
      if (done._tag === "Success") return done.success
      if (done.failure._tag !== "StaleVersion") return yield* done.failure
      // The head was handled in the meantime.
      if (left === 0) return yield* new NothingToAdvance({ consumer, key, held: true })
    }
  })
}

const edits = (calls: ServerCalls): Pick<Actions, "previewEdit" | "redriveEdited"> => {
  const decide = onDeadLetter(calls)
  return {
    previewEdit: (deadLetterId, payload) =>
      calls.ask(
        "preview an edit",
        { deadLetterId },
        ["DeadLetterNotFound"],
        (client) => dataOf(client.deadLetters.validate({ params: { id: deadLetterId }, payload: { payload } }))
      ).pipe(
        Effect.map(({ diff, issues: [issue] }) => ({ deadLetterId, diff, problem: issue?.message }))
      ),
    redriveEdited: (deadLetterId, action) =>
      Effect.andThen(
        checked(action),
        decide(deadLetterId, action, "redriven", ["PayloadInvalid", "KeyChanged"], (client, request, note) =>
          client.deadLetters.redrive({ ...request, payload: { payload: action.payload, ...note } }))
      )
  }
}

/** Makes the actions of a server. */
export const make = (calls: ServerCalls): Actions => {
  const { ask } = calls
  const act = checkedAction(calls)
  return {
    advanceKey: advanceKey(calls),
    deadLetterMessage: (consumer, { id, key }, action) =>
      act(
        "dead-letter a message",
        action,
        { consumer, messageId: id, key },
        ["ConsumerNotFound", "MessageNotWaiting"],
        (client, headers, note) =>
          dataOf(client.steering.deadLetter({
            params: { consumer, id },
            headers,
            payload: { ...given({ key }), ...note }
          }))
      ).pipe(Effect.map(({ deadLetterId }) => deadLetterId)),
    noteFailure: (consumer, fingerprint, action) =>
      act(
        "note something",
        action,
        { consumer, fingerprint },
        ["ConsumerNotFound"],
        (client, headers) =>
          client.failures.note({ params: { fingerprint }, headers, payload: { consumer, note: action.note } })
      ).pipe(
        Effect.asVoid
      ),
    importDeadLetters: () => Effect.fail(onDatabaseOnly("import dead letters")),
    purgeable: () => Effect.fail(onDatabaseOnly("export waiting messages")),
    previewPurge: (consumer) =>
      ask(
        "preview a purge",
        { consumer },
        ["ConsumerNotFound"],
        (client) => dataOf(client.previews.makePurge({ params: { consumer }, payload: {} }))
      ).pipe(
        Effect.map(({ consumer: name, messages, oldestAt, preview: cutoff, redriven }) => ({
          consumer: name,
          messages,
          oldestAt,
          redriven,
          cutoff
        }))
      ),
    purge: ({ consumer, cutoff }, action) =>
      act(
        "purge a queue",
        action,
        { consumer, expected: action.expect },
        ["ConsumerNotFound", "QueueChanged"],
        (client, headers, note) =>
          dataOf(client.previews.purge({
            params: { consumer },
            headers,
            payload: { preview: cutoff, confirm: consumer, expect: action.expect, ...note }
          }))
      ).pipe(Effect.map(({ purged }) => purged)),
    ...edits(calls)
  }
}
