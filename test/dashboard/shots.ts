/**
 * `npm run docs:shots`: takes the screenshots of README in a real Chromium, on a dashboard with planted failures.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { DeadLetters, Topic } from "millrace"
import { join } from "node:path"
import { root } from "../scripts/run.ts"
import { givenOrStarted } from "../setup/server.ts"
import { Chromium, type Look, step, watched } from "./chromium.ts"
import { ledgerOf, ledgerTable, plant } from "./planted.ts"
import { Site, site, tokens } from "./site.ts"
import * as Walks from "./walks.ts"

const ledger = ledgerOf("ledger")

/** Each file with its look, its place, and the key that opens its dialog. */
const shots = Effect.gen(function*() {
  const { consumer } = ledger
  const [declined] = yield* DeadLetters.list({ consumer, state: "open", tag: "PaymentDeclined" })
  const [undecodable] = yield* DeadLetters.list({ consumer, state: "open", reason: "undecodable" })
  const group = `#/failures/${consumer}/${encodeURIComponent(declined!.fingerprint)}`
  return [
    ["overview", { width: 1360, theme: "light" }, "#/"],
    ["dead-letter", { width: 1360, theme: "dark" }, `#/dead-letters/${declined!.id}`],
    ["redrive", { width: 1360, theme: "light" }, group, "r"],
    ["phone", { width: 360, theme: "dark" }, `#/dead-letters/${undecodable!.id}`, "e"]
  ] satisfies ReadonlyArray<readonly [file: string, look: Look, place: string, key?: string]>
})

/** Publishes payments that succeed, so that queues and charts show work. */
const busy = Effect.gen(function*() {
  for (let n = 0;; n++) {
    const payments = Array.from({ length: 20 + n % 40 }, (_, i) => ({
      id: `busy-${n}-${i}`,
      account: `busy-${i}`,
      cents: n + i
    }))
    yield* Topic.publishAll(ledger.Payments, payments)
    yield* Effect.sleep("1 second")
  }
})

const take = Effect.gen(function*() {
  yield* ledgerTable
  yield* plant(ledger)
  yield* Effect.forkScoped(busy)
  const { at, origin } = yield* Site
  // The charts show the last ten minutes. After two they have something to show.
  yield* Effect.sleep("2 minutes")
  for (const [file, look, place, key] of yield* shots) {
    const { page } = yield* watched(origin, look)
    yield* Walks.signIn(page, at(""), tokens.operator)
    yield* Walks.turnTo(page, place)
    if (key !== undefined) yield* Walks.openDialog(page, key)
    if (key === "e") yield* step(() => page.getByText("1 issue").waitFor())
    const path = join(root, "src/dashboard/shots", `${file}.png`)
    yield* step(() => page.screenshot({ path }))
    yield* Console.log(path)
  }
}).pipe(Effect.scoped)

const server = await givenOrStarted()
NodeRuntime.runMain(
  take.pipe(
    Effect.provide(Layer.merge(site(server.url, `shots_${process.pid}`, [ledger.Payments]), Chromium.layer)),
    Effect.ensuring(Effect.promise(() => server.stop()))
  )
)
