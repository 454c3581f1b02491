/**
 * Publishes messages for later: a reminder an hour after the last change of a cart.
 *
 * Only one message waits under a name, and paying cancels it.
 * The program runs on `TestClock`, so that the hour passes at once. In production the database's clock decides.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Memory, Pipeline, Topic, Worker } from "millrace"

const Reminders = Topic.make("reminders", {
  schema: Schema.Struct({ cart: Schema.String, items: Schema.Int }),
  key: (reminder) => reminder.cart,
  id: "random"
})

const changed = (cart: string, items: number) =>
  Topic.publish(Reminders, { cart, items }, { delay: "1 hour", name: "abandoned" }) // replaces the one that waits
const paid = (cart: string) => Topic.cancel(Reminders, { key: cart, name: "abandoned" })

const mailer = Pipeline.from(Reminders, { consumer: "mailer" }).pipe(
  Pipeline.tap(({ cart, items }) => Console.log(`${items} things still wait in ${cart}`))
)

const program = Effect.gen(function*() {
  yield* changed("ada's cart", 1)
  yield* TestClock.adjust("30 minutes")
  yield* changed("ada's cart", 3)
  yield* changed("bob's cart", 2)
  yield* Console.log((yield* paid("bob's cart")) ? "cancelled bob's reminder" : "bob has no reminder")

  yield* TestClock.adjust("59 minutes")
  yield* Worker.drain(mailer)
  yield* Console.log("not yet")
  yield* TestClock.adjust("1 minute")
  yield* Worker.drain(mailer)
})

NodeRuntime.runMain(program.pipe(Effect.provide([Memory.layer, TestClock.layer()])))

// Output:
// cancelled bob's reminder
// not yet
// 3 things still wait in ada's cart
