/**
 * The dashboard in a real browser, on the real API with planted failures: every page in both themes and three widths,
 * the walk of an operator by mouse and by keyboard, and texts of the database that try to break out.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { DeadLetters } from "millrace"
import { inject } from "vitest"
import { limit } from "../harness/patience.ts"
import { eventually, freshSchema } from "../postgres/kit.ts"
import { findings } from "./accessible.ts"
import { browser, browserRuns, type Look, step, watched } from "./chromium.ts"
import { committed, type Ledger, ledgerOf, ledgerTable, plant } from "./planted.ts"
import { Site, site, tokens } from "./site.ts"
import * as Walks from "./walks.ts"

const mouse = ledgerOf("mouse")
const keyboard = ledgerOf("keyboard")
const shown = ledgerOf("shown")

const looks: ReadonlyArray<Look> = [
  { width: 1360, theme: "light" },
  { width: 1360, theme: "dark" },
  { width: 900, theme: "light" },
  { width: 360, theme: "light" },
  { width: 360, theme: "dark" }
]

/** A page that is signed in as an operator. */
const signedIn = Effect.fnUntraced(function*(look: Look, token = tokens.operator) {
  const { at, origin } = yield* Site
  const seen = yield* watched(yield* browser, origin, look)
  yield* Walks.signIn(seen.page, at(""), token)
  return { ...seen, at }
})

const wide: Look = { width: 1360, theme: "light" }

/** Every page with the planted failures on it, and the dialogs by the key that opens them. */
const places = Effect.gen(function*() {
  const [newest] = yield* DeadLetters.list({ consumer: "shown", state: "open", tag: "PaymentDeclined" })
  const failure = `failures/shown/${encodeURIComponent(newest!.fingerprint)}`
  const dead = `dead-letters/${newest!.id}`
  return [
    ["#/"],
    ["#/failures"],
    ["#/failures?q=consumer%3Ashown&view=list"],
    [`#/${failure}`],
    [`#/${failure}`, "r"],
    [`#/${failure}`, "d"],
    [`#/${dead}`],
    [`#/${dead}`, "e"],
    ["#/keys"],
    [`#/keys/shown/${newest!.message.key}`],
    ["#/queues"],
    ["#/queues/shown"],
    ["#/workers"],
    ["#/workers?tab=lanes&consumer=shown"],
    ["#/workers?tab=suspects"],
    ["#/audit"],
    ["#/failures?run=all"],
    [`#/messages/${newest!.message.id}`],
    ["#/no-such-page"],
    ["#/queues/no-such-queue"],
    ["#/", "?"],
    ["#/", "Control+k"]
  ] as ReadonlyArray<readonly [place: string, key?: string]>
})

/** Nothing is lost, and nothing is applied twice. */
const reconciles = Effect.fnUntraced(function*({ consumer }: Ledger) {
  yield* eventually(
    Effect.map(DeadLetters.list({ consumer, state: "open" }), ({ length }) => length === 0),
    limit(20_000)
  )
  yield* eventually(Effect.map(committed(consumer), ({ length }) => length === 57), limit(20_000))
  const ids = yield* committed(consumer)
  assert.strictEqual(new Set(ids).size, 57)
})

const walk = (consumer: string): Walks.Walk => ({ consumer, fix: ["\"1250\"", "1250"] })

const all = site(inject("databaseUrl"), freshSchema(), [mouse, keyboard, shown].map(({ Payments }) => Payments))
const planted = Layer.effectDiscard(
  Effect.andThen(ledgerTable, Effect.forEach([mouse, keyboard, shown], plant, { discard: true }))
)

if (browserRuns("the dashboard in a browser")) {
  layer(Layer.provideMerge(planted, all), { excludeTestServices: true, timeout: limit(120_000) })(
    "the dashboard",
    (it) => {
      for (const look of looks) {
        it.effect(
          `has no finding of axe-core, and no page that is too wide, at ${look.width} pixels in the ${look.theme} theme`,
          () =>
            Effect.gen(function*() {
              const seen = yield* signedIn(look)
              const found: Array<string> = []
              for (const [place, key] of yield* places) {
                yield* Walks.visit(seen.page, seen.at(place))
                if (key !== undefined) {
                  yield* Walks.openDialog(seen.page, key)
                }
                found.push(...(yield* findings(seen)).map((each) => `${place} ${key ?? ""}: ${each}`))
              }
              assert.deepStrictEqual(found, [])
              assert.deepStrictEqual(seen.offences, [])
            }),
          limit(240_000)
        )
      }

      it.effect("finds, fixes and redrives by mouse, and the reconciliation comes right", () =>
        Effect.gen(function*() {
          const { offences, page } = yield* signedIn(wide)
          yield* Walks.editByMouse(page, walk("mouse"))
          mouse.bank.isDown = false
          yield* Walks.redriveByMouse(page, walk("mouse"))
          yield* reconciles(mouse)
          assert.deepStrictEqual(offences, [])
        }), limit(120_000))

      it.effect("finds, fixes and redrives by keyboard alone", () =>
        Effect.gen(function*() {
          const { offences, page } = yield* signedIn(wide)
          yield* Walks.editByKeys(page, walk("keyboard"))
          keyboard.bank.isDown = false
          yield* Walks.redriveByKeys(page, walk("keyboard"))
          yield* reconciles(keyboard)
          assert.deepStrictEqual(offences, [])
        }), limit(120_000))
    }
  )
}
