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
  },
  {
    name: "brokers: the latch of a pause stays open",
    guarantee: "bounded",
    file: "src/internal/broker/BrokerSource.ts",
    from: "        seat.roomAgain.closeUnsafe()\n        if (lanes.paused()) return { handed: 0, moved: false }\n",
    to: "        if (lanes.paused()) return { handed: 0, moved: false }\n        seat.roomAgain.closeUnsafe()\n",
    test: "test/sqs/sqsIdle.test.ts",
    named: "also if a message of it ends during the pause"
  },
  {
    name: "log: the latch of a pause stays open",
    guarantee: "bounded",
    file: "src/postgres/queue/LogReader.ts",
    from: "      this.roomAgain.closeUnsafe()\n      if (this.paused) return { handed: 0, moved: false }\n",
    to: "      if (this.paused) return { handed: 0, moved: false }\n      this.roomAgain.closeUnsafe()\n",
    test: "test/redis/redisIdle.test.ts",
    named: "of a paused consumer with a backlog is read"
  },
  {
    name: "log: unread entries end each wait of a pause",
    guarantee: "bounded",
    file: "src/postgres/queue/LogSource.ts",
    from: "reader.paused ? reader.roomAgain.await : Effect.raceFirst",
    to: "false ? reader.roomAgain.await : Effect.raceFirst",
    test: "test/redis/redisIdle.test.ts",
    named: "of a paused consumer with a backlog is read"
  },
  {
    name: "brokers: short polls in a loop",
    guarantee: "bounded",
    file: "src/internal/broker/Polls.ts",
    from: "restUntil = found > 0 ? -Infinity : began + options.restMillis",
    to: "restUntil = -Infinity",
    test: "test/sqs/sqsIdle.test.ts",
    named: "is asked once for each idle poll with short polls"
  },
  {
    name: "sqs: a wait below a second taken for one that SQS does",
    guarantee: "bounded",
    file: "src/internal/broker/BrokerSubscription.ts",
    from: "const waitMillis = most - most % queue.waitUnitMillis",
    to: "const waitMillis = most",
    test: "test/sqs/sqsIdle.test.ts",
    named: "with a lease below three seconds"
  },
  {
    name: "brokers: a suspect with a lost lease becomes a dead letter",
    guarantee: "poison cannot block",
    file: "src/internal/broker/BrokerSubscription.ts",
    from:
      "const outlived = ({ lease, state }: Entry): boolean => Deferred.isDoneUnsafe(lease.lost) && state !== \"done\"",
    to: "const outlived = (_: Entry): boolean => false",
    test: worker,
    named: "has crashed nothing, if its step can be interrupted"
  },
  {
    name: "brokers: the mark of a suspect with a lost lease taken back after its end",
    guarantee: "poison cannot block",
    file: "src/internal/broker/BrokerSubscription.ts",
    from: "    yield* Effect.forkScoped(lost)\n",
    to: "",
    test: worker,
    named: "has crashed nothing, if its step cannot be interrupted"
  },
  {
    name: "brokers: a lost lease explains a later delivery",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/unsettled.ts",
    from: "and alone and explained < $3::int`",
    to: "and alone`",
    test: "test/postgres/conformance.test.ts",
    named: "explains the delivery of a message that ran alone"
  },
  {
    name: "brokers: a renewal arrives after its message was given back",
    guarantee: "graceful",
    file: "src/internal/broker/Seat.ts",
    from: "return Effect.ignore(Effect.timeout(onTheWay.none, renewing)).pipe(",
    to: "return Effect.void.pipe(",
    test: worker,
    named: "stays visible although a renewal of it is on its way"
  },
  {
    name: "brokers: a renewal whose sender has given up is not awaited",
    guarantee: "graceful",
    file: "src/internal/broker/BrokerRenewal.ts",
    from:
      "return Effect.flatMap(Effect.forkDetach(Effect.ensuring(requests, ended), { startImmediately: true }), Fiber.join)",
    to: "return Effect.ensuring(requests, ended)",
    test: worker,
    named: "stays visible although a renewal of it is on its way"
  },
  {
    name: "brokers: an entry that was refused for now is not given back",
    guarantee: "graceful",
    file: "src/internal/broker/Seat.ts",
    from: "return again.length === 0 ? Effect.void",
    to: "return again.length >= 0 ? Effect.void",
    test: worker,
    named: "is given back once more if SQS refused one entry"
  },
  {
    name: "brokers: renewed beyond the ceiling",
    guarantee: "one owner",
    file: "src/internal/broker/BrokerRenewal.ts",
    from: "millis: Math.min(leaseMillis, Math.max(0, hideable(queue, entry, now)))",
    to: "millis: leaseMillis",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "is kept until shortly before 12 hours"
  },
  {
    name: "brokers: a lease that ends a whole lease before the ceiling",
    guarantee: "bounded",
    file: "src/internal/broker/BrokerRenewal.ts",
    from: "const rest = left(one, now) - margin",
    to: "const rest = left(one, now) - leaseMillis",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "is kept until shortly before 12 hours"
  },
  {
    name: "brokers: a lease that does not end before the ceiling",
    guarantee: "one owner",
    file: "src/internal/broker/BrokerRenewal.ts",
    from: "return Effect.sync(() => held.lose(one, queue.ceilingReason))",
    to: "return Effect.void",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "is kept until shortly before 12 hours"
  },
  {
    name: "brokers: a round of polls that counts no bytes",
    guarantee: "bounded",
    file: "src/internal/broker/Polls.ts",
    from: "const messages = Math.min(wanted.messages, sizes.fitInto(wanted.bytes))",
    to: "const { messages } = wanted",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "receives no more bytes than the demand has room for"
  },
  {
    name: "brokers: waiting messages without a bound of their bytes",
    guarantee: "bounded",
    file: "src/internal/broker/Seat.ts",
    from: "waiting.reduce((sum, { bytes }) => sum + bytes, 0) >= wanted.bytes",
    to: "waiting.length < 0",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "receives nothing while the messages that wait for their keys"
  },
  {
    name: "log: waiting entries without a bound of their bytes",
    guarantee: "bounded",
    file: "src/postgres/queue/LogLane.ts",
    from: "if (this.leaving || (left <= 0 && this.#waiting > 0)) return 0",
    to: "if (this.leaving) return 0",
    test: "test/redis/logLane.test.ts",
    named: "as many bytes as it may keep"
  },
  {
    name: "log: a read that counts no bytes",
    guarantee: "bounded",
    file: "src/postgres/queue/LogLane.ts",
    from: "window - this.#entries.length, this.#sizes.fitInto(left))",
    to: "window - this.#entries.length)",
    test: "test/redis/logLane.test.ts",
    named: "reads more entries again when they are small"
  },
  {
    name: "brokers: a poll interrupted by one that fails beside it",
    guarantee: "no loss",
    file: "src/internal/broker/Polls.ts",
    from: "yield* Effect.flatMap(Effect.forkDetach(request, { startImmediately: true }), Fiber.join)",
    to: "yield* request",
    test: "test/sqs/polls.test.ts",
    named: "ends, although a poll beside it fails"
  },
  {
    name: "brokers: fibers of failed attempts to open left behind",
    guarantee: "bounded",
    file: "src/worker/start/Stages.ts",
    from: "patiently(Opening.whole(opened))",
    to: "patiently(opened)",
    test: "test/worker/startsAway.test.ts",
    named: "leaves nothing behind of an attempt that failed"
  },
  {
    name: "redis: ten connections for reads that wait",
    guarantee: "bounded",
    file: "src/redis/RedisConnection.ts",
    from: "      maxConnections,\n",
    to: "",
    test: "test/redis/connections.test.ts",
    named: "each of many reads that wait has a connection"
  }
]
