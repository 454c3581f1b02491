/**
 * The browser of the tests: a real headless Chromium, which `CHROMIUM` names or the system has. Where there is none,
 * the tests say loudly that they did not run.
 */
import { Context, Effect, Layer, Schema } from "effect"
import { existsSync } from "node:fs"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import { limit } from "../harness/patience.ts"
import { runsHere } from "../harness/runsHere.ts"

const candidates = [process.env["CHROMIUM"] ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"]
const program = candidates.find((path) => path !== "" && existsSync(path))

/** Whether tests that need the browser run here. If not, each test file prints it, and fails in CI. */
export const browserRuns = (what: string): boolean =>
  runsHere(program !== undefined, what, "There is no Chromium: install it, or set CHROMIUM to its path.")

/** Stays on this machine, and downloads nothing. */
const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A name that is not localhost, as behind a VPN. For it a browser has no secure context on plain http.
  "--host-resolver-rules=MAP millrace.internal 127.0.0.1"
]

/** A step of a test in the browser failed, for example because an element did not appear. */
class BrowserFailed extends Schema.TaggedError<BrowserFailed>()("BrowserFailed", { message: Schema.String }) {}

/** Runs a step in the browser. */
export const step = <A>(run: () => Promise<A>): Effect.Effect<A, BrowserFailed> =>
  Effect.tryPromise({ try: run, catch: (error) => new BrowserFailed({ message: String(error) }) })

/** The browser that the tests of a file share. Each page has a context of its own: cookies, storage and look. */
export class Chromium extends Context.Service<Chromium, Browser>()("test/Chromium") {
  /** Starts the browser. It ends with the scope. */
  static readonly layer = Layer.effect(
    Chromium,
    Effect.acquireRelease(
      step(() => chromium.launch({ executablePath: program!, args, timeout: limit(30_000) })),
      (browser) => Effect.promise(() => browser.close())
    )
  )
}

/** The look of a page. */
export interface Look {
  readonly width: 1360 | 900 | 360
  readonly theme: "light" | "dark"
}

const sizeOf = ({ width }: Look) => ({ width, height: width === 360 ? 780 : 900 })

/** Gives the page another look. The device stays: a wide page becomes no phone. */
export const changeLook = (page: Page, look: Look) =>
  step(async () => {
    await page.emulateMedia({ colorScheme: look.theme, reducedMotion: "reduce" })
    await page.setViewportSize(sizeOf(look))
    await page.waitForFunction((theme) => matchMedia(`(prefers-color-scheme: ${theme})`).matches, look.theme)
    await painted(page)
    await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== "running"))
  })

/** Waits until the page has drawn what its state asks for. */
export const painted = (page: Page) =>
  page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")

/** A page with everything that it must not do. */
export interface Watched {
  readonly page: Page
  readonly context: BrowserContext
  /** Dialogs, reports of the Content Security Policy, errors of scripts, and requests to another server. */
  readonly offences: Array<string>
}

/** Opens a page that notes each offence. It closes with the scope. */
export const watched = Effect.fnUntraced(function*(origin: string, look: Look) {
  const browser = yield* Chromium
  const context = yield* Effect.acquireRelease(
    step(() =>
      browser.newContext({
        viewport: sizeOf(look),
        colorScheme: look.theme,
        hasTouch: look.width === 360,
        isMobile: look.width === 360,
        reducedMotion: "reduce"
      })
    ),
    (context) => Effect.promise(() => context.close())
  )
  const page = yield* step(() => context.newPage())
  page.setDefaultTimeout(limit(10_000))
  const offences: Array<string> = []
  page.on("dialog", (dialog) => {
    offences.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on("pageerror", (error) => offences.push(`script: ${error.message}`))
  page.on("console", (message) => {
    if (/Content Security Policy|TrustedHTML|Trusted Type/.test(message.text())) offences.push(message.text())
  })
  page.on("request", (request) => {
    const { protocol, origin: other } = new URL(request.url())
    if (protocol !== "data:" && other !== origin) offences.push(`request: ${request.url()}`)
  })
  return { page, context, offences } satisfies Watched
})
