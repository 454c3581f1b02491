/**
 * `millrace/redis`: an inbox on Redis, for effects outside of the database.
 *
 * @since 0.1.0
 */
export * as RedisConnection from "./RedisConnection.ts"
export * as RedisInbox from "./RedisInbox.ts"
