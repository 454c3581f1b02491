/** Breaks of what a subscription to a broker or a log does beside settling: polls, renewals, memory, later commits. */
import type { Mutant } from "./types.ts"

const held = "src/internal/broker/Held.ts"
const worker = "test/sqs/sqsWorker.test.ts"
const model = "test/sqs/sqs-model-conformance.test.ts"

export const brokerSubscriptionMutants: ReadonlyArray<Mutant> = [
  {
    name: "brokers: a message that is handled at most once is acknowledged before its steps",
    guarantee: "order per key",
    file: "src/worker/attempt/Attempt.ts",
    from: "return Effect.ensuring(ran, forget([delivery]))",
    to: "return Effect.andThen(forget([delivery]), ran)",
    test: worker,
    named: "ends before another worker gets the next one of its key"
  },
  {
    name: "brokers: a commit after the one that took the message is refused",
    guarantee: "no loss",
    file: held,
    from: "return this.issued(receipt) && !Deferred.isDoneUnsafe(lease.lost)",
    to: "return this.issued(receipt) && Deferred.isDoneUnsafe(lease.lost)",
    test: model,
    named: "runs the steps and the commit of a message that is handled at most once"
  },
  {
    name: "brokers: a delivery is not known after its acknowledgement",
    guarantee: "no loss",
    file: "src/internal/broker/BrokerSubscription.ts",
    from: "deliveries.filter((delivery) => held.mayCommit(delivery))",
    to: "deliveries.filter((delivery) => held.of(delivery) !== undefined)",
    test: model,
    named: "still knows a delivery that was acknowledged"
  }
]
