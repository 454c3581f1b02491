/**
 * `millrace/postgres`: store, transport and SqlClient on Postgres.
 *
 * @since 0.1.0
 */
export * as Postgres from "./Postgres.ts"
