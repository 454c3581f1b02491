/**
 * The real payloads: every example in `@octokit/webhooks-examples`.
 *
 * A payload can be renamed to another repository.
 * So a few hundred examples make the traffic of a few hundred repositories.
 */
import { Schema } from "effect"
import { createRequire } from "node:module"

/** One example: the value of the header `X-GitHub-Event`, and the body that GitHub posts. */
export interface Example {
  readonly kind: string
  readonly payload: Schema.JsonObject
  /** False for webhooks of a whole account: an organisation, a sponsorship, an installed app. */
  readonly ofRepository: boolean
}

const Kinds = Schema.Array(Schema.Struct({ name: Schema.String, examples: Schema.Array(Schema.JsonObject) }))

const isObject = (value: Schema.Json | undefined): value is Schema.JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const require = createRequire(import.meta.url)

/** All of them, in the package's order. The package is one JSON file, so it is checked like any other input. */
export const examples: ReadonlyArray<Example> = Schema.decodeUnknownSync(Kinds)(
  require("@octokit/webhooks-examples")
).flatMap(({ name, examples }) =>
  examples.map((payload) => ({ kind: name, payload, ofRepository: isObject(payload["repository"]) }))
)

/** The payload with its repository and its owner renamed; everything else stays as GitHub sent it. */
export const renamed = (payload: Schema.JsonObject, account: string, repository: string | null): Schema.JsonObject => {
  const owned = (owner: Schema.Json | undefined) => isObject(owner) ? { owner: { ...owner, login: account } } : {}
  const from = payload["repository"]
  const organization = payload["organization"]
  return {
    ...payload,
    ...(repository !== null && isObject(from)
      ? {
        repository: {
          ...from,
          full_name: repository,
          name: repository.slice(account.length + 1),
          ...owned(from["owner"])
        }
      }
      : {}),
    ...(isObject(organization) ? { organization: { ...organization, login: account } } : {})
  }
}

/** Accounts and repositories for `count` repositories, five to an account: `octo-org-12/hello-world-60`. */
export const repositories = (count: number): ReadonlyArray<{ readonly account: string; readonly name: string }> =>
  Array.from({ length: count }, (_, index) => {
    const number = Math.floor(index / 5)
    const account = `${owners[number % owners.length]}-${number + 1}`
    return { account, name: `${account}/${projects[index % projects.length]}-${index + 1}` }
  })

const owners = ["octo-org", "codertocat", "octocoders", "electron", "octocat"]
const projects = ["hello-world", "sample-app", "octo-repo", "pika-pack", "elastic-machines", "event-schemas"]
