/**
 * `millrace dashboard`: serves the HTTP API and the pages until it is interrupted. It is closed by default.
 *
 * On this machine a one-time code in the printed address signs in. An address that other machines reach needs a token,
 * and no code is printed.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import type { Role, ServerOptions, Token } from "../../http/index.ts"
import { CliFailure, usage } from "../frame/CliFailure.ts"
import { connectedToDatabase } from "../frame/Connect.ts"
import { operator, variable } from "../frame/GlobalSettings.ts"
import * as Options from "../look/Options.ts"

const roles = ["viewer", "operator", "admin"] as const satisfies ReadonlyArray<Role>

const flags = {
  port: Options.int("port", "The port, 0 to 65535. Default 4055; 0 takes a free one", 4055, 0, 65_535),
  host: Flag.String("host").pipe(
    Flag.withMetavar("address"),
    Flag.withDescription("The address to listen on. Default 127.0.0.1. Any other address needs a token"),
    Flag.withDefault("127.0.0.1")
  ),
  tokenFile: Options.text(
    "token-file",
    "file",
    "A file with a token, or lines of: role name token. Or set MILLRACE_TOKEN"
  ),
  role: Flag.Literals("role", roles).pipe(
    Flag.withDescription("The role of the printed code and of a token without a role. Default admin"),
    Flag.withDefault("admin")
  ),
  allowHost: Flag.String("allow-host").pipe(
    Flag.withMetavar("name"),
    Flag.withDescription("Another name under which browsers reach the server. Can be repeated"),
    Flag.atLeast(0)
  ),
  hide: Flag.String("hide").pipe(
    Flag.withMetavar("path"),
    Flag.withDescription("A JSON path of payloads that is never shown: $.card.number. Can be repeated"),
    Flag.atLeast(0)
  ),
  payloadsOnRequest: Options.toggle("payloads-on-request", "Show a payload only when the operator asks for it"),
  traceUrl: Options.traceUrl,
  open: Options.toggle("open", "Open the address in the browser of this machine")
}

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/.test(host)

/** Returns the token of a line: `secret`, or `role name secret`. */
const tokenOf = (line: string, role: Role, name: string): Effect.Effect<Token, CliFailure> => {
  const parts = line.split(/\s+/)
  const given = roles.find((one) => one === parts[0])
  return parts.length === 1
    ? Effect.succeed({ token: Redacted.make(line), role, name })
    : parts.length === 3 && given !== undefined
    ? Effect.succeed({ token: Redacted.make(parts[2]!), role: given, name: parts[1]! })
    : usage("A line of the token file is neither a token nor `role name token`. Roles: viewer, operator, admin.")
}

/** Returns the tokens of the file and of MILLRACE_TOKEN. */
const tokens = Effect.fnUntraced(function*(file: string | undefined, role: Role, name: string) {
  const files = yield* FileSystem.FileSystem
  const text = file === undefined ? "" : yield* Effect.mapError(
    files.readFileString(file),
    (error) =>
      new CliFailure({
        reason: "usage",
        type: "token-file",
        message: `The token file ${JSON.stringify(file)} cannot be read: ${error.message}. Nothing was started.`
      })
  )
  const secret = yield* Effect.orElseSucceed(Config.Redacted("MILLRACE_TOKEN"), () => Redacted.make(""))
  const lines = [...text.split("\n"), Redacted.value(secret)].map((line) => line.trim()).filter((line) => line !== "")
  return yield* Effect.forEach(lines, (line) => tokenOf(line, role, name))
})

export const dashboard = Command.make(
  "dashboard",
  flags,
  ({ allowHost, hide, host, open, payloadsOnRequest, port, role, tokenFile, traceUrl }) =>
    Effect.gen(function*() {
      const { by } = yield* operator
      const known = yield* tokens(Option.getOrUndefined(tokenFile), role, by)
      if (!isLoopback(host) && known.length === 0) {
        return yield* usage(
          `Other machines reach the address ${JSON.stringify(host)}, and no token protects it. Nothing was started.\n`
            + "Write a token into a file (`openssl rand -base64 24 > token`) and pass --token-file token, or leave --host out."
        )
      }
      // The output of a server for other machines is often a log that others read, so no code stands in it.
      const code = isLoopback(host) ? randomBytes(16).toString("base64url") : undefined
      const options: ServerOptions = {
        tokens: known,
        ...(code === undefined ? {} : { code: { code: Redacted.make(code), actor: { name: by, role } } }),
        hosts: [...allowHost, ...(["0.0.0.0", "::"].includes(host) ? [] : [host])],
        hide,
        traceUrl: Option.getOrUndefined(traceUrl) ?? (yield* variable("MILLRACE_TRACE_URL")),
        payloads: payloadsOnRequest ? "onRequest" : "shown"
      }
      // The server is loaded here, since no other command needs it.
      const { serve } = yield* Effect.promise(() => import("./DashboardServer.ts"))
      return yield* connectedToDatabase(serve(options, { code, host, open, port }))
    })
).pipe(Command.withDescription("Serve the pages and the HTTP API of the operations, until it is interrupted"))
