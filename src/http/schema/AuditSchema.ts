/**
 * The entries of the audit, as JSON. They have names and never payloads.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { actions } from "../../internal/store/AuditStore.ts"
import { Time } from "./Answer.ts"

/**
 * The kinds of operator action.
 *
 * @since 0.1.0
 */
export const Action = Schema.Literals(actions)

/**
 * One operator action. Fields that do not apply are empty.
 *
 * @since 0.1.0
 */
export const AuditEntry = Schema.Struct({
  id: Schema.String,
  at: Time,
  by: Schema.String,
  action: Action,
  consumer: Schema.String,
  deadLetterId: Schema.String,
  redriveRunId: Schema.String,
  topic: Schema.String,
  key: Schema.String,
  note: Schema.String,
  detail: Schema.String
})
