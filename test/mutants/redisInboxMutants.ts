/** The breaks of `Inbox.once` on an inbox outside of the store, and of the inbox on Redis. */
import type { Mutant } from "./types.ts"

const outside = "test/words/OnceOutside.test.ts"
const redis = "test/redis/RedisInbox.test.ts"

export const redisInboxMutants: ReadonlyArray<Mutant> = [
  {
    name: "outside: a marker that is not given back when its effect fails",
    guarantee: "bounded",
    file: "src/internal/OnceOutside.ts",
    from: "    restore(Effect.raceFirst(effect, keep(call, marker))),\n    (exit) => exit._tag === \"Failure\" ?",
    to: "    restore(Effect.raceFirst(effect, keep(call, marker))),\n    (exit) => exit._tag === \"Success\" ?",
    test: outside,
    named: "is free again at once when its effect fails, dies or is interrupted"
  },
  {
    name: "outside: a marker that is not renewed",
    guarantee: "one owner",
    file: "src/internal/OnceOutside.ts",
    from: "if (kept) marker.deadline = sent + trustedMillis(inbox)\n",
    to: "",
    test: outside,
    named: "keeps a second caller waiting, however long the effect takes"
  },
  {
    name: "outside: an effect that continues when its marker is lost",
    guarantee: "one owner",
    file: "src/internal/OnceOutside.ts",
    from: "markerMillis * 0.95",
    to: "markerMillis * 1.2",
    test: outside,
    named: "interrupts its effect before another call can claim the id"
  },
  {
    name: "outside: the effect repeated where only its record failed",
    guarantee: "effectively once",
    file: "src/internal/OnceOutside.ts",
    from: "if (now() >= marker.deadline || stored.failure.kind === \"refused\") {",
    to: "if (tries >= 0) {",
    test: outside,
    named: "to store the result is repeated while the effect is not"
  },
  {
    name: "outside: a result that is stored again without an end",
    guarantee: "bounded",
    file: "src/internal/OnceOutside.ts",
    from: "if (now() >= marker.deadline || stored.failure.kind === \"refused\") {",
    to: "if (stored.failure.kind === \"refused\") {",
    test: outside,
    named: "to store the result fails after the marker's time, also while renewals would succeed"
  },
  {
    name: "outside: a refused result that frees its id",
    guarantee: "effectively once",
    file: "src/internal/OnceOutside.ts",
    from: "  yield* finish(call, marker, Result.isSuccess(encoded) ? encoded.success : undefined)\n"
      + "  if (Result.isFailure(encoded)) return yield* encoded.failure\n",
    to: "  if (Result.isFailure(encoded)) return yield* Effect.andThen(giveBack(call), Effect.fail(encoded.failure))\n"
      + "  yield* finish(call, marker, encoded.success)\n",
    test: outside,
    named: "keeps the id without a result, because the effect has happened"
  },
  {
    name: "redis: a marker that any call renews",
    guarantee: "one owner",
    file: "src/redis/inboxScripts.ts",
    from: "if known[1] ~= 'running' or known[2] ~= ARGV[1] then return 0 end",
    to: "if known[1] ~= 'running' then return 0 end",
    test: redis,
    named: "belongs to its owner"
  },
  {
    name: "redis: a result that any call stores",
    guarantee: "one owner",
    file: "src/redis/inboxScripts.ts",
    from: "if owner and owner ~= ARGV[1] then return 0 end",
    to: "",
    test: redis,
    named: "belongs to its owner"
  },
  {
    name: "redis: a marker that any call releases",
    guarantee: "one owner",
    file: "src/redis/inboxScripts.ts",
    from: "if known[1] == 'running' and known[2] == ARGV[1] then return",
    to: "if known[1] == 'running' then return",
    test: redis,
    named: "belongs to its owner"
  },
  {
    name: "redis: a marker without an expiry",
    guarantee: "bounded",
    file: "src/redis/inboxScripts.ts",
    from: "redis.call('pexpire', KEYS[1], ARGV[3])\nreturn { 'fresh' }",
    to: "return { 'fresh' }",
    test: redis,
    named: "is forgotten after the deduplication window, and its marker after the marker's time"
  }
]
