/**
 * `millrace/http`: the HTTP API of the operations, and its server.
 *
 * @since 0.1.0
 */
export * as Api from "./api/Api.ts"
export type * from "./api/Types.ts"
