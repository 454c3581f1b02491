/** The breaks of the transport on SQS. */
import type { Mutant } from "./types.ts"

const worker = "test/sqs/sqsWorker.test.ts"
const model = "test/sqs/fifoModel.test.ts"
const onPostgres = "test/sqs/sqsOnPostgres.test.ts"
const wire = "test/sqs/sqsWire.test.ts"
const failures = "test/sqs/sqsFailures.test.ts"
const message = "src/sqs/SqsMessage.ts"
const failure = "src/sqs/SqsFailure.ts"
const subscription = "src/internal/broker/BrokerSubscription.ts"
const seat = "src/internal/broker/Seat.ts"

export const sqsMutants: ReadonlyArray<Mutant> = [
  {
    name: "sqs: a delivery that was not settled is deleted at the broker",
    guarantee: "no loss",
    file: "src/worker/attempt/Disposition.ts",
    from: "(end) => end === undefined ? drop(delivery) : forget([delivery])",
    to: "() => forget([delivery])",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "is not deleted when it could not be dead-lettered"
  },
  {
    name: "sqs: deleted before the commit",
    guarantee: "no loss",
    file: subscription,
    from: "    const ours = deliveries.filter((delivery) => seat.held.of(delivery) !== undefined)\n",
    to: "    const ours = deliveries.filter((delivery) => seat.held.of(delivery) !== undefined)\n"
      + "    for (const one of ours) seat.acknowledger.add(seat.held.of(one)!)\n",
    test: model,
    named: "commit every message of a FIFO queue once"
  },
  {
    name: "sqs: ids recorded under a number that belongs to no consumer or another one",
    guarantee: "effectively once",
    file: "src/postgres/store/PgConsumers.ts",
    from: "if (known.get(consumer) !== found) known.delete(consumer)",
    to: "",
    test: onPostgres,
    named: "an id stays known after another process removed the consumer"
  },
  {
    name: "sqs: a removed consumer commits",
    guarantee: "effectively once",
    file: subscription,
    from: "return registered ? ours : []",
    to: "return registered ? ours : ours",
    test: onPostgres,
    named: "an id stays known after another process removed the consumer"
  },
  {
    name: "sqs: a removal beside a commit",
    guarantee: "effectively once",
    file: "src/postgres/sql/unsettled.ts",
    from: "where name = $1 ${which} for key share",
    to: "where name = $1 ${which}",
    test: onPostgres,
    named: "an id stays known after another process removed the consumer"
  },
  {
    name: "sqs: deleted after a commit that a crash may forget",
    guarantee: "no loss",
    file: "src/postgres/sql/unsettled.ts",
    from: "case when current_setting('synchronous_commit') = 'off'",
    to: "case when false",
    test: onPostgres,
    named: "a commit is flushed, also where the session does not flush"
  },
  {
    name: "sqs: no inbox on a broker",
    guarantee: "effectively once",
    file: "src/worker/commit/GroupCommit.ts",
    from: "if (pipeline.settings.delivery !== \"atLeastOnce\") return",
    to: "if (false) return",
    test: model,
    named: "commit every message of a standard queue once"
  },
  {
    name: "sqs: a group's messages with leases of their own",
    guarantee: "order per key",
    file: "src/internal/broker/Held.ts",
    from: "const known = groupId === undefined ? undefined : this.byGroup.get(groupId)",
    to: "const known = undefined as HeldLease | undefined",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "takes its whole group with it"
  },
  {
    name: "sqs: a failure in the answer to a renewal not read",
    guarantee: "one owner",
    file: "src/internal/broker/BrokerRenewal.ts",
    from: "if (result === undefined || entry.state === \"done\") return",
    to: "if (entry.state !== undefined) return",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "is lost at once when SQS refuses its handle"
  },
  {
    name: "sqs: a handle that is not replaced by a newer one",
    guarantee: "bounded",
    file: "src/internal/broker/Held.ts",
    from: "        known.handle = received.handle\n",
    to: "",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "is not handed out twice, and its newest handle counts"
  },
  {
    name: "sqs: no renewals",
    guarantee: "one owner",
    file: "src/internal/broker/BrokerRenewal.ts",
    from: "queue.renew(some)",
    to: "Effect.succeed<Results>(some.map(() => undefined))",
    test: worker,
    named: "whose work takes three leases"
  },
  {
    name: "sqs: a hold that is not recorded in the store",
    guarantee: "poison cannot block",
    file: subscription,
    from: "seat.store.unsettled.hold(seat.spec.consumer, countOf(entry, true), attempts, hold.delay)",
    to: "seat.store.unsettled.hold(seat.spec.consumer, countOf(entry, true), [], hold.delay)",
    test: worker,
    named: "keeps its attempts and its delay"
  },
  {
    name: "sqs: a held message that comes too early runs at once",
    guarantee: "poison cannot block",
    file: seat,
    from: "    if (wait > 0 && seat.held.has(entry)) yield* hideUntilDue(seat, entry, wait, false)\n",
    to: "",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "is hidden again when it comes too early"
  },
  {
    name: "sqs: messages behind a held one kept",
    guarantee: "order per key",
    file: seat,
    from: "    for (const one of [entry, ...behind]) held.remove(one)\n",
    to: "    held.remove(entry)\n",
    test: model,
    named: "in the order of its key"
  },
  {
    name: "sqs: a dead letter by the receive count alone",
    guarantee: "poison cannot block",
    file: "src/internal/broker/Held.ts",
    from: "crashedAlone: entry.record?.alone === true,",
    to: "crashedAlone: true,",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "is a suspect however often SQS has handed it out, and no dead letter"
  },
  {
    name: "sqs: an isolation that is not recorded",
    guarantee: "poison cannot block",
    file: seat,
    from: "countOf(entry, entry !== alone && ended, entry === alone)",
    to: "countOf(entry, entry !== alone && ended, false)",
    test: worker,
    named: "is suspected by the count of SQS"
  },
  {
    name: "sqs: a graceful stop that leaves messages hidden",
    guarantee: "graceful",
    file: subscription,
    from: "  yield* giveBack(seat, entries.toReversed().map(visible))\n})",
    to: "})",
    test: worker,
    named: "a graceful stop gives back every message at once"
  },
  {
    name: "sqs: a graceful stop counted as a crash",
    guarantee: "graceful",
    file: subscription,
    from: "  yield* explained(seat, entries)\n",
    to: "",
    test: worker,
    named: "no crash is counted for it"
  },
  {
    name: "sqs: messages behind a held one taken for crashed",
    guarantee: "poison cannot block",
    file: seat,
    from: "explained(seat, known ? behind : [entry, ...behind])",
    to: "explained(seat, [])",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "is hidden again when it comes too early"
  },
  {
    name: "sqs: a deleted queue taken for an outage",
    guarantee: "observability",
    file: "src/sqs/SqsFailure.ts",
    from: "/QueueDoesNotExist|NonExistentQueue|InvalidAddress|UnsupportedOperation/",
    to: "/InvalidAddress|UnsupportedOperation/",
    test: "test/sqs/sqsServer.test.ts",
    named: "with a permanent error when its queue is deleted"
  },
  {
    name: "sqs: later messages of a key sent behind one that failed",
    guarantee: "order per key",
    file: "src/sqs/SqsTransport.ts",
    from: "if (outgoing.groupId !== undefined) broken.add(outgoing.groupId)",
    to: "",
    test: "test/sqs/sqsSubscription.test.ts",
    named: "names each message that was not stored"
  },
  {
    name: "sqs: more attributes than SQS takes",
    guarantee: "no loss",
    file: message,
    from: "Math.min(maxAttributes, mostAttributes)",
    to: "Math.max(maxAttributes, 1000)",
    test: wire,
    named: "comes back as it was with 64 headers"
  },
  {
    name: "sqs: a message of the size that only fits without the types of its attributes",
    guarantee: "no loss",
    file: message,
    from: "if (bytes > mostBytes) return",
    to: "if (bytes > mostBytes + 6) return",
    test: wire,
    named: "comes back as it was with 64 headers"
  },
  {
    name: "sqs: an empty body sent",
    guarantee: "no loss",
    file: message,
    from: "if (body === \"\") return",
    to: "if (body === \"no\") return",
    test: wire,
    named: "that SQS cannot carry is refused by its id"
  },
  {
    name: "sqs: an unreadable message runs under the id of SQS",
    guarantee: "effectively once",
    file: message,
    from: "(failure) => unreadable(received, failure))",
    to:
      "() => ({ id: messageId, topic, key: groupId ?? messageId, keyed: false, payload: body, headers: {}, version: 1,"
      + " publishedAt: 0 }))",
    test: wire,
    named: "that cannot be read becomes a dead letter"
  },
  {
    name: "sqs: a foreign CloudEvent without a key that leaves its message group",
    guarantee: "order per key",
    file: "src/wire/WireDecoder.ts",
    from: "event.get(\"partitionkey\") ?? group",
    to: "event.get(\"partitionkey\")",
    test: wire,
    named: "that names no key belongs to its message group"
  },
  {
    name: "sqs: a foreign message without a key that leaves its message group",
    guarantee: "order per key",
    file: "src/wire/WireDecoder.ts",
    from: "(yield* mapped(foreign, \"key\", received)) ?? received.brokerKey",
    to: "yield* mapped(foreign, \"key\", received)",
    test: wire,
    named: "that names no key belongs to its message group"
  },
  {
    name: "wire: an unreadable message that leaves the order of its group",
    guarantee: "order per key",
    file: "src/wire/unreadable.ts",
    from: "key: brokerKey ?? brokerId,",
    to: "key: brokerId,",
    test: wire,
    named: "that cannot be read becomes a dead letter"
  },
  {
    name: "sqs: a throttled entry refused permanently",
    guarantee: "no loss",
    file: failure,
    from: "SenderFault === true && !passes",
    to: "SenderFault === true",
    test: failures,
    named: "is not refused permanently although SQS calls it"
  },
  {
    name: "sqs: an entry that is refused permanently sent again without an end",
    guarantee: "poison cannot block",
    file: failure,
    from: "SenderFault === true && !passes",
    to: "SenderFault === true && passes",
    test: failures,
    named: "is refused permanently if it is the sender's fault"
  },
  {
    name: "sqs: a request with a bad entry sent again without an end",
    guarantee: "poison cannot block",
    file: failure,
    from: "ofEntry: matches(ofEntry) && !matches(throttled)",
    to: "ofEntry: false",
    test: failures,
    named: "is sent again entry by entry"
  },
  {
    name: "sqs: all entries refused with the bad one",
    guarantee: "no loss",
    file: "src/sqs/SqsClient.ts",
    from: "entries.length === 1\n          ? Effect.succeed<Results>([{ outcome: \"refused\", detail }])",
    to:
      "entries.length >= 1\n          ? Effect.succeed<Results>(entries.map(() => ({ outcome: \"refused\", detail })))",
    test: failures,
    named: "is sent again entry by entry"
  },
  {
    name: "sqs: a publish that may have happened called not stored",
    guarantee: "effectively once",
    file: failure,
    from: "($metadata?.attempts ?? 1) <= 1 && (",
    to: "(",
    test: failures,
    named: "is unknown if an earlier try may have stored it"
  },
  {
    name: "sqs: the text of an error of the client shown",
    guarantee: "observability",
    file: failure,
    from: "`${said} (HTTP ${status})`",
    to: "`${said} (HTTP ${status}) ${String(Object(thrown).message)}`",
    test: failures,
    named: "name no secret: AccessDenied"
  },
  {
    name: "sqs: refused credentials end the worker",
    guarantee: "observability",
    file: failure,
    from: "kind: matches(permanent) ?",
    to: "kind: matches(permanent) || matches(denied) ?",
    test: failures,
    named: "name no secret: ExpiredToken"
  },
  {
    name: "sqs: renewed for two leases",
    guarantee: "bounded",
    file: "src/sqs/SqsQueue.ts",
    from: "seconds: secondsOf(millis) })))",
    to: "seconds: secondsOf(millis * 2) })))",
    test: "test/sqs/sqsCrashes.test.ts",
    named: "is handled by the next one within one lease and a poll"
  }
]
