/**
 * The Lua scripts of a group of a Redis stream. Redis runs a script as a whole, so no other command comes between its
 * check and its write.
 *
 * A delivery is known by entry id, consumer and delivery counter. Redis raises the counter with each delivery. So a
 * script refuses a delivery that another one has replaced, also one to the same consumer. Every script has the stream
 * as its only key, so the scripts also run on a cluster.
 */
import * as Redis from "effect/persistence/Redis"

/** The consumer that has the entries which were given back. No worker has this name. */
export const returned = "millrace:returned"

/** Compares ids and reads the answers of XINFO. Ids are compared as texts, since a number in Lua has 53 bits. */
export const shared = `
local function named(flat)
  local map = {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end
local function less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
local function before(a, b)
  local a1, a2 = string.match(a, '(%d+)-(%d+)')
  local b1, b2 = string.match(b, '(%d+)-(%d+)')
  if a1 ~= b1 then return less(a1, b1) end
  return less(a2, b2)
end
local function groups()
  if redis.call('exists', KEYS[1]) == 0 then return {} end
  return redis.call('xinfo', 'groups', KEYS[1])
end
`

/**
 * Finds entries that were removed from the stream without this group. Trimming removes the oldest entries. So if it
 * took a pending one, the smallest pending id is below the first id of the stream. If it took unread ones, Redis counts
 * more unread entries than the stream has.
 */
const check = `
local group
for _, one in ipairs(groups()) do
  local found = named(one)
  if found['name'] == ARGV[1] then group = found end
end
if not group then return { 'missing' } end
if group['entries-read'] == nil then return { 'old' } end
local stream = named(redis.call('xinfo', 'stream', KEYS[1]))
local first = stream['first-entry'] and stream['first-entry'][1]
local pending = redis.call('xpending', KEYS[1], ARGV[1])
if pending[1] > 0 and (not first or before(pending[2], first)) then return { 'trimmed', pending[2] } end
local read, gone = group['entries-read'], stream['entries-added'] - stream['length']
if read and gone > read then
  return { 'unread', tostring(gone - read), group['last-delivered-id'], tostring(gone) }
end
`

/** An entry of the stream: its id, how often it was delivered, and its fields and values one after the other. */
export type Entry = readonly [id: string, deliveries: number, fields: ReadonlyArray<string>]

/**
 * The answer of {@link read} and {@link look}. `removed` are entries that were deleted while they were pending.
 */
export type Read =
  | readonly ["ok", cursor: string, entries: ReadonlyArray<Entry>, removed: ReadonlyArray<string>]
  | readonly ["missing"]
  | readonly ["old"]
  | readonly ["trimmed", id: string]
  | readonly ["unread", count: string, lastDelivered: string, entriesRead: string]

/** Arguments: group. Checks the group and delivers nothing. */
export const look = Redis.script((stream: string, group: string) => [stream, group], {
  numberOfKeys: 1,
  lua: `${shared}${check}
return { 'ok', '0-0', {}, {} }`
}).withReturnType<Read>()

/**
 * Arguments: group, consumer, lease in milliseconds, most entries, cursor. Delivers entries whose lease has expired,
 * and then new ones.
 */
export const read = Redis.script(
  (stream: string, group: string, consumer: string, lease: number, most: number, cursor: string) => [
    stream,
    group,
    consumer,
    lease,
    most,
    cursor
  ],
  {
    numberOfKeys: 1,
    lua: `${shared}${check}
local most = tonumber(ARGV[4])
local claimed = redis.call('xautoclaim', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[5], 'COUNT', most)
local entries = {}
for _, entry in ipairs(claimed[2]) do
  local one = redis.call('xpending', KEYS[1], ARGV[1], entry[1], entry[1], 1)[1]
  entries[#entries + 1] = { entry[1], one[4], entry[2] }
end
if #entries < most then
  local fresh = redis.call('xreadgroup', 'GROUP', ARGV[1], ARGV[2], 'COUNT', most - #entries, 'STREAMS', KEYS[1], '>')
  if fresh then
    for _, entry in ipairs(fresh[1][2]) do entries[#entries + 1] = { entry[1], 1, entry[2] } end
  end
end
return { 'ok', claimed[1], entries, claimed[3] or {} }`
  }
).withReturnType<Read>()

/** The result for one delivery: it is over, it is done, or its entry was removed from the stream. */
export type Kept = 0 | 1 | 2

/**
 * Arguments: group, consumer, new consumer, and for each delivery its id, its counter, and how long it counts as idle.
 * Changes a delivery only while it belongs to the consumer. A removed entry stays pending, so that every worker finds
 * it.
 */
export const keep = Redis.script(
  (
    stream: string,
    group: string,
    consumer: string,
    next: string,
    deliveries: ReadonlyArray<readonly [id: string, counter: number, idle: number]>
  ) => [stream, group, consumer, next, ...deliveries.flat()],
  {
    numberOfKeys: 1,
    lua: `${shared}
local results = {}
for i = 4, #ARGV, 3 do
  local id = ARGV[i]
  local one = redis.call('xpending', KEYS[1], ARGV[1], id, id, 1)[1]
  local result = 0
  if one and one[2] == ARGV[2] and one[4] == tonumber(ARGV[i + 1]) then
    if #redis.call('xrange', KEYS[1], id, id) == 0 then
      result = 2
    else
      redis.call('xclaim', KEYS[1], ARGV[1], ARGV[3], 0, id, 'IDLE', ARGV[i + 2], 'JUSTID')
      result = 1
    end
  end
  results[#results + 1] = result
end
return results`
  }
).withReturnType<ReadonlyArray<Kept>>()

/**
 * Arguments: group, 1 to delete, ids. Acknowledges entries of any consumer, and deletes them if no other group
 * reads the stream.
 */
export const acknowledge = Redis.script(
  (stream: string, group: string, deletes: boolean, ids: ReadonlyArray<string>) => [
    stream,
    group,
    deletes ? 1 : 0,
    ...ids
  ],
  {
    numberOfKeys: 1,
    lua: `${shared}
local ids = {}
for i = 3, #ARGV do ids[#ids + 1] = ARGV[i] end
local all = groups()
local only = #all == 1 and named(all[1])['name'] == ARGV[1]
redis.call('xack', KEYS[1], ARGV[1], unpack(ids))
if ARGV[2] == '1' and only then redis.call('xdel', KEYS[1], unpack(ids)) end
return 'OK'`
  }
).withReturnType<unknown>()

/** Arguments: for each message the number of its fields and values, and these. Appends all of them. */
export const append = Redis.script(
  (stream: string, messages: ReadonlyArray<ReadonlyArray<string>>) => [
    stream,
    ...messages.flatMap((fields) => [String(fields.length), ...fields])
  ],
  {
    numberOfKeys: 1,
    lua: `
local i = 1
while i <= #ARGV do
  local n = tonumber(ARGV[i])
  redis.call('xadd', KEYS[1], '*', unpack(ARGV, i + 1, i + n))
  i = i + n + 1
end
return 'OK'`
  }
).withReturnType<unknown>()

/**
 * Arguments: group, consumer, milliseconds. Deletes the consumer, and those that have not read for this long. A
 * consumer with pending entries stays.
 */
export const forget = Redis.script(
  (stream: string, group: string, consumer: string, idle: number) => [stream, group, consumer, idle],
  {
    numberOfKeys: 1,
    lua: `${shared}
for _, one in ipairs(redis.call('xinfo', 'consumers', KEYS[1], ARGV[1])) do
  local consumer = named(one)
  local over = consumer['name'] == ARGV[2] or consumer['idle'] > tonumber(ARGV[3])
  if over and consumer['pending'] == 0 then
    redis.call('xgroup', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
  end
end
return 'OK'`
  }
).withReturnType<unknown>()

/**
 * Arguments: group, consumer. Creates the consumer, so that others find it. Returns all consumers, each with the
 * milliseconds since it was last active.
 */
export const join = Redis.script((stream: string, group: string, consumer: string) => [stream, group, consumer], {
  numberOfKeys: 1,
  lua: `${shared}
redis.call('xgroup', 'CREATECONSUMER', KEYS[1], ARGV[1], ARGV[2])
local consumers = {}
for _, one in ipairs(redis.call('xinfo', 'consumers', KEYS[1], ARGV[1])) do
  local consumer = named(one)
  consumers[#consumers + 1] = { consumer['name'], consumer['idle'] }
end
return consumers`
}).withReturnType<ReadonlyArray<readonly [name: string, idle: number]>>()
