/**
 * Reads the address and the credentials of a queue from variables of the environment. Each error names the variable and
 * an example, and never shows a secret.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { InvalidConfig } from "../Errors.ts"

const queueExample = "https://sqs.eu-central-1.amazonaws.com/123456789012/payments.fifo"

const text = (variable: string, example: string) =>
  Effect.mapError(
    Config.withDefault(Config.String(variable), ""),
    () => new InvalidConfig({ variable, got: "not a text", expected: "a text", example })
  )

const address = (variable: string, expected: string, example: string) =>
  Effect.flatMap(text(variable, example), (got) =>
    got === "" || URL.canParse(got)
      ? Effect.succeed(got)
      : Effect.fail(new InvalidConfig({ variable, got: JSON.stringify(got.slice(0, 80)), expected, example })))

const missing = (variable: string, expected: string, example: string) =>
  Effect.fail(new InvalidConfig({ variable, got: "nothing", expected, example }))

/** Reads the variables. A variable that is not set has no property in the result. */
export const options = Effect.gen(function*() {
  const queueUrl = yield* address("SQS_QUEUE_URL", "the address of a queue of SQS", queueExample)
  if (queueUrl === "") return yield* missing("SQS_QUEUE_URL", "the address of a queue of SQS", queueExample)
  const endpoint = yield* address("SQS_ENDPOINT", "the address of the service", "http://localhost:4566")
  const region = yield* text("AWS_REGION", "eu-central-1")
  const accessKeyId = yield* text("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
  const secret = yield* text("AWS_SECRET_ACCESS_KEY", "the secret of that key")
  const session = yield* text("AWS_SESSION_TOKEN", "the token of a temporary session")
  if (accessKeyId !== "" && secret === "") {
    return yield* missing("AWS_SECRET_ACCESS_KEY", "the secret of AWS_ACCESS_KEY_ID", "the secret of that key")
  }
  const credentials = {
    accessKeyId,
    secretAccessKey: Redacted.make(secret),
    ...(session === "" ? {} : { sessionToken: Redacted.make(session) })
  }
  return {
    queueUrl,
    ...(endpoint === "" ? {} : { endpoint }),
    ...(region === "" ? {} : { region }),
    ...(accessKeyId === "" ? {} : { credentials })
  }
})
