/** The breaks of the way in which failing messages of a broker move into the lanes of the store. */
import type { Mutant } from "./types.ts"

const source = "src/internal/broker/BrokerSource.ts"
const sql = "src/postgres/sql/overflow.ts"
const test = "test/sqs/sqsOverflow.test.ts"
const redrive = "test/sqs/sqsRedrive.test.ts"
const settled = "test/sqs/settledHolds.test.ts"

export const overflowMutants: ReadonlyArray<Mutant> = [
  {
    name: "overflow: messages behind a held one stay with the worker",
    guarantee: "order per key",
    file: source,
    from: "const behind = behindOf(seat, entry)",
    to: "const behind: ReadonlyArray<Entry> = []",
    test,
    named: "that parks the key keeps its next owner from committing what is behind"
  },
  {
    name: "overflow: a message of a diverted key handed out",
    guarantee: "order per key",
    file: source,
    from: "const moved = yield* divert(seat, lanes)",
    to: "const moved = false",
    test,
    named: "waits in the store for longer than SQS can hide it, with what is behind it"
  },
  {
    name: "overflow: a redriven message diverts no later one",
    guarantee: "order per key",
    file: sql,
    from: "\"(m.moved or m.redriven > 0)\"",
    to: "\"m.moved\"",
    test,
    named: "that is redriven is processed before messages that SQS hands out later"
  },
  {
    name: "overflow: a message moved in front of an earlier one that the worker has",
    guarantee: "order per key",
    file: source,
    from: "!earlier.has(message.key)",
    to: "!earlier.has(`${message.key}?`)",
    test,
    named: "moves no message with the worker behind a later one"
  },
  {
    name: "overflow: a message behind a parked one committed by its next owner",
    guarantee: "order per key",
    file: source,
    from: "diverted.size === 0 ? ours",
    to: "diverted.size >= 0 ? ours",
    test,
    named: "that parks the key keeps its next owner from committing what is behind"
  },
  {
    name: "overflow: a message that has moved is not deleted at the broker",
    guarantee: "no loss",
    file: source,
    from: "for (const one of [entry, ...behind]) settled(seat, one)",
    to: "",
    test,
    named: "is flushed to disk before SQS forgets it"
  },
  {
    name: "overflow: deleted at the broker although the move was rolled back",
    guarantee: "no loss",
    file: "src/postgres/queue/OverflowLanes.ts",
    from: "              db.sql.afterCommit(Effect.sync(() => {\n",
    to: "              Effect.andThen(Effect.void, Effect.sync(() => {\n",
    test,
    named: "stays at SQS when the transaction of its hold is rolled back"
  },
  {
    name: "overflow: a message moved twice",
    guarantee: "effectively once",
    file: sql,
    from: "m.id = g.id and m.payload = g.payload",
    to: "false",
    test,
    named: "comes again if its delete is lost after the COMMIT, and is neither moved twice"
  },
  {
    name: "overflow: a stale owner holds the key of a settled message",
    guarantee: "one owner",
    file: sql,
    from: "where $4::float8 is null or not exists (",
    to: "where $4::float8 is null or true or not exists (",
    test,
    named: "moves nothing of what its next owner has committed"
  },
  {
    name: "overflow: the move of a held message not flushed",
    guarantee: "no loss",
    file: source,
    from: "seat.store.unsettled.settle(seat.spec.consumer, known)",
    to: "Effect.void",
    test,
    named: "is flushed to disk before SQS forgets it"
  },
  {
    name: "overflow: no limit of a key",
    guarantee: "bounded",
    file: sql,
    from: "(k.n > 0 or k.held) and k.n < $2::int) order",
    to: "(k.n > 0 or k.held) and k.n < $2::int * 2) order",
    test,
    named: "has a limit, above which later ones stay at SQS"
  },
  {
    name: "overflow: without order, later messages of a key wait for a failed one",
    guarantee: "order per key",
    file: source,
    from: "receiveCount < movesAt), \"none\")",
    to: "receiveCount < movesAt), \"diverted\")",
    test,
    named: "comes again if its delete is lost after the COMMIT, and does not run before its retry"
  },
  {
    name: "overflow: without order, a message that has moved runs again before its retry",
    guarantee: "effectively once",
    file: source,
    from: "yield* move(again.filter(({ receiveCount }) => receiveCount < movesAt), \"none\")",
    to: "",
    test,
    named: "comes again if its delete is lost after the COMMIT, and does not run before its retry"
  },
  {
    name: "overflow: a failing message with an outcome counts as lost",
    guarantee: "poison cannot block",
    file: source,
    from: "return held ? \"held\" : \"settled\"",
    to: "return held ? \"held\" as const : yield* notHeld(seat, delivery)",
    test: settled,
    named: "that is a commit is settled as a duplicate"
  },
  {
    name: "overflow: a failing message with an outcome is not acknowledged",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/Disposition.ts",
    from: "end === \"settled\" ? forget([delivery]) : Effect.void",
    to: "Effect.void",
    test: settled,
    named: "that is a dead letter is settled as a duplicate"
  },
  {
    name: "overflow: a failing message of a removed consumer is settled",
    guarantee: "no loss",
    file: source,
    from: "if (!registered) return yield* notHeld(seat, delivery)",
    to: "",
    test: settled,
    named: "whose consumer was removed is not settled"
  },
  {
    name: "overflow: a message that the broker is about to discard given back to it",
    guarantee: "no loss",
    file: source,
    from: "return yield* move(again.filter(({ receiveCount }) => receiveCount >= movesAt), \"all\")",
    to: "return false",
    test: redrive,
    named: "keeps messages through more graceful stops"
  },
  {
    name: "overflow: a limit of a key for a message that the broker is about to discard",
    guarantee: "no loss",
    file: sql,
    from: "($16::text = 'all' or $16",
    to: "($16::text = 'all' and k.n < $2::int or $16",
    test: redrive,
    named: "also above the limit of its key"
  }
]
