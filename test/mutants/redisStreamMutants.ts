/** The breaks of the transport on Redis Streams. */
import type { Mutant } from "./types.ts"

const scripts = "src/redis/streamScripts.ts"
const file = "src/redis/StreamQueue.ts"
const queue = "test/redis/streamQueue.test.ts"
const worker = "test/redis/redisStreams.test.ts"
const server = "test/redis/streamServer.test.ts"
const onPostgres = "test/redis/streamsOnPostgres.test.ts"

export const redisStreamMutants: ReadonlyArray<Mutant> = [
  {
    name: "streams: a stale owner renews the delivery of another worker",
    guarantee: "one owner",
    file: scripts,
    from: "if one and one[2] == ARGV[2] and one[4] == tonumber(ARGV[i + 1]) then",
    to: "if one then",
    test: queue,
    named: "is not renewed, given back or stolen back"
  },
  {
    name: "streams: an older delivery to the same consumer renewed",
    guarantee: "one owner",
    file: scripts,
    from: "one[2] == ARGV[2] and one[4] == tonumber(ARGV[i + 1])",
    to: "one[2] == ARGV[2]",
    test: queue,
    named: "is not renewed, given back or stolen back"
  },
  {
    name: "streams: a heartbeat that leaves the idle time",
    guarantee: "one owner",
    file: file,
    from: "change(\"renew leases\", consumer, entries.map(({ handle }) => [handle, 0]))",
    to: "change(\"renew leases\", consumer, entries.map(({ handle }) => [handle, leaseMillis]))",
    test: queue,
    named: "that is renewed is handed to no other worker"
  },
  {
    name: "streams: expired deliveries not claimed",
    guarantee: "no loss",
    file: scripts,
    from: "for _, entry in ipairs(claimed[2]) do",
    to: "for _, entry in ipairs({}) do",
    test: queue,
    named: "to another one a lease after its last renewal"
  },
  {
    name: "streams: entries that another group has not read deleted",
    guarantee: "no loss",
    file: scripts,
    from: "if ARGV[2] == '1' and only then",
    to: "if ARGV[2] == '1' then",
    test: queue,
    named: "but not while another group reads the stream"
  },
  {
    name: "streams: entries given back that stay hidden",
    guarantee: "graceful",
    file: file,
    from: "Math.max(0, Math.floor(leaseMillis - millis))",
    to: "0",
    test: queue,
    named: "is handed out at once, or when it is due"
  },
  {
    name: "streams: trimmed pending entries skipped",
    guarantee: "no loss",
    file: scripts,
    from: "if pending[1] > 0 and (not first or before(pending[2], first)) then",
    to: "if false then",
    test: queue,
    named: "while they were pending are a permanent error"
  },
  {
    name: "streams: trimmed unread entries skipped",
    guarantee: "no loss",
    file: scripts,
    from: "if read and gone > read then",
    to: "if false then",
    test: queue,
    named: "before the group read them are a permanent error"
  },
  {
    name: "streams: acknowledged entries that were trimmed taken for a loss",
    guarantee: "bounded",
    file: scripts,
    from: "if read and gone > read then",
    to: "if gone > 0 then",
    test: queue,
    named: "after they were acknowledged are no error"
  },
  {
    name: "streams: a deleted pending entry lost without a word",
    guarantee: "no loss",
    file: file,
    from: "if (result === 2) lost = removed(options, `entry ${idOf(deliveries[i]![0])}`)",
    to: "",
    test: queue,
    named: "are found at the next renewal or takeover"
  },
  {
    name: "streams: a missing group created again",
    guarantee: "no loss",
    file: "src/redis/StreamTransport.ts",
    from: "    if (create) {",
    to: "    if (create || true) {",
    test: worker,
    named: "for a group that is missing"
  },
  {
    name: "streams: acknowledged before the commit",
    guarantee: "no loss",
    file: "src/internal/broker/BrokerSubscription.ts",
    from: "    const ours = deliveries.filter((delivery) => seat.held.of(delivery) !== undefined)\n",
    to: "    const ours = deliveries.filter((delivery) => seat.held.of(delivery) !== undefined)\n"
      + "    for (const one of ours) seat.acknowledger.add(seat.held.of(one)!)\n",
    test: onPostgres,
    named: "is acknowledged only after its commit"
  },
  {
    name: "streams: an entry that is no message dropped",
    guarantee: "poison cannot block",
    file: "src/wire/unreadable.ts",
    from: "  const shown = `This is no readable message, since its ${field} ${problem}: ${String(body)}`",
    to: "  const shown = String(body)",
    test: worker,
    named: "that cannot be read becomes a dead letter"
  },
  {
    name: "streams: a frozen server that holds up the start without an end",
    guarantee: "bounded",
    file: "src/redis/RedisConnection.ts",
    from: "Effect.andThen(Effect.forkIn(ended, scope), Deferred.await(begun))",
    to: "Effect.andThen(Effect.uninterruptible(ended), Deferred.await(begun))",
    test: server,
    named: "that is frozen at the start is waited for"
  },
  {
    name: "streams: a request without an answer that has no end",
    guarantee: "bounded",
    file: "src/redis/RedisFailure.ts",
    from: "{ duration: millis, orElse: () => Effect.fail(failed(\"temporary\", unanswered(millis))) }",
    to: "{ duration: millis * 1000, orElse: () => Effect.fail(failed(\"temporary\", unanswered(millis))) }",
    test: server,
    named: "fails a publish within its time"
  },
  {
    name: "streams: an unknown outcome of a publish reported as not stored",
    guarantee: "no loss",
    file: "src/redis/StreamPublish.ts",
    from: "names(didNothing(broken) ? \"notStored\" : \"unknown\", broken.detail)",
    to: "names(\"notStored\", broken.detail)",
    test: server,
    named: "fails a publish within its time"
  },
  {
    name: "streams: a deleted group taken for an outage",
    guarantee: "observability",
    file: file,
    from: "if (problem !== undefined) return yield* problem\n",
    to: "",
    test: queue,
    named: "with their group or stream are a permanent error"
  },
  {
    name: "streams: a read that does not wait",
    guarantee: "bounded",
    file: file,
    from: "entries.length > 0 || waitMillis < 1 ? entries : yield* waited(most, waitMillis)",
    to: "entries.length > 0 || waitMillis >= 0 ? entries : yield* waited(most, waitMillis)",
    test: server,
    named: "without messages is asked a few times a second"
  },
  {
    name: "streams: workers of one group with different leases",
    guarantee: "one owner",
    file: "src/redis/StreamQueue.ts",
    from: "found !== leaseMillis && idle < found",
    to: "found !== leaseMillis && idle < 0",
    test: "test/redis/redisStreams.test.ts",
    named: "is refused while another worker of its group has another lease"
  },
  {
    name: "streams: claimed after two leases",
    guarantee: "bounded",
    file,
    from: "scripts.read(stream, group, consumer, lease, most, cursor)",
    to: "scripts.read(stream, group, consumer, lease * 2, most, cursor)",
    test: onPostgres,
    named: "is handled by another one within one lease and a poll"
  },
  {
    name: "redis: refused credentials end the worker",
    guarantee: "observability",
    file: "src/redis/RedisFailure.ts",
    from: "isRefusal(detail) && !rights.test(detail)",
    to: "isRefusal(detail)",
    test: "test/redis/redisAccess.test.ts",
    named: "waits while its password is refused"
  }
]
