/**
 * `millrace/redis`: the transport on Redis Streams, and an inbox on Redis for effects outside of the database.
 *
 * @since 0.1.0
 */
export * as RedisConnection from "./RedisConnection.ts"
export * as RedisInbox from "./RedisInbox.ts"
export * as RedisStreams from "./RedisStreams.ts"
