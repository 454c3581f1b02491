/**
 * Previews an edited payload, and redrives a dead letter with it, for a tool without the Schema.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { EditUndecodable } from "../../Errors.ts"
import { checked } from "../../internal/OperatorAction.ts"
import * as Message from "../../Message.ts"
import type { Store } from "../../Store.ts"
import * as Telemetry from "../../Telemetry.ts"
import * as EditPreview from "../EditPreview.ts"
import type { Operations } from "../Operations.ts"

const isJson = (text: string) => Effect.isSuccess(Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))(text))

export const make = (store: Store["Service"]): Pick<Operations["Service"], "previewEdit" | "redriveEdited"> => {
  /** Returns the dead letter, and what is wrong with an edit of it. */
  const look = Effect.fnUntraced(function*(deadLetterId: string, payload: string) {
    const { message } = yield* store.deadLetters.get(deadLetterId)
    const bad = Message.problem({ ...message, payload })
    const undecodable = (yield* isJson(payload))
      ? undefined
      : new EditUndecodable({ deadLetterId, topic: message.topic, issue: "the text is not JSON", where: "$" })
    return { message, problem: bad ?? undecodable }
  })
  return {
    previewEdit: (deadLetterId, payload) =>
      Effect.map(look(deadLetterId, payload), ({ message, problem }) => ({
        deadLetterId,
        diff: EditPreview.diff(message.payload, payload),
        problem: problem?.message
      })),
    redriveEdited: Effect.fnUntraced(function*(deadLetterId, { by, note, payload }) {
      yield* checked({ by, note })
      const { message, problem } = yield* look(deadLetterId, payload)
      if (problem !== undefined) return yield* problem
      yield* store.deadLetters.redrive(deadLetterId, { by, note }, { payload, version: message.version })
      yield* Telemetry.operatorAction("edited")
    })
  }
}
