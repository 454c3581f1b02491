/**
 * The Lua scripts of the inbox on Redis. Redis runs a script as a whole, so that no other command comes between its
 * check of the owner and its write.
 *
 * The record of an id is one hash with the fields `state` (`running` or `done`), `owner`, `fingerprint` and `result`.
 * Every script has this record's key as its only key, so the scripts also run on a cluster. A script that runs late or
 * twice changes nothing that belongs to another owner.
 */
import * as Redis from "effect/persistence/Redis"

/** Arguments: owner, fingerprint, milliseconds. Returns `fresh`, `busy`, `conflict`, or `done` and the result. */
export const claim = Redis.script(
  (key: string, owner: string, fingerprint: string, millis: number) => [key, owner, fingerprint, millis],
  {
    numberOfKeys: 1,
    lua: `
local known = redis.call('hmget', KEYS[1], 'state', 'owner', 'fingerprint', 'result')
if known[1] == 'done' then
  if known[3] ~= ARGV[2] then return { 'conflict' } end
  return { 'done', known[4] or '' }
end
if known[1] and known[2] ~= ARGV[1] then return { 'busy' } end
redis.call('hset', KEYS[1], 'state', 'running', 'owner', ARGV[1], 'fingerprint', ARGV[2])
redis.call('pexpire', KEYS[1], ARGV[3])
return { 'fresh' }`
  }
).withReturnType<ReadonlyArray<string>>()

/** Arguments: owner, milliseconds. Returns 1 if the owner still has the marker. */
export const renew = Redis.script((key: string, owner: string, millis: number) => [key, owner, millis], {
  numberOfKeys: 1,
  lua: `
local known = redis.call('hmget', KEYS[1], 'state', 'owner')
if known[1] ~= 'running' or known[2] ~= ARGV[1] then return 0 end
return redis.call('pexpire', KEYS[1], ARGV[2])`
}).withReturnType<number>()

/** Arguments: owner, fingerprint, milliseconds, result. Returns 1 if the id is done by this owner. */
export const finish = Redis.script(
  (key: string, owner: string, fingerprint: string, millis: number, result: string) => [
    key,
    owner,
    fingerprint,
    millis,
    result
  ],
  {
    numberOfKeys: 1,
    lua: `
local owner = redis.call('hget', KEYS[1], 'owner')
if owner and owner ~= ARGV[1] then return 0 end
redis.call('hset', KEYS[1], 'state', 'done', 'owner', ARGV[1], 'fingerprint', ARGV[2], 'result', ARGV[4])
redis.call('pexpire', KEYS[1], ARGV[3])
return 1`
  }
).withReturnType<number>()

/** Argument: owner. Deletes the marker of this owner. */
export const release = Redis.script((key: string, owner: string) => [key, owner], {
  numberOfKeys: 1,
  lua: `
local known = redis.call('hmget', KEYS[1], 'state', 'owner')
if known[1] == 'running' and known[2] == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`
}).withReturnType<number>()
