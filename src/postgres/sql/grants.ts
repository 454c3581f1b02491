/**
 * The rights that each kind of process needs where the tables exist already (`migrate: "check"`). No role gets the
 * right to create or to drop anything.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

/** The kinds of role. An operator and a worker can also publish. */
export const kinds = ["viewer", "publisher", "worker", "operator"] as const

export type Kind = typeof kinds[number]

const quoted = (role: string): string => `"${role.replaceAll("\"", "\"\"")}"`

/** Creates a role that others are granted, and without a login of its own. */
export const create = (role: string): string => `create role ${quoted(role)} nologin`

/** Returns the statements that grant a role everything that its kind needs, and nothing more. */
export const make = (t: Names, kind: Kind, role: string): ReadonlyArray<string> => {
  const to = quoted(role)
  const on = (rights: string, ...tables: ReadonlyArray<string>) => `grant ${rights} on ${tables.join(", ")} to ${to}`
  // The columns with `generated ... as identity` have sequences that Postgres uses without a right of the role.
  const sequences = `grant usage, select, update on sequence ${
    [t.messageSeq, t.deadLetterSeq, t.subscriptionsChanged].join(", ")
  } to ${to}`
  const look = [
    `grant usage on schema ${t.schema} to ${to}`,
    `grant select on all tables in schema ${t.schema} to ${to}`
  ]
  const call = (...functions: ReadonlyArray<string>) => `grant execute on function ${functions.join(", ")} to ${to}`
  switch (kind) {
    case "viewer":
      return look
    case "publisher":
      return [
        ...look,
        on("insert", t.messages, t.unrouted),
        on("insert, update, delete", t.delayed),
        on("update", t.consumers, t.subscriptions),
        sequences,
        call(t.publish, t.cancel)
      ]
    case "worker":
      return [
        ...look,
        on(
          "insert, update, delete",
          t.messages,
          t.lanes,
          t.holds,
          t.inbox,
          t.deadLetters,
          t.consumers,
          t.subscriptions,
          t.unrouted,
          t.delayed,
          t.workers,
          t.leases,
          t.unsettled,
          t.logs,
          t.series,
          t.serverLife,
          t.redriveRuns,
          t.redriveOutcomes
        ),
        // A redrive run writes entries, and retention deletes old ones.
        on("insert, update, delete", t.audit),
        sequences,
        call(t.publish, t.cancel)
      ]
    case "operator":
      return [
        ...look,
        // A step moves a message, and a suspect leaves the queue as a dead letter.
        on("insert, update, delete", t.messages),
        on("insert", t.deadLetters),
        on("insert, update", t.inbox, t.serverLife),
        on("insert, update, delete", t.holds),
        on("update", t.deadLetters, t.lanes, t.workers),
        // `Inbox.once` under a new name inserts that name. The HTTP API uses it for its Idempotency-Keys.
        on("insert, update", t.consumers),
        on("insert, update", t.redriveRuns, t.redriveOutcomes),
        on("insert", t.audit),
        sequences,
        call(t.publish, t.cancel, t.redrive, t.release, t.pause, t.resume)
      ]
  }
}
