/**
 * `millrace messages dead-letter`: dead-letters a waiting message, so that it does not crash another worker.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { MessageNotWaiting } from "../../Errors.ts"
import { Operations } from "../../ops/Operations.ts"
import { connected } from "../frame/Connect.ts"
import { operator } from "../frame/GlobalSettings.ts"
import { messagesShow } from "../look/MessageCommand.ts"
import * as Options from "../look/Options.ts"
import { messagesList } from "../look/WaitingCommand.ts"
import * as Output from "../output/Output.ts"
import { dryRun } from "./DecideCommands.ts"
import { tell } from "./QueueCommands.ts"

/** Returns the key of a message: the given one, else that of the suspect with this id. */
const keyOf = Effect.fnUntraced(function*(consumer: string, id: string, given: string | undefined) {
  const operations = yield* Operations
  // This fails if there is no such consumer.
  const suspects = yield* operations.suspects(consumer)
  return given ?? suspects.find((one) => one.id === id)?.key
})

const deadLetter = Effect.fnUntraced(function*(consumer: string, id: string, given: string | undefined, dry: boolean) {
  const operations = yield* Operations
  const key = yield* keyOf(consumer, id, given)
  const action = yield* operator
  if (dry) {
    const { consumers } = yield* operations.find(id, { key: key ?? id })
    const queue = consumers.find((one) => one.consumer === consumer)?.queue
    if (queue === undefined) return yield* new MessageNotWaiting({ consumer, id, key: key ?? id })
    return yield* tell(
      true,
      { action: "deadLettered", consumer, id, key: queue.key },
      `dead-lettered message ${id} of key ${queue.key} of ${consumer}. It was in flight in ${queue.crashCount} crashes.`
    )
  }
  const deadLetterId = yield* operations.deadLetterMessage(consumer, { id, key }, action)
  if (deadLetterId === undefined) {
    return yield* tell(
      false,
      { action: "dropped", consumer, id },
      `dropped message ${id} of ${consumer}: it was a duplicate, whose effects are committed.`
    )
  }
  yield* tell(
    false,
    { action: "deadLettered", consumer, id, deadLetterId },
    `dead-lettered message ${id} of ${consumer}: ${Options.shortId(deadLetterId)}.`
  )
  yield* Output.hint(`next: millrace dead show ${Options.numberOf(deadLetterId)}   (then redrive, edit or discard it)`)
})

const deadLetterCommand = Command.make(
  "dead-letter",
  {
    consumer: Options.argument("consumer", "The consumer"),
    id: Options.argument("id", "The id of the message, as `millrace workers suspects` shows it"),
    key: Options.text("key", "key", "The key of the message. Default: that of the suspect with this id, else no key"),
    dryRun
  },
  ({ consumer, dryRun, id, key }) => connected(deadLetter(consumer, id, Option.getOrUndefined(key), dryRun))
).pipe(Command.withDescription("Dead-letter a waiting message, for example a suspect of a crash loop"))

/** The commands of `millrace messages`. */
export const messages = Command.make("messages").pipe(
  Command.withDescription("Waiting messages"),
  Command.withSubcommands([messagesList, messagesShow, deadLetterCommand])
)
