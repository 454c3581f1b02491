/**
 * The facts about the database, as JSON.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Count, maybe, Time } from "./Answer.ts"

/**
 * Makes the Schema of a fact that only some roles of the database see.
 *
 * @since 0.1.0
 */
export const Visible = <S extends Schema.Top>(value: S) =>
  Schema.Union([
    Schema.TaggedStruct("Visible", { value }),
    Schema.TaggedStruct("NotVisible", { reason: Schema.String })
  ])

/**
 * A session of the database.
 *
 * @since 0.1.0
 */
export const Session = Schema.Struct({
  pid: Schema.Finite,
  user: Schema.String,
  application: Schema.String,
  client: Schema.String,
  state: Schema.String,
  query: Visible(Schema.String),
  transactionMillis: maybe(Schema.Finite),
  stateMillis: maybe(Schema.Finite)
})

/**
 * A session that waits for a lock, and the session that has it.
 *
 * @since 0.1.0
 */
export const Blocker = Schema.Struct({
  waits: Session,
  waitsMillis: Schema.Finite,
  lock: Schema.String,
  by: Session
})

const SnapshotOwner = Schema.Struct({
  kind: Schema.Literals(["session", "replication slot", "prepared transaction"]),
  name: Schema.String,
  session: maybe(Session),
  transactionsAgo: Schema.Finite,
  millis: maybe(Schema.Finite)
})

const Storage = Schema.Struct({
  databaseBytes: Visible(Schema.Finite),
  tables: Schema.Array(Schema.Struct({
    table: Schema.String,
    bytes: Schema.Finite,
    rows: Count,
    deadRows: Count,
    vacuumedAt: maybe(Time)
  })),
  walBytes: Visible(Schema.Finite),
  slots: Schema.Array(Schema.Struct({ slot: Schema.String, active: Schema.Boolean, keptBytes: Schema.Finite }))
})

/**
 * The session that blocks a commit, the owner of the oldest snapshot, and the used room.
 *
 * @since 0.1.0
 */
export const Database = Schema.Struct({
  blockers: Schema.Array(Blocker),
  /** Absent if nothing keeps a snapshot. */
  oldestSnapshot: maybe(Visible(SnapshotOwner)),
  storage: Storage
})
