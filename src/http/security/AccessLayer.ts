/**
 * Finds the operator of a request, and lets it pass if its role, its origin and its rate allow that.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import { Access, type Actor, CurrentActor, Needs, type Role, roles } from "../api/Access.ts"
import { CrossSite, Forbidden, RateLimited, Unauthorized } from "../api/Problems.ts"
import * as Origin from "./Origin.ts"
import * as Secrets from "./Secrets.ts"
import { type Entered, Settings, type Token } from "./ServerSettings.ts"

type Request = HttpServerRequest.HttpServerRequest

/** The most failed sign-ins of one address in a minute, and the most changes of one token in a second. */
const failures = { limit: 10, window: "1 minute" } as const
const changes = { limit: 20, window: "1 second" } as const

/** Returns the limiter's key of a name. The limiter never forgets a key, so names share 4,096 keys. */
const bucket = (kind: string, name: string): string =>
  `${kind} ${createHash("sha256").update(name).digest().readUInt16BE(0) % 4_096}`

/** Checks requests. The sign-in and the routes beside the API use it, too. */
export class Gate extends Context.Service<Gate, {
  /** Returns the operator of the request, if its role, its origin and its rate allow it. */
  readonly enter: (
    request: Request,
    role: Role
  ) => Effect.Effect<Actor, Unauthorized | Forbidden | CrossSite | RateLimited>
  /** Returns the operator of a sign-in. Failed ones of an address are limited. */
  readonly signIn: (
    request: Request,
    given: { readonly token?: string | undefined; readonly code?: string | undefined }
  ) => Effect.Effect<Actor, Unauthorized | CrossSite | RateLimited>
}>()("millrace/http/Gate") {}

const tooMany = (detail: string, retryAfter: Duration.Duration): Effect.Effect<never, RateLimited, Request> => {
  const seconds = Math.max(1, Math.ceil(Duration.toSeconds(retryAfter)))
  return Effect.andThen(
    HttpEffect.appendPreResponseHandler((_, response) =>
      Effect.succeed(HttpServerResponse.setHeader(response, "retry-after", String(seconds)))
    ),
    Effect.fail(
      new RateLimited({ detail: `${detail} Nothing was done. Try again in ${seconds} s.`, retryAfterSeconds: seconds })
    )
  )
}

const signInFirst = new Unauthorized({
  detail: "The request has no valid token or session. Nothing was done. Sign in with the token of the server, or with "
    + "the code that `millrace dashboard` prints."
})

const crossSite = new CrossSite({
  detail: "The request would change something, and a page of another site may have sent it. Nothing was done. "
    + "Send it from the page of this server, or with `Authorization: Bearer <token>`."
})

const bearerOf = (request: Request): string | undefined =>
  /^Bearer +(\S+)$/i.exec(request.headers["authorization"] ?? "")?.[1]

const isHttps = (request: Request): boolean =>
  request.protocol === "https" || request.headers["x-forwarded-proto"] === "https"

/** Returns the id of the session that the cookie of the request has. */
export const sessionOf = (request: Request): string | undefined =>
  request.cookies[Origin.cookieName(request.headers, isHttps(request))]

/** Has the answer set the cookie of a session. With an empty id the browser forgets it. */
export const setCookie = (request: Request, path: string, id: string, maxAgeMillis: number) => {
  const secure = Origin.isSecure(request.headers, isHttps(request))
  return HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.orDie(HttpServerResponse.setCookie(response, Origin.cookieName(request.headers, isHttps(request)), id, {
      httpOnly: true,
      sameSite: "strict",
      secure,
      path: secure || path === "" ? "/" : path,
      maxAge: Duration.millis(maxAgeMillis)
    }))
  )
}

const nameFor = (request: Request, { name, role }: Pick<Token, "name" | "role">): Actor => {
  const given = request.headers["millrace-by"]?.trim() ?? ""
  return { name: given === "" ? name : given.slice(0, 200), role }
}

export const gate: Layer.Layer<Gate, never, Settings | RateLimiter.RateLimiter> = Layer.effect(
  Gate,
  Effect.gen(function*() {
    const settings = yield* Settings
    const limiter = yield* RateLimiter.RateLimiter

    const exceeded = (detail: string) => (error: RateLimiter.RateLimiterError) =>
      tooMany(detail, error.reason._tag === "RateLimitExceeded" ? error.reason.retryAfter : Duration.seconds(1))
    const consume = (key: string, limit: number, window: Duration.Input, tokens: number, detail: string) =>
      Effect.catch(limiter.consume({ key, limit, window, tokens }), exceeded(detail))

    /** Compares a secret. After too many failures of the address it is not compared any more. */
    const compared = Effect.fnUntraced(function*<A>(request: Request, compare: Effect.Effect<A | undefined>) {
      const address = Option.getOrElse(request.remoteAddress, () => "")
      const key = bucket("sign-in", address)
      const detail = `There were ${failures.limit} failed sign-ins from this address within a minute.`
      // This consumes nothing, and fails once the limit is used up.
      yield* consume(key, failures.limit - 1, failures.window, 0, detail)
      const found = yield* compare
      if (found !== undefined) return found
      yield* consume(key, failures.limit, failures.window, 1, detail)
      return yield* signInFirst
    })
    const tokenOf = (given: string) =>
      Effect.sync(() => settings.tokens.filter(({ token }) => Secrets.same(Redacted.value(token), given)).at(0))

    const identified = Effect.fnUntraced(function*(request: Request): Effect.fn.Return<
      Entered,
      Unauthorized | RateLimited,
      Request
    > {
      const own = settings.authenticate === undefined ? undefined : yield* settings.authenticate(request)
      if (own !== undefined) return { actor: own, countedAs: own.name }
      const bearer = bearerOf(request)
      if (bearer !== undefined) {
        const token = yield* compared(request, tokenOf(bearer))
        return { actor: nameFor(request, token), countedAs: token.name }
      }
      const session = sessionOf(request)
      const entered = session === undefined ? undefined : yield* settings.sessions.get(session)
      return entered ?? (yield* signInFirst)
    })

    const enter = Effect.fnUntraced(function*(request: Request, role: Role) {
      const { countedAs, actor } = yield* identified(request)
      const changing = !Origin.isSafe(request.method)
      if (changing && bearerOf(request) === undefined && !Origin.sameSite(request.headers)) return yield* crossSite
      if (roles.indexOf(actor.role) < roles.indexOf(role)) {
        const detail = `This needs the role ${role}, and ${JSON.stringify(actor.name)} has the role ${actor.role}. `
          + "Nothing was done. Ask an admin of this server."
        return yield* new Forbidden({ detail, needs: role })
      }
      if (changing) {
        const detail = `There were more than ${changes.limit} changes by this operator within a second.`
        yield* consume(bucket("changes", countedAs), changes.limit, changes.window, 1, detail)
      }
      return actor
    })

    const signIn = Effect.fnUntraced(function*(
      request: Request,
      { code, token }: { readonly token?: string | undefined; readonly code?: string | undefined }
    ) {
      if (!Origin.sameSite(request.headers)) return yield* crossSite
      return yield* compared<Pick<Token, "name" | "role">>(
        request,
        token !== undefined ? tokenOf(token) : code !== undefined ? settings.takeCode(code) : Effect.undefined
      )
    })

    const within = <A, E>(request: Request, effect: Effect.Effect<A, E, Request>): Effect.Effect<A, E> =>
      Effect.provideService(effect, HttpServerRequest.HttpServerRequest, request)
    return Gate.of({
      enter: (request, role) => within(request, enter(request, role)),
      signIn: (request, given) => within(request, signIn(request, given))
    })
  })
)

/** Returns the role of an endpoint. One that declares none is for admins only. */
const roleOf = (endpoint: HttpApiEndpoint.Top): Role =>
  Option.getOrElse(Context.getOption(endpoint.annotations, Needs), () => "admin" as const)

/** The middleware of the API. */
export const layer: Layer.Layer<Access, never, Gate> = Layer.effect(
  Access,
  Effect.map(
    Gate,
    ({ enter }) => (handler, { endpoint }) =>
      Effect.flatMap(
        HttpServerRequest.HttpServerRequest,
        (request) =>
          Effect.flatMap(
            enter(request, roleOf(endpoint)),
            (actor) => Effect.provideService(handler, CurrentActor, actor)
          )
      )
  )
)
