/** Every example runs as its reader would run it and prints what it promises after `// Output:`. */
import { it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { execFile, spawn } from "node:child_process"
import { createHmac } from "node:crypto"
import { assert, inject } from "vitest"
import { limit } from "./harness/patience.ts"
import { anyServer, redisRuns } from "./redis/redisServer.ts"
import { root } from "./scripts/run.ts"
import { files, read } from "./scripts/source.ts"
import { freshDatabase } from "./setup/database.ts"
import { credentials, endpoint, plain, region } from "./sqs/sqsEndpoint.ts"

/** A server does not end; it has a test of its own below. */
const server = "examples/12-webhook-server.ts"
const examples = files("examples", ".ts").filter((path) => /^examples\/\d\d-[^/]+\.ts$/.test(path) && path !== server)

/** Milliseconds that an example may take. Several start at once, and PGlite alone needs seconds of processor time. */
const patient = limit(120_000)

/** The comment lines that end the file, after `// Output:`. */
const promised = (source: string): string | undefined => {
  const [, output] = /^\/\/ Output:[^\n]*\n((?:\/\/[^\n]*\n?)*)\s*$/m.exec(source) ?? []
  return output?.split("\n").map((line) => line.replace(/^\/\/ ?/, "").trimEnd()).join("\n").trim()
}

const printed = (path: string, env: Readonly<Record<string, string>>) =>
  Effect.callback<string>((resume) => {
    const child = execFile(
      process.execPath,
      ["--conditions=millrace-source", path],
      {
        cwd: root,
        timeout: patient,
        env: { ...process.env, ...env, NO_COLOR: "1" }
      },
      (error, stdout, stderr) =>
        resume(
          error === null
            ? Effect.succeed(stdout)
            : Effect.die(new Error(`${path}: ${error.message}\n${stdout}${stderr}`))
        )
    )
    return Effect.sync(() => child.kill())
  })

it(`finds ${examples.length} examples`, () => {
  assert.equal(promised("x()\n\n// Output:\n// one\n// two\n"), "one\ntwo")
  assert.isUndefined(promised("x()\n"))
})

it("the README begins with the first example, and with what it prints", () => {
  const source = read("examples/01-quick-start.ts")
  const program = source.slice(source.indexOf("import ")).trim()
  const [, first] = /^```ts\n([\s\S]*?)\n```$/m.exec(read("README.md")) ?? []
  assert.equal(first, program)
})

const redisRan = await redisRuns("the examples on Redis")
const needsRedis = (path: string) => read(path).includes("millrace/redis")

/** A new FIFO queue of the emulator, as the variables that name it. */
const queue = Effect.gen(function*() {
  const address = yield* endpoint
  const queueUrl = yield* Effect.flatMap(plain(address), (client) => client.createQueue(true))
  return {
    SQS_QUEUE_URL: queueUrl,
    SQS_ENDPOINT: address,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: Redacted.value(credentials.secretAccessKey)
  }
})

for (const path of examples.filter((path) => redisRan || !needsRedis(path))) {
  it.live(`${path} prints what it promises`, () =>
    Effect.gen(function*() {
      const expected = promised(read(path))
      assert.isDefined(expected, `${path} does not end in "// Output:" and the lines that it prints`)
      const env: Record<string, string> = { DATABASE_URL: yield* freshDatabase(inject("databaseUrl")) }
      if (needsRedis(path)) env["REDIS_URL"] = (yield* anyServer)!
      const output = yield* printed(path, read(path).includes("millrace/sqs") ? { ...env, ...(yield* queue) } : env)
      // The promise is about the program's own lines. A worker logs when it starts and stops, and a publisher names a
      // topic that no consumer reads yet. A worker on Redis warns about the settings of its server.
      const own = output.split("\n").filter((line) =>
        !/^\[[\d:.]+\] (?:INFO|WARN) \(#\d+\): (?:Worker |No consumer reads topic |Redis )/.test(line)
      )
      assert.equal(own.map((line) => line.trimEnd()).join("\n").trim(), expected)
    }), 2 * patient)
}

it.live(
  `${server} accepts signed webhooks, processes them, reports its health, and stops gracefully on SIGTERM`,
  () =>
    Effect.gen(function*() {
      const url = yield* freshDatabase(inject("databaseUrl"))
      const child = yield* Effect.acquireRelease(
        Effect.sync(() =>
          spawn(process.execPath, ["--conditions=millrace-source", server], {
            cwd: root,
            stdio: ["ignore", "pipe", "inherit"],
            env: { ...process.env, DATABASE_URL: url, PORT: "0", WEBHOOK_SECRET: "test", NO_COLOR: "1" }
          })
        ),
        (child) => Effect.sync(() => void child.kill("SIGKILL"))
      )
      const base = yield* Effect.callback<string>((resume) => {
        let output = ""
        child.stdout.on("data", (chunk) => {
          output += String(chunk)
          const [, port] = /:(\d+)/.exec(output.split("Listening on").at(1) ?? "") ?? []
          if (port !== undefined) resume(Effect.succeed(`http://127.0.0.1:${port}`))
        })
      })
      const ask = (path: string, init?: RequestInit) => Effect.promise(() => fetch(`${base}${path}`, init))
      const send = (id: string, body: string, secret = "test") =>
        Effect.map(
          ask("/webhooks", {
            method: "POST",
            body,
            headers: {
              "x-github-delivery": id,
              "x-github-event": "issues",
              "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`
            }
          }),
          (response) => response.status
        )
      const body = JSON.stringify({ repository: { full_name: "ada/engine" } })
      assert.equal(yield* send("1", body, "wrong"), 401)
      assert.equal(yield* send("1", "{}"), 400)
      assert.equal(yield* send("1", body), 202)
      assert.equal(yield* send("1", body), 202) // redelivered: it has no second effect
      const metrics = Effect.flatMap(ask("/metrics"), (response) => Effect.promise(() => response.text()))
      yield* Effect.repeat(metrics, {
        until: (text) => /outcome="committed"\S* 1$/m.test(text) && /outcome="duplicate"\S* 1$/m.test(text)
      })
      assert.equal((yield* ask("/health")).status, 200)
      const exit = Effect.callback<number | null>((resume) => {
        child.once("exit", (code) => resume(Effect.succeed(code)))
        child.kill("SIGTERM")
      })
      assert.equal(yield* exit, 0)
    }).pipe(Effect.scoped),
  2 * patient
)
