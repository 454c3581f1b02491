/** Several topics in one key space: what happens to one account keeps its order, whichever topic it came by. */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import { Memory, Pipeline, Topic, Worker } from "millrace"

const Opened = Topic.make("account-opened", {
  schema: Schema.Struct({ account: Schema.String, owner: Schema.String }),
  key: (opened) => opened.account
})

const Paid = Topic.make("account-paid", {
  schema: Schema.Struct({ account: Schema.String, cents: Schema.Int }),
  key: (paid) => paid.account,
  id: "random" // two equal payments are two payments
})

const statement = Pipeline.fromAll([Opened, Paid], { consumer: "statement" }).pipe(
  Pipeline.tap((event) => {
    switch (event.topic) {
      case "account-opened":
        return Console.log(`${event.value.account} opened by ${event.value.owner}`)
      case "account-paid":
        return Console.log(`${event.value.account} ${event.value.cents} cents`)
    }
  })
)

const program = Effect.gen(function*() {
  yield* Topic.publish(Opened, { account: "a1", owner: "ada" })
  yield* Topic.publish(Paid, { account: "a1", cents: 500 })
  yield* Topic.publish(Paid, { account: "a1", cents: 500 })
  yield* Worker.drain(statement)
})

NodeRuntime.runMain(program.pipe(Effect.provide(Memory.layer)))

// Output:
// a1 opened by ada
// a1 500 cents
// a1 500 cents
