/**
 * The rights of a request: the role of an endpoint, the operator, and the middleware that compares the two.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as OpenApi from "effect/http-api/OpenApi"
import { CrossSite, Forbidden, RateLimited, Unauthorized } from "./Problems.ts"

/**
 * The roles, each with the rights of those before it. `viewer` reads, `operator` decides, `admin` also does what cannot
 * be undone.
 *
 * @since 0.1.0
 */
export type Role = "viewer" | "operator" | "admin"

/**
 * The roles, from few rights to many.
 *
 * @since 0.1.0
 */
export const roles: ReadonlyArray<Role> = ["viewer", "operator", "admin"]

/**
 * The operator of a request. The audit keeps the name.
 *
 * @since 0.1.0
 */
export interface Actor {
  readonly name: string
  readonly role: Role
}

/**
 * The operator of the present request.
 *
 * @since 0.1.0
 */
export class CurrentActor extends Context.Service<CurrentActor, Actor>()("millrace/http/CurrentActor") {}

/**
 * The annotation of an endpoint with the role that it needs.
 *
 * @since 0.1.0
 */
export const Needs: Context.Service<Role, Role> = Context.Service<Role>("millrace/http/Needs")

/**
 * Declares the role of an endpoint, for the middleware and for OpenAPI (`x-millrace-role`).
 *
 * @since 0.1.0
 */
export const needs = (
  role: Role,
  description: string
): Context.Context<Role | OpenApi.Description | OpenApi.Override> =>
  Context.make(Needs, role).pipe(
    Context.add(OpenApi.Description, description),
    Context.add(OpenApi.Override, { "x-millrace-role": role })
  )

/**
 * Checks the token or session, the origin and the role of each request, and limits how many of them change something.
 *
 * @since 0.1.0
 */
export class Access extends HttpApiMiddleware.Service<Access, { provides: CurrentActor }>()("millrace/http/Access", {
  error: [Unauthorized, Forbidden, CrossSite, RateLimited]
}) {}
