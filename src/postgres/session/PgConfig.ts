/**
 * Reads settings from variables of the environment. Each error names the variable, its present value, and an example.
 * No error shows the value of a secret.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { InvalidConfig } from "../../Errors.ts"
import { problem } from "../sql/names.ts"

/** A variable of the environment: its name, its expected form, and how to parse its text. */
interface Variable<A> {
  readonly name: string
  readonly expected: string
  readonly example: string
  /** True if no error must show the value. */
  readonly secret?: boolean
  /** Returns the value, or undefined if the text does not parse. */
  readonly parse: (text: string) => A | undefined
}

/** Returns whether the text is a URL that the driver accepts. */
export const isPostgresUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const { protocol } = new URL(text)
  return protocol === "postgres:" || protocol === "postgresql:"
}

const url: Variable<Redacted.Redacted> = {
  name: "DATABASE_URL",
  expected: "the URL of a Postgres database",
  example: "postgres://user:password@localhost:5432/app",
  secret: true,
  parse: (text) => isPostgresUrl(text) ? Redacted.make(text) : undefined
}

const schema: Variable<string> = {
  name: "MILLRACE_SCHEMA",
  expected:
    "the name of a schema (letters, digits, underscore and dash, at most 50, beginning with a letter or underscore "
    + "and not with pg_)",
  example: "millrace",
  parse: (text) => problem(text) === undefined ? text : undefined
}

const migrate: Variable<"auto" | "check"> = {
  name: "MILLRACE_MIGRATE",
  expected: "auto or check",
  example: "auto",
  parse: (text) => text === "auto" || text === "check" ? text : undefined
}

const pool: Variable<number> = {
  name: "MILLRACE_POOL",
  expected: "a number of connections from 1 to 1000",
  example: "10",
  parse: (text) => /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= 1_000 ? Number(text) : undefined
}

const pooler: Variable<boolean> = {
  name: "MILLRACE_POOLER",
  expected: "true or false",
  example: "true",
  parse: (text) => text === "true" ? true : text === "false" ? false : undefined
}

const invalid = (variable: Variable<unknown>, got: string): InvalidConfig =>
  new InvalidConfig({ variable: variable.name, got, expected: variable.expected, example: variable.example })

/** Returns the variable's value, or undefined if the variable is not set or is empty. */
const optional = <A>(variable: Variable<A>): Effect.Effect<A | undefined, InvalidConfig> =>
  Effect.flatMap(
    Effect.catch(Config.withDefault(Config.String(variable.name), ""), () =>
      Effect.fail(invalid(variable, "not a text"))),
    (text) => {
      if (text === "") {
        return Effect.succeed(undefined)
      }
      const value = variable.parse(text)
      return value === undefined
        ? Effect.fail(
          invalid(variable, variable.secret === true ? "something else" : JSON.stringify(text.slice(0, 80)))
        )
        : Effect.succeed(value)
    }
  )

const required = <A>(variable: Variable<A>): Effect.Effect<A, InvalidConfig> =>
  Effect.flatMap(
    optional(variable),
    (value) => value === undefined ? Effect.fail(invalid(variable, "nothing")) : Effect.succeed(value)
  )

/**
 * Reads all variables. Fails with `InvalidConfig` for the first variable that is missing or does not parse. A variable
 * that is not set has no property in the result.
 */
export const options = Effect.map(
  Effect.all({
    url: required(url),
    schema: optional(schema),
    migrate: optional(migrate),
    maxConnections: optional(pool),
    pooler: optional(pooler)
  }),
  ({ maxConnections, migrate, pooler, schema, url }) => ({
    url,
    ...(schema === undefined ? {} : { schema }),
    ...(migrate === undefined ? {} : { migrate }),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(pooler === undefined ? {} : { pooler })
  })
)
