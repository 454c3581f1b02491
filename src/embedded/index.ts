/**
 * `millrace/embedded`: Postgres in this process, on PGlite.
 *
 * @since 0.1.0
 */
export * as Embedded from "./Embedded.ts"
