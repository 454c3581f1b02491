/**
 * `millrace find`: whether one message was handled, and where it is.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Operations } from "../../ops/Operations.ts"
import { CliFailure } from "../frame/CliFailure.ts"
import { connected } from "../frame/Connect.ts"
import * as Output from "../output/Output.ts"
import { auditTable } from "./AuditCommand.ts"
import * as Options from "./Options.ts"

export const find = Command.make(
  "find",
  {
    id: Options.argument("id", "The id of the message"),
    key: Options.text("key", "key", "The key of the message. With it, a long queue is searched faster and to its end")
  },
  ({ id, key }) =>
    Effect.gen(function*() {
      const found = yield* connected(
        Effect.flatMap(Operations, (operations) => operations.find(id, { key: Option.getOrUndefined(key) }))
      )
      if (!found.known) {
        return yield* new CliFailure({
          reason: "notFound",
          type: "message-not-found",
          message: [`Message ${JSON.stringify(id)}:`, ...found.sentences].join("\n"),
          fields: { id, searchedAll: found.searchedAll }
        })
      }
      yield* Output.emit({
        data: found,
        lines: [
          ...found.sentences.map((sentence) => Output.line(sentence)),
          ...(found.audit.length === 0 ? [] : [Output.line(""), ...auditTable(found.audit)])
        ]
      })
    })
).pipe(
  Command.withDescription("Say whether a message was handled: queue, hold, inbox, dead letter and audit in one answer")
)
