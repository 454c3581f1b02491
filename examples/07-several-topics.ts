/** Reads several topics in one key space. Messages of one account keep their order across the topics. */
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
  Pipeline.tap((message) => {
    switch (message.topic) {
      case "account-opened":
        return Console.log(`${message.value.account} opened by ${message.value.owner}`)
      case "account-paid":
        return Console.log(`${message.value.account} ${message.value.cents} cents`)
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
