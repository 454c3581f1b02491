/**
 * The Lua scripts of a log: one reads a shard and finds out whether entries were removed before they were read.
 *
 * A stream counts all entries that were ever added. So the number of those that are gone is known, and none of them may
 * be unread. For this check a position is an id, and the number of entries that were added up to it. It also has the
 * highest id that was deleted before the consumer began.
 */
import * as Redis from "effect/persistence/Redis"
import { shared } from "./streamScripts.ts"

/** An entry of the stream: its id, and its fields and values one after the other. */
export type Entry = readonly [id: string, fields: ReadonlyArray<string>]

/** The answer of {@link read}. */
export type Read =
  | readonly ["ok", entries: ReadonlyArray<Entry>]
  | readonly ["old"]
  | readonly ["missing"]
  | readonly ["other"]
  | readonly ["removed", gone: string]

/** The answer of {@link begin}: how many entries are gone, and the highest id that was deleted. */
export type Begin = readonly ["ok", gone: number, deleted: string] | readonly ["old"]

const look = `
local stream = named(redis.call('xinfo', 'stream', KEYS[1]))
if stream['entries-added'] == nil then return { 'old' } end
local gone = stream['entries-added'] - stream['length']
`

/** Returns where a consumer begins. A stream that does not exist yet is empty. */
export const begin = Redis.script((stream: string) => [stream], {
  numberOfKeys: 1,
  lua: `${shared}
if redis.call('exists', KEYS[1]) == 0 then return { 'ok', 0, '0-0' } end
${look}
return { 'ok', gone, stream['max-deleted-entry-id'] }`
}).withReturnType<Begin>()

/** Arguments: id, entries up to it, highest deleted id, most. Returns the entries behind the id. */
export const read = Redis.script(
  (stream: string, id: string, count: number, deleted: string, most: number) => [stream, id, count, deleted, most],
  {
    numberOfKeys: 1,
    lua: `${shared}
local id, count, deleted = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if redis.call('exists', KEYS[1]) == 0 then
  if count == 0 then return { 'ok', {} } end
  return { 'missing' }
end
${look}
local added = stream['entries-added']
if before(stream['last-generated-id'], id) or added < count then return { 'other' } end
local last = stream['max-deleted-entry-id']
if gone > count or (before(id, last) and before(deleted, last)) then
  return { 'removed', tostring(math.max(1, gone - count)) }
end
-- If the first entry is behind the id, all entries up to the id are gone, and no other one.
local first = stream['first-entry'] and stream['first-entry'][1]
if first and before(id, first) and gone < count then return { 'other' } end
local entries = redis.call('xrange', KEYS[1], '(' .. id, '+', 'COUNT', ARGV[4])
-- At the end of the stream all entries have been counted.
local counted = count + #entries
if #entries < tonumber(ARGV[4]) and counted ~= added then
  if counted > added then return { 'other' } end
  return { 'removed', tostring(added - counted) }
end
return { 'ok', entries }`
  }
).withReturnType<Read>()
