/**
 * `millrace/http`: the HTTP API of the operations, and its server.
 *
 * @since 0.1.0
 */
export type { Actor, Role } from "./api/Access.ts"
export * as Api from "./api/Api.ts"
export * as Problems from "./api/Problems.ts"
export type * from "./api/Types.ts"
export * as HttpOperations from "./client/HttpOperations.ts"
export type { ServerOptions, Token } from "./security/ServerSettings.ts"
export * as Server from "./serve/Server.ts"
