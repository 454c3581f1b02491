/** The commands that look, on Postgres: each shows its facts, and an unknown name is never an empty answer. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Consumers, DeadLetters, Topic } from "millrace"
import { inject } from "vitest"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { documentOf, ledger, millrace, type Surroundings } from "./commandLine.ts"

const schema = freshSchema()
const url = inject("databaseUrl")
const cli = (args: ReadonlyArray<string>, around: Surroundings = {}) =>
  millrace([...args, "--schema", schema], { ...around, env: { DATABASE_URL: url, ...around.env } })

/** A parked key with three messages behind it, a delayed key, and a committed message. */
const stuck = Effect.fnUntraced(function*(name: string, order?: "park" | "continue") {
  const made = ledger(name, order)
  yield* made.drain()
  yield* made.publish("bad1", "bad2", "bad3", "bad4", "good1", "slow1", "slow2")
  yield* made.drain()
  return made
})

layer(postgres(url, {}, schema), { excludeTestServices: true, timeout: 120_000 })("the command line looks", (it) => {
  it.effect("at each consumer, why it lags, and at one consumer in detail", () =>
    Effect.gen(function*() {
      yield* stuck("overview")
      const all = yield* cli(["status"])
      assert.match(all.stdout, /^CONSUMER +STATE +WAITING .* WHY\n/)
      assert.match(all.stdout, /\noverview +no worker +5 .* No worker of this consumer lives\. Start one\.\n/)
      assert.deepStrictEqual([all.code, all.stderr], [0, ""])
      const one = yield* cli(["status", "overview"])
      assert.match(one.stdout, /\nwaiting +5\n(.*\n)*parked keys +1\ndelayed keys +1\n/)
      const { asOf, data, schema: version } = documentOf(yield* cli(["status", "overview", "--json"]))
      assert.deepStrictEqual([version, data.consumer, data.waiting.value], [1, "overview", 5])
      assert.match(asOf, /^\d{4}-/)
      const lines = (yield* cli(["status", "--ndjson"])).stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
      assert.include(lines.map(({ consumer }) => consumer), "overview")
    }))

  it.effect("and fails a check when a consumer is above a limit, naming it", () =>
    Effect.gen(function*() {
      yield* stuck("limits")
      const crossed = yield* cli(["status", "limits", "--fail-on", "lag=1h,dead=0,parked=0"])
      assert.strictEqual(crossed.code, 8)
      assert.strictEqual(
        crossed.stderr,
        "\"limits\": dead is 1, and the limit is 0.\n\"limits\": parked is 1, and the limit is 0.\n"
      )
      assert.include(crossed.stdout, "limits")
      assert.strictEqual((yield* cli(["status", "limits", "--fail-on", "dead=1,parked=1,lag=1h"])).code, 0)
      for (const wrong of ["dead", "dead=x", "lag=60", "toString=1", "dead=1=2", ""]) {
        const refused = yield* cli(["status", "limits", "--fail-on", wrong])
        assert.deepStrictEqual([refused.code, refused.stdout], [2, ""], wrong)
      }
    }))

  it.effect("at stuck keys page by page, and at one key with its dead letter", () =>
    Effect.gen(function*() {
      yield* stuck("keyed")
      const [deadLetter] = yield* DeadLetters.list({ consumer: "keyed" })
      const first = documentOf(yield* cli(["stuck", "--consumer", "keyed", "--limit", "1", "--json"])) as any
      assert.deepStrictEqual([first.data[0].key, first.data[0].behind.value, first.next], ["bad", 3, "keyed:bad"])
      const second = yield* cli(["keys", "list", "--consumer", "keyed", "--after", "keyed:bad"])
      assert.match(second.stdout, /\nkeyed +slow +2 .* retry in \d/)
      assert.notInclude(second.stdout, " bad ")
      const shown = yield* cli(["keys", "show", "keyed", "bad"])
      const number = Number(deadLetter!.id)
      assert.include(shown.stdout, `parked by #${number} Declined`)
      assert.match(shown.stdout, /\nlast failure +Declined in .*, attempt 1\n/)
      const both = (yield* cli(["stuck", "--consumer", "keyed"])).stdout
      assert.match(both, /^CONSUMER .* HELD +LAST FAILURE\n/)
      assert.match(both, /\nkeyed +bad .* parked by #\d+ Declined +Declined in .*, attempt 1\n/)
      assert.match(both, /\nkeyed +slow .* retry in .* Declined in .*, attempt 1\n/)
      assert.match(shown.stdout, /messages behind +3\n/)
      assert.match(
        (yield* cli(["stuck", "--consumer", "keyed"])).stderr,
        new RegExp(`^next: millrace dead show ${number}\n`)
      )
      assert.strictEqual((yield* cli(["stuck", "--quiet"])).stderr, "")
      assert.strictEqual((yield* cli(["keys", "show", "keyed", "nope"])).code, 3)
    }))

  it.effect("at failures, dead letters, and one of them with attempts and payload", () =>
    Effect.gen(function*() {
      yield* stuck("failing", "continue")
      const groups = yield* cli(["dead", "groups", "--consumer", "failing"])
      assert.match(groups.stdout, /\nfailing +Declined +4 .* rejected +1\.4\.2 +- +Declined@/)
      assert.match(
        groups.stderr,
        /^next: millrace dead redrive --consumer failing --failure 'Declined@.*' --dry-run\n$/
      )
      const recently = yield* cli(["dead", "groups", "--consumer", "failing", "--since", "1h", "--json"])
      assert.strictEqual(documentOf(recently).data.length, 1)
      const future = yield* cli(["dead", "groups", "--consumer", "failing", "--since", "2999-01-01"])
      assert.deepStrictEqual([future.code, future.stdout], [0, "No open dead letter matches.\n"])
      const listed = yield* cli(["dead", "list", "--consumer", "failing", "--limit", "3"])
      assert.strictEqual(listed.stdout.trimEnd().split("\n").length, 4)
      assert.match(listed.stderr, /--before \d+/)
      const before = /--before (\d+)/.exec(listed.stderr)![1]!
      const rest = documentOf(yield* cli(["dead", "list", "--consumer", "failing", "--before", before, "--json"]))
      assert.deepStrictEqual(rest.data.map(({ message }: any) => message.id), ["failing-bad1"])
      const shown = yield* cli(["dead", "show", `#${Number(rest.data[0].id)}`])
      assert.match(shown.stdout, /\nmessage +failing-bad1\n/)
      assert.match(shown.stdout, /\n {3}1 {2}\d{4}-.*Z {2}Declined in .*, code 1\.4\.2\n/)
      assert.include(
        shown.stdout,
        "  {\n    \"id\": \"failing-bad1\",\n    \"account\": \"bad\",\n    \"cents\": 100\n  }\n"
      )
      const recent = yield* cli([
        "dead",
        "list",
        "--consumer",
        "failing",
        "--since",
        "1h",
        "--error",
        "Declined",
        "--json"
      ])
      assert.strictEqual(documentOf(recent).data.length, 4)
      const older = yield* cli(["dead", "list", "--consumer", "failing", "--until", "1h"])
      assert.strictEqual(older.stdout, "No dead letter matches.\n")
    }))

  it.effect("for a message, wherever it is", () =>
    Effect.gen(function*() {
      const { publish } = yield* stuck("finding")
      const found = yield* cli(["find", "finding-bad1"])
      assert.match(
        found.stdout,
        /^Consumer "finding" could not process it \(rejected, Declined\): dead letter \d+ is open/
      )
      const [deadLetter] = yield* DeadLetters.list({ consumer: "finding" })
      yield* DeadLetters.discard(deadLetter!.id, { by: "ben", note: "INC-812" })
      const decided = yield* cli(["find", "finding-bad1"])
      assert.match(decided.stdout, /ben +discarded +finding +#\d+ topic payments-finding key bad +INC-812\n/)
      yield* publish("new1")
      assert.match((yield* cli(["find", "finding-new1", "--key", "new"])).stdout, /^It waits in the queue/)
      assert.match((yield* cli(["find", "finding-good1"])).stdout, /committed it at/)
      const unknown = yield* cli(["find", "no-such-id", "--json"])
      assert.deepStrictEqual([unknown.code, unknown.stdout], [3, ""])
      assert.strictEqual(JSON.parse(unknown.stderr).type, "/problems/message-not-found")
    }))

  it.effect("at a message where it is stored, with its place, attempts, headers and payload", () =>
    Effect.gen(function*() {
      const { Payments, publish } = yield* stuck("stored")
      const held = yield* cli(["messages", "show", "stored-slow1"])
      assert.match(held.stdout, /^message +stored-slow1\nstate +held\nconsumer +stored\n/)
      assert.match(held.stdout, /\nplace +first of its key\nkey held +for a retry of message stored-slow1 in \d/)
      assert.match(held.stdout, /\ndue +\d{4}-\S+Z, in \d+[hms]/)
      assert.match(held.stdout, /\nattempts +1 failed\n(.*\n)*ATTEMPTS\n +1 .* Declined in /)
      assert.include(held.stdout, "\nPAYLOAD (version 1)\n  {\n    \"id\": \"stored-slow1\"")
      assert.match((yield* cli(["messages", "show", "stored-slow2"])).stdout, /\nplace +behind 1 of its key\n/)
      const parked = yield* cli(["messages", "show", "stored-bad4", "--key", "bad"])
      assert.match(parked.stdout, /\nplace +behind 2 of its key\nkey held +parked by #\d+ Declined\n/)
      assert.notInclude(parked.stdout, "\ndue ")

      const later = { id: "stored-later", account: "l", cents: 1 }
      yield* Topic.publish(Payments, later, { delay: "2 hours", name: "reminder" })
      const delayed = yield* cli(["messages", "show", "stored-later"])
      assert.match(
        delayed.stdout,
        /\nstate +delayed\ntopic +payments-stored\nkey +l\ndue +\S+Z, in (1h 59m|2h).*\nname +reminder\n/
      )
      assert.notMatch(delayed.stdout, /\n(consumer|published|attempts) /)
      assert.match((yield* cli(["delayed"])).stdout, /\npayments-stored +1 /)
      assert.isTrue(yield* Topic.cancel(Payments, { key: "l", name: "reminder" }))
      yield* ledger("stored-unread").publish("a1")
      const unrouted = documentOf(yield* cli(["messages", "show", "stored-unread-a1", "--json"])).data
      assert.deepStrictEqual(unrouted.map(({ message, state }: any) => [state, JSON.parse(message.payload).account]), [
        ["unrouted", "a"]
      ])

      const template = ["--trace-url", "https://traces.example.com/{traceId}"]
      yield* Effect.withSpan(publish("new1"), "checkout")
      const traced = yield* cli(["messages", "show", "stored-new1", ...template])
      const [, traceId] = /\ntrace +([0-9a-f]{32})\nopen +https:\/\/traces\.example\.com\/\1\n/.exec(traced.stdout) ??
        []
      assert.include(traced.stdout, `\nHEADERS\n  traceparent: 00-${traceId}-`)
      assert.match((yield* cli(["messages", "show", "stored-new1"])).stdout, new RegExp(`\\ntrace +${traceId}\\n\\n`))
      const [waiting] = documentOf(yield* cli(["messages", "show", "stored-new1", "--json"])).data
      assert.deepStrictEqual(
        [waiting.state, waiting.consumer, waiting.ahead, waiting.attempts, waiting.hold],
        ["waiting", "stored", { value: 0, kind: "exact" }, [], undefined]
      )
      for (
        const [id, says] of [["stored-good1", /committed it at/], ["stored-bad1", /dead letter \d+ is open/]] as const
      ) {
        const gone = yield* cli(["messages", "show", id])
        assert.deepStrictEqual([gone.code, gone.stdout], [3, ""], id)
        assert.match(gone.stderr, says)
      }
    }))

  it.effect("at the trace of a dead letter, by a safe address only", () =>
    Effect.gen(function*() {
      const { drain, publish } = ledger("traced")
      yield* drain()
      yield* Effect.withSpan(publish("bad1"), "checkout")
      yield* drain()
      const [{ id } = { id: "" }] = yield* DeadLetters.list({ consumer: "traced" })
      const env = { MILLRACE_TRACE_URL: "https://traces.example.com/{traceId}" }
      assert.match(
        (yield* cli(["dead", "show", id], { env })).stdout,
        /\nopen +https:\/\/traces\.example\.com\/[0-9a-f]{32}\n/
      )
      assert.match((yield* cli(["dead", "show", id])).stdout, /\ntrace +[0-9a-f]{32}\n\nATTEMPTS\n/)
      const refused = yield* cli(["dead", "show", id, "--trace-url", "javascript:{traceId}"])
      assert.deepStrictEqual([refused.code, refused.stdout], [2, ""])
      assert.match(refused.stderr, /traceUrl.*http or https/)
    }))

  it.effect("at workers, lanes, redrives, the audit, and what has no consumer or is not due", () =>
    Effect.gen(function*() {
      const made = yield* stuck("others")
      const unread = ledger("unread-topic")
      yield* unread.publish("a1", "a2")
      const [deadLetter] = yield* DeadLetters.list({ consumer: "others" })
      yield* DeadLetters.redrive(deadLetter!.id, { by: "anna", note: "fixed" })
      yield* made.drain({ current: false })
      assert.match((yield* cli(["redrives", "--consumer", "others"])).stdout, /\nothers +anna .* +1 +1 +0 +0 +fixed\n/)
      assert.match((yield* cli(["unrouted"])).stdout, /\npayments-unread-topic +2 /)
      assert.match((yield* cli(["delayed"])).stdout, /^No message waits until it is due\.\n$/)
      assert.match((yield* cli(["lanes", "others"])).stdout, /^LANE +WAITING +OLDEST +OWNER\n/)
      assert.strictEqual((yield* cli(["workers", "list", "--consumer", "others"])).code, 0)
      assert.match((yield* cli(["audit", "--consumer", "others"])).stdout, /anna +redriven +others +#\d+ .* fixed\n/)
      yield* Consumers.pause("others", { by: "ben" })
      assert.match((yield* cli(["audit", "--actor", "ben", "--action", "paused"])).stdout, /ben +paused +others/)
      assert.match((yield* cli(["status", "others"])).stdout, /\nstate +paused\nwhy +Paused by ben since/)
      const blockers = documentOf(yield* cli(["blockers", "--json"]))
      assert.isArray(blockers.data.blockers)
    }))

  it.effect("and names those that exist when a consumer, a failure or a dead letter does not", () =>
    Effect.gen(function*() {
      yield* stuck("existing")
      const unknown: ReadonlyArray<ReadonlyArray<string>> = [
        ["status", "exsting"],
        ["stuck", "--consumer", "exsting"],
        ["lanes", "exsting"],
        ["keys", "show", "exsting", "k"],
        ["workers", "list", "--consumer", "exsting"],
        ["workers", "suspects", "--consumer", "exsting"],
        ["keys", "advance", "exsting", "k"],
        ["messages", "dead-letter", "exsting", "m"],
        ["redrives", "--consumer", "exsting"],
        ["audit", "--consumer", "exsting"],
        ["dead", "groups", "--consumer", "exsting"],
        ["dead", "list", "--consumer", "exsting"],
        ["dead", "export", "--consumer", "exsting"],
        ["dead", "redrive", "--consumer", "exsting", "--yes"],
        ["dead", "discard", "--consumer", "exsting", "--yes"],
        ["consumers", "pause", "exsting", "--indefinitely"],
        ["consumers", "resume", "exsting"],
        ["workers", "evict", "exsting", "w", "--yes"],
        ["keys", "release", "exsting", "k"]
      ]
      for (const args of unknown) {
        const { code, stderr, stdout } = yield* cli(args)
        assert.deepStrictEqual([code, stdout], [3, ""], args.join(" "))
        assert.match(stderr, /^There is no consumer "exsting"\..*\nThere is: .*"existing"/, args.join(" "))
      }
      for (const action of ["redrive", "discard"]) {
        const failure = yield* cli(["dead", action, "--failure", "Nope@x", "--yes"])
        assert.deepStrictEqual([failure.code, failure.stdout], [3, ""], action)
        assert.match(failure.stderr, /\nThere is: .*"existing Declined@/)
      }
      assert.strictEqual((yield* cli(["dead", "groups", "--failure", "Nope@x"])).code, 3)
      for (const wrong of ["abc", "99999999999999999999"]) {
        assert.strictEqual((yield* cli(["dead", "show", wrong])).code, 3, wrong)
        for (const command of [["dead", "list", "--before"], ["audit", "--before"], ["audit", "--dead-letter"]]) {
          const { code, stderr } = yield* cli([...command, wrong])
          assert.strictEqual(code, 2, `${command.join(" ")} ${wrong}: ${stderr}`)
        }
      }
      const id = yield* cli(["dead", "show", "999999999"])
      assert.deepStrictEqual([id.code, id.stdout], [3, ""])
      assert.match(id.stderr, /millrace dead list/)
    }))
})
