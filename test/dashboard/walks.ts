/** The walk of an operator through the pages: by mouse, and by keyboard alone. */
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import type { Locator, Page } from "playwright-core"
import { painted, step } from "./chromium.ts"

/** Waits until the page shows its facts. */
const shows = async (page: Page) => {
  await page.locator("h1").waitFor()
  await page.locator("body:not(:has(.skeleton))").waitFor({ state: "attached" })
}

/** Loads the pages at a place, as a link from elsewhere does. */
export const visit = (page: Page, address: string) =>
  step(async () => {
    await page.goto("about:blank")
    await page.goto(address)
    await shows(page)
  })

/** Turns the loaded pages to a place, as their own links do. It takes a fifth of the time of a load. */
export const turnTo = (page: Page, fragment: string) =>
  step(async () => {
    await page.evaluate((to) =>
      new Promise<void>((turned) => {
        addEventListener("hashchange", () => turned(), { once: true })
        if (new URL(to, location.href).hash === location.hash) turned()
        location.hash = to
      }), fragment)
    await painted(page)
    await shows(page)
  })

/** Signs in by the form. */
export const signIn = (page: Page, address: string, token: string) =>
  step(async () => {
    await page.goto(address)
    await page.getByLabel("Token").fill(token)
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByRole("heading", { name: "Overview" }).waitFor()
  })

/** A consumer's poison groups, and how the payment that does not decode is fixed. */
export interface Walk {
  readonly consumer: string
  /** Before and after, within the payload. */
  readonly fix: readonly [from: string, to: string]
}

/** By mouse: finds the message that does not decode, reads its error, fixes its payload, and redrives it. */
export const editByMouse = (page: Page, { consumer, fix: [from, to] }: Walk) =>
  step(async () => {
    await page.getByRole("navigation", { name: "Pages", exact: true }).getByRole("link", { name: "Failures" }).click()
    const row = page.getByRole("row").filter({ hasText: consumer }).filter({ hasText: "undecodable" })
    await row.getByRole("link").first().click()
    await page.getByRole("row").getByRole("link", { name: `${consumer}-old-1` }).click()
    await page.getByText("cents").first().waitFor()
    await page.getByRole("button", { name: "Edit…" }).click()
    const area = page.getByRole("textbox", { name: "Payload" })
    const before = await area.inputValue()
    await area.fill(before.replace(from, to))
    await page.locator(".diff-row.is-added").waitFor()
    await page.getByRole("button", { name: "Redrive edited" }).click()
    await page.getByText("The edited message is back in its queue.").waitFor()
  })

/** By mouse: redrives one message of the group, sees its outcome, and continues with the rest. */
export const redriveByMouse = (page: Page, { consumer }: Walk) =>
  step(async () => {
    await page.getByRole("navigation", { name: "Pages", exact: true }).getByRole("link", { name: "Failures" }).click()
    const row = page.getByRole("row").filter({ hasText: consumer }).filter({ hasText: "PaymentDeclined" })
    await row.getByRole("checkbox").check()
    await page.getByRole("button", { name: "Redrive…" }).click()
    await page.getByRole("dialog").getByLabel("Note").fill("INC-812 fixed")
    await page.getByRole("textbox", { name: "Rate" }).fill("100")
    await page.getByRole("button", { name: "Start with 1" }).click()
    await page.getByRole("button", { name: "Continue with the rest" }).click()
    await page.getByRole("dialog").getByText("finished", { exact: true }).waitFor()
  })

/** Presses keys one after the other. */
export const press = (page: Page, ...keys: ReadonlyArray<string>) =>
  step(async () => {
    for (const key of keys) await page.keyboard.press(key)
  })

/** Presses the key of a dialog until the dialog is open. The key is off until the page has its facts. */
export const openDialog = (page: Page, key: string) =>
  step(async () => {
    const dialog = page.getByRole("dialog")
    while (await dialog.count() === 0) {
      await page.keyboard.press(key)
      await dialog.waitFor({ timeout: 1_000 }).catch(() => undefined)
    }
    await page.locator("body:not(:has(.skeleton))").waitFor({ state: "attached" })
  })

/** Closes the dialog. */
export const closeDialog = (page: Page) =>
  step(async () => {
    await page.keyboard.press("Escape")
    await page.getByRole("dialog").waitFor({ state: "detached" })
  })

/** Moves down the list until the row of this text has the focus. */
const moveTo = Effect.fnUntraced(function*(page: Page, texts: ReadonlyArray<string>) {
  for (let moved = 0; moved < 30; moved++) {
    yield* press(page, "j")
    const row = page.locator("tr:focus-within")
    const text = (yield* step(() => row.count())) === 0 ? "" : yield* step(() => row.innerText())
    if (texts.every((each) => text.includes(each))) return
  }
  return yield* Effect.die(new Error(`no row has ${texts.join(" and ")}`))
})

/** Presses Tab until the element of this name has the focus. */
const tabTo = Effect.fnUntraced(function*(page: Page, name: RegExp) {
  const focused = page.locator(":focus")
  for (let moved = 0; moved < 40; moved++) {
    const count = yield* step(() => focused.count())
    const text = count === 0 ?
      "" :
      yield* step(async () =>
        `${await focused.innerText().catch(() => "")} ${await focused.getAttribute("aria-label") ?? ""} ${await focused
          .evaluate((element) =>
            ("labels" in element ? [...(element.labels as NodeListOf<HTMLElement> | null) ?? []] : []).map((
              { innerText }
            ) => innerText).join(" ")
          )}`
      )
    if (name.test(text)) return
    yield* press(page, "Tab")
  }
  return yield* Effect.die(new Error(`nothing that matches ${name} gets the focus`))
})

const shown = (page: Page, text: string) => step(() => page.getByText(text).first().waitFor())

/** By keyboard alone: the same walk as by mouse. */
export const editByKeys = Effect.fnUntraced(function*(page: Page, { consumer, fix: [from, to] }: Walk) {
  yield* press(page, "g", "f")
  yield* step(() => page.getByRole("row").filter({ hasText: consumer }).first().waitFor())
  yield* moveTo(page, [consumer, "undecodable"])
  yield* press(page, "Enter")
  yield* step(() => page.getByRole("link", { name: `${consumer}-old-1` }).waitFor())
  yield* moveTo(page, [`${consumer}-old-1`])
  yield* press(page, "Enter")
  yield* step(() => page.getByRole("heading", { name: "Payload" }).waitFor())
  yield* openDialog(page, "e")
  const area = page.getByRole("textbox", { name: "Payload" })
  yield* step(() => area.waitFor())
  yield* tabTo(page, /^\s*Payload/)
  const before = yield* step(() => area.inputValue())
  yield* press(page, "Control+a")
  yield* step(() => page.keyboard.insertText(before.replace(from, to)))
  yield* step(() => page.locator(".diff-row.is-added").waitFor())
  yield* tabTo(page, /Redrive edited/)
  yield* press(page, "Enter")
  yield* shown(page, "The edited message is back in its queue.")
})

/** By keyboard alone: one message of the group, its outcome, and then the rest. */
export const redriveByKeys = Effect.fnUntraced(function*(page: Page, { consumer }: Walk) {
  yield* press(page, "g", "f")
  yield* step(() => page.getByRole("row").filter({ hasText: "PaymentDeclined" }).first().waitFor())
  yield* moveTo(page, [consumer, "PaymentDeclined"])
  yield* press(page, "x")
  yield* openDialog(page, "r")
  yield* step(() => page.getByRole("button", { name: "Start with 1" }).waitFor())
  yield* tabTo(page, /Rate/)
  yield* press(page, "Control+a")
  yield* step(() => page.keyboard.insertText("100"))
  yield* tabTo(page, /Start with 1/)
  yield* press(page, "Enter")
  yield* step(() => page.getByRole("button", { name: "Continue with the rest" }).waitFor())
  yield* tabTo(page, /Continue with the rest/)
  yield* press(page, "Enter")
  yield* step(() => page.getByRole("dialog").getByText("finished", { exact: true }).waitFor())
  yield* closeDialog(page)
})

/** Confirms the open dialog by its button. */
export const confirm = (page: Page, name: string) =>
  step(() => page.getByRole("dialog").getByRole("button", { name, exact: true }).click())

export const search = (page: Page, text: string) =>
  step(async () => {
    await page.getByRole("textbox", { name: "Search dead letters" }).fill(text)
    await page.keyboard.press("Enter")
  })

/** Returns the rows of failures or dead letters with all of these texts. */
export const rowsOf = (page: Page, ...texts: ReadonlyArray<string>) =>
  step(async () => {
    const rows = texts.reduce<Locator>((found, hasText) => found.filter({ hasText }), page.getByRole("row"))
    await rows.first().waitFor()
    return rows.all()
  })

/** Opens the first dead letter of a list, goes to the next one and back, and sees which of how many it is. */
export const stepThrough = Effect.fnUntraced(function*(page: Page, many: number) {
  yield* step(() => page.locator(".main .row-link").first().click())
  const place = (n: number) => step(() => page.getByText(`${n} of ${many}`, { exact: true }).waitFor())
  yield* place(1)
  yield* press(page, "j")
  yield* place(2)
  yield* step(() => page.getByRole("button", { name: "Next (j)" }).click())
  yield* place(3)
  yield* press(page, "k")
  yield* place(2)
})

/** Notes something about the failure of the page, and sees the note with its author. */
export const note = (page: Page, text: string) =>
  step(async () => {
    await page.getByRole("button", { name: "Note…" }).click()
    await page.getByRole("dialog").getByLabel("Note").fill(text)
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click()
    await page.locator(".facts").getByText(text).waitFor()
    await page.locator(".facts").getByText("anna").waitFor()
  })

/** Returns the lines of the exported file. */
export const exported = (page: Page) =>
  step(async () => {
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Export" }).click()
    ])
    return readFileSync(await file.path(), "utf8").trim().split("\n").map((line): unknown => JSON.parse(line))
  })

/** Selects all failures of the place, sees a preview that covers them, and redrives them by one run. */
export const redriveSeveral = Effect.fnUntraced(function*(page: Page, address: string, many: number) {
  yield* visit(page, address)
  yield* step(async () => {
    for (const box of await page.getByRole("checkbox").all()) await box.check()
  })
  yield* openDialog(page, "r")
  const dialog = page.getByRole("dialog")
  yield* step(() => dialog.getByRole("heading", { name: "Redrive 2 failures" }).waitFor())
  yield* step(() => dialog.locator(".facts").getByText(String(many), { exact: true }).first().waitFor())
  yield* step(() => dialog.getByText("1, then 10, then the rest").click())
  yield* step(() => dialog.getByLabel("Rate", { exact: true }).fill("100"))
  yield* confirm(page, "Start")
  yield* step(() => page.getByText("The run is started.").waitFor())
})
