/** A process that runs one effect under an id on Redis, and says when the effect begins and ends. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import { Inbox } from "millrace"
import { RedisConnection, RedisInbox } from "millrace/redis"
import { given } from "../harness/given.ts"

export interface Setup {
  readonly url: string
  readonly prefix: string
  readonly markerMillis: number
  readonly workMillis: number
}

const setup = given<Setup>()
if (setup !== undefined) {
  const { markerMillis, prefix, url, workMillis } = setup
  const say = (line: string) => Effect.sync(() => console.log(line))
  const effect = say("begins").pipe(Effect.andThen(Effect.sleep(workMillis)), Effect.as("first"))
  const program = Inbox.once({ consumer: "mails", id: "m1" }, effect, {
    result: Schema.String,
    inbox: RedisInbox.RedisInbox
  }).pipe(
    Effect.matchEffect({ onFailure: ({ _tag }) => say(_tag), onSuccess: say }),
    Effect.provide(
      RedisInbox.layer({ marker: markerMillis, prefix }).pipe(Layer.provide(RedisConnection.layer(url)))
    )
  )
  await Effect.runPromise(Effect.provide(program, Logger.layer([])))
}
