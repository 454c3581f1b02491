/**
 * The dashboard in a real browser, on the real API with planted failures. Every page is checked in both themes and
 * three widths. An operator walks by mouse and by keyboard. Texts of the database try to break out.
 */
import { assert, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { DeadLetters } from "millrace"
import { inject } from "vitest"
import { limit } from "../harness/patience.ts"
import { eventually, freshSchema } from "../postgres/kit.ts"
import { checked } from "./accessible.ts"
import { browserRuns, changeLook, Chromium, type Look, step, watched } from "./chromium.ts"
import { consumer, corpus, plantHostile } from "./hostileTexts.ts"
import { committed, type Ledger, ledgerOf, ledgerTable, plant } from "./planted.ts"
import { code, Site, site, tokens } from "./site.ts"
import * as Walks from "./walks.ts"

const mouse = ledgerOf("mouse")
const keyboard = ledgerOf("keyboard")
const shown = ledgerOf("shown")
const several = ledgerOf("several")

/** The looks in which every page is checked. A phone is another device, so that it has a page of its own. */
const devices: ReadonlyArray<readonly [first: Look, ...others: ReadonlyArray<Look>]> = [
  [{ width: 1360, theme: "light" }, { width: 1360, theme: "dark" }, { width: 900, theme: "light" }],
  [{ width: 360, theme: "light" }, { width: 360, theme: "dark" }]
]

/** A page that is signed in as an operator. */
const signedIn = Effect.fnUntraced(function*(look: Look, token = tokens.operator) {
  const { at, origin } = yield* Site
  const seen = yield* watched(origin, look)
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
    ["#/messages/shown-first-1-2"],
    ["#/no-such-page"],
    ["#/queues/no-such-queue"],
    ["#/", "?"],
    ["#/", "Control+k"]
  ] as ReadonlyArray<readonly [place: string, key?: string]>
})

/** Elements that the pages never make. A text that became markup would bring one. */
const foreignElements =
  "iframe, base, object, embed, u, em, body i[onclick], img, [onerror], [onload], [srcdoc], form[action], a[href^='javascript']"

/** Characters that no shown text has: controls but tabs and line breaks, and characters that reorder or hide others. */
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/

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

const all = site(
  inject("databaseUrl"),
  freshSchema(),
  [mouse, keyboard, shown, several].map(({ Payments }) => Payments)
)
const planted = Layer.effectDiscard(
  Effect.andThen(ledgerTable, Effect.forEach([mouse, keyboard, shown, several], plant, { discard: true }))
)

if (browserRuns("the dashboard in a browser")) {
  layer(Layer.mergeAll(Layer.provideMerge(planted, all), Chromium.layer), {
    excludeTestServices: true,
    timeout: limit(120_000)
  })(
    "the dashboard",
    (it) => {
      for (const looks of devices) {
        const names = looks.map(({ theme, width }) => `${theme} at ${width} pixels`).join(", ")
        it.effect(`has no finding of axe-core, and no page that is too wide: ${names}`, () =>
          Effect.gen(function*() {
            const seen = yield* signedIn(looks[0])
            const check = yield* checked(seen)
            const found: Array<string> = []
            for (const [place, key] of yield* places) {
              yield* Walks.turnTo(seen.page, place)
              if (key !== undefined) yield* Walks.openDialog(seen.page, key)
              for (const look of looks) {
                yield* changeLook(seen.page, look)
                found.push(
                  ...(yield* check(look)).map((each) => `${place} ${key ?? ""} ${look.theme} ${look.width}: ${each}`)
                )
              }
              if (key !== undefined) yield* Walks.closeDialog(seen.page)
            }
            assert.deepStrictEqual(found, [])
            assert.deepStrictEqual(seen.offences, [])
          }), limit(240_000))
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

      it.effect(
        "shows a waiting message with its place and payload, and links to its trace without an opener",
        () =>
          Effect.gen(function*() {
            const { offences, page } = yield* signedIn(wide)
            yield* Walks.turnTo(page, "#/keys/shown/first-1")
            yield* step(async () => {
              await page.getByRole("link", { name: "shown-first-1-2" }).click()
              await page.getByText("Before it in its key").waitFor()
            })
            const [href, rel, texts] = yield* step(async () => {
              const link = page.locator("a[target=_blank]")
              return [
                await link.getAttribute("href"),
                await link.getAttribute("rel"),
                (await page.locator(".facts dd").allInnerTexts()).concat(await page.locator(".payload").innerText())
              ] as const
            })
            assert.match(href ?? "", /^https:\/\/traces\.example\.com\/trace\/[0-9a-f]{32}$/)
            assert.strictEqual(rel, "noopener noreferrer")
            assert.includeMembers([...texts], ["held", "payments-shown", "1"])
            assert.match(texts.at(-1) ?? "", /shown-first-1-2/)
            assert.deepStrictEqual(offences, [])
          }),
        limit(60_000)
      )

      it.effect(
        "searches, steps from one to the next, notes, exports, and decides about several failures at once",
        () =>
          Effect.gen(function*() {
            const { at, offences, page } = yield* signedIn(wide)
            yield* Walks.visit(page, at("#/failures"))
            yield* Walks.search(page, "consumer:several payload.cents:100 first-national")
            yield* step(() => page.getByText("Looked at all 13 that match the rest.").waitFor())
            yield* Walks.stepThrough(page, 12)
            yield* Walks.visit(page, at("#/failures?q=consumer%3Aseveral"))
            const [row] = yield* Walks.rowsOf(page, "several", "PaymentDeclined")
            yield* step(() => row!.getByRole("link").first().click())
            yield* step(() => page.getByRole("img", { name: /^Dead letters a minute/ }).waitFor())
            yield* step(() => page.getByText("Version 1.4.3").waitFor())
            yield* Walks.note(page, "bank is down, INC-812")
            assert.strictEqual((yield* Walks.exported(page)).length, 12)
            several.bank.isDown = false
            yield* Walks.redriveSeveral(page, at("#/failures?q=consumer%3Aseveral"), 13)
            yield* eventually(Effect.map(committed("several"), ({ length }) => length === 56), limit(20_000))
            assert.deepStrictEqual(offences, [])
          }),
        limit(120_000)
      )

      it.effect("tells the second of two operators who was first, and when", () =>
        Effect.gen(function*() {
          const open = DeadLetters.list({ consumer: "several", state: "open" })
          yield* eventually(Effect.map(open, ({ length }) => length === 1), limit(20_000))
          const [newest] = yield* open
          const [anna, ben] = [yield* signedIn(wide), yield* signedIn(wide, tokens.other)]
          for (const { at, page } of [anna, ben]) {
            yield* Walks.visit(page, at(`#/dead-letters/${newest!.id}`))
            yield* Walks.openDialog(page, "d")
          }
          yield* Walks.confirm(anna.page, "Discard")
          yield* step(() => anna.page.getByText("The dead letter is discarded.").waitFor())
          yield* Walks.confirm(ben.page, "Discard")
          yield* step(() => ben.page.getByText(/has changed since you saw it\..* anna was first, .+ ago\./).waitFor())
          assert.strictEqual((yield* DeadLetters.get(newest!.id)).changedBy, "anna")
          yield* step(() => anna.page.getByRole("button", { name: "Undo" }).click())
          yield* step(() => anna.page.getByText("The dead letter is open again.").waitFor())
          assert.deepStrictEqual([...anna.offences, ...ben.offences], [])
        }), limit(60_000))

      it.effect("finds, fixes and redrives by keyboard alone", () =>
        Effect.gen(function*() {
          const { offences, page } = yield* signedIn(wide)
          yield* Walks.editByKeys(page, walk("keyboard"))
          keyboard.bank.isDown = false
          yield* Walks.redriveByKeys(page, walk("keyboard"))
          yield* reconciles(keyboard)
          assert.deepStrictEqual(offences, [])
        }), limit(120_000))

      it.effect("shows hostile texts as texts: no dialog, no report, no element of them", () =>
        Effect.gen(function*() {
          const planted = yield* plantHostile
          const { at, offences, page } = yield* signedIn(wide)
          const open = encodeURIComponent(consumer)
          const [first] = yield* DeadLetters.list({ consumer, state: "open" })
          const turn = (place: string) => [place, Walks.turnTo(page, place)] as const
          const visit = (place: string) => [place, Walks.visit(page, at(place))] as const
          const visits = [
            ...[
              "#/",
              "#/failures?view=list",
              `#/failures/${open}/${encodeURIComponent(first!.fingerprint)}`,
              `#/keys?consumer=${open}`,
              `#/queues/${open}`,
              `#/workers?tab=lanes&consumer=${open}`,
              "#/audit",
              ...planted.flatMap(({ id, key, messageId }) => [
                `#/dead-letters/${id}`,
                `#/keys/${open}/${encodeURIComponent(key)}`,
                `#/messages/${encodeURIComponent(messageId)}`
              ])
            ].map(turn),
            // A link may bring such a text: a page starts with it.
            ...corpus.flatMap((text) => {
              const encoded = encodeURIComponent(text)
              return [`#/failures?q=${encoded}&run=${encoded}`, `#/${encoded}/${encoded}?tab=${encoded}`]
            }).map(visit)
          ]
          for (const [place, show] of visits) {
            yield* show
            const title = yield* step(() => page.title())
            assert.match(title, / · Millrace$/, place)
            assert.notMatch(title, hidden, place)
            const foreign = yield* step(() => page.locator(foreignElements).count())
            assert.strictEqual(foreign, 0, place)
            const text = yield* step(() => page.locator("main").innerText())
            assert.notMatch(text, hidden, place)
          }
          assert.deepStrictEqual(offences, [])
        }), limit(240_000))

      it.effect("offers a viewer no action, and says why", () =>
        Effect.gen(function*() {
          const { at, page } = yield* signedIn(wide, tokens.viewer)
          const [newest] = yield* DeadLetters.list({ consumer: "shown", state: "open" })
          yield* Walks.visit(page, at(`#/dead-letters/${newest!.id}`))
          for (const name of ["Redrive…", "Edit…", "Discard…", "Release key"]) {
            const button = page.getByRole("button", { name })
            yield* step(() => button.waitFor())
            assert.strictEqual(yield* step(() => button.getAttribute("aria-disabled")), "true", name)
            assert.include(yield* step(() => button.getAttribute("title")), "Your role is viewer")
          }
          yield* Walks.press(page, "r", "e", "d")
          assert.strictEqual(yield* step(() => page.getByRole("dialog").count()), 0)
          yield* Walks.openDialog(page, "?")
          yield* step(() => page.getByRole("button", { name: "Sign out" }).click())
          yield* step(() => page.getByRole("heading", { name: "Sign in" }).waitFor())
          yield* step(() => page.reload())
          yield* step(() => page.getByRole("heading", { name: "Sign in" }).waitFor())
        }), limit(60_000))

      it.effect(
        "says that a session may still be open after a sign-out that failed",
        () =>
          Effect.gen(function*() {
            const { at, origin } = yield* Site
            const { page } = yield* watched(origin, wide)
            yield* Walks.signIn(page, at(""), tokens.operator)
            yield* step(() =>
              page.route(
                "**/api/v1/session",
                (route) => route.request().method() === "DELETE" ? route.abort() : route.continue()
              )
            )
            yield* Walks.openDialog(page, "?")
            yield* step(() => page.getByRole("button", { name: "Sign out" }).click())
            yield* step(() => page.getByText("it may still be open").waitFor())
          }),
        limit(60_000)
      )

      it.effect("signs in once by the code of a link, and leaves the code in no address", () =>
        Effect.gen(function*() {
          const { at, origin } = yield* Site
          const { page } = yield* watched(origin, wide)
          yield* step(() => page.goto(at(`#code=${code}`)))
          yield* step(() => page.getByRole("heading", { name: "Overview" }).waitFor())
          assert.strictEqual(page.url(), at("#/"))
          yield* step(() => page.reload())
          yield* step(() => page.getByText("otto").first().waitFor())
          const again = yield* watched(origin, wide)
          yield* step(() => again.page.goto(at(`#code=${code}`)))
          yield* step(() => again.page.getByRole("heading", { name: "Sign in" }).waitFor())
        }), limit(60_000))

      it.effect(
        "signs in, pauses a key and copies on plain http under a name that is not localhost",
        () =>
          Effect.gen(function*() {
            const site = yield* Site
            const named = (address: string) => address.replace("127.0.0.1", "millrace.internal")
            const { offences, page } = yield* watched(named(site.origin), wide)
            const at = (place: string) => named(site.at(place))
            yield* Walks.signIn(page, at(""), tokens.operator)
            assert.isFalse(yield* step(() => page.evaluate("isSecureContext")))
            const [newest] = yield* DeadLetters.list({ consumer: "shown", state: "open" })
            const { consumer, message } = newest!
            yield* Walks.visit(page, at(`#/keys/${consumer}/${message.key}`))
            yield* step(() => page.getByRole("button", { name: "Pause key" }).click())
            yield* step(() => page.getByRole("button", { name: "Resume key" }).click())
            yield* step(() => page.getByRole("button", { name: "Copy the key" }).click())
            yield* step(() => page.getByRole("button", { name: "Copied" }).waitFor())
            yield* Walks.visit(page, at("#/failures"))
            yield* Walks.press(page, "/", "Control+v")
            assert.strictEqual(
              yield* step(() => page.getByRole("textbox", { name: "Search dead letters" }).inputValue()),
              message.key
            )
            assert.deepStrictEqual(offences, [])
          }),
        limit(60_000)
      )

      it.effect("has one live stream for all tabs, and another tab takes it over", () =>
        Effect.gen(function*() {
          const { at, context, page } = yield* signedIn(wide)
          yield* step(() => page.getByRole("button", { name: /^Live/ }).waitFor())
          let opened = 0
          context.on("request", (request) => {
            if (request.url().endsWith("/api/v1/events")) opened++
          })
          const other = yield* step(() => context.newPage())
          yield* Walks.visit(other, at("#/queues"))
          yield* step(() => other.getByRole("button", { name: /^Live/ }).waitFor())
          assert.strictEqual(opened, 0)
          yield* step(() => page.close())
          yield* eventually(Effect.sync(() => opened === 1), limit(15_000))
          yield* step(() => other.getByRole("button", { name: /^Live/ }).waitFor())
        }), limit(60_000))
    }
  )
} else {
  it.skipIf(true)("the dashboard was not tested, since there is no Chromium", () => {})
}
