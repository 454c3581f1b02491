/**
 * The browser of the tests: a real headless Chromium, which `CHROMIUM` names or the system has. Where there is none,
 * the tests say loudly that they did not run.
 */
import { Context, Effect, Layer, Schema } from "effect"
import { existsSync } from "node:fs"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import { limit } from "../harness/patience.ts"

const candidates = [process.env["CHROMIUM"] ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"]
const program = candidates.find((path) => path !== "" && existsSync(path))

/** Whether tests that need the browser run here. If not, each test file prints it. */
export const browserRuns = (what: string): boolean => {
  if (program === undefined) {
    console.error(`NOT RUN: ${what}. There is no Chromium: install it, or set CHROMIUM to its path.`)
  }
  return program !== undefined
}

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

/** The browser of a test file. Its start takes longer than most tests, so all of them share it. */
export class Chromium extends Context.Service<Chromium, Browser>()("test/Chromium") {}

export const browserLayer: Layer.Layer<Chromium, BrowserFailed> = Layer.effect(
  Chromium,
  Effect.acquireRelease(
    step(() => chromium.launch({ executablePath: program!, args, timeout: limit(30_000) })),
    (browser) => Effect.promise(() => browser.close())
  )
)

/** The look of a page. */
export interface Look {
  readonly width: 1360 | 900 | 360
  readonly theme: "light" | "dark"
}

/** A page with everything that it must not do. */
export interface Watched {
  readonly page: Page
  readonly context: BrowserContext
  /** Dialogs, reports of the Content Security Policy, errors of scripts, and requests to another server. */
  readonly offences: Array<string>
}

/** Shows the page in another look. A context of a phone stays one, and so does that of a desktop. */
export const lookAs = (page: Page, { theme, width }: Look) =>
  step(async () => {
    await page.setViewportSize({ width, height: heightOf(width) })
    await page.emulateMedia({ colorScheme: theme })
  })

const heightOf = (width: Look["width"]): number => width === 360 ? 780 : 900

/** Opens a page that notes each offence. It closes with the scope. */
export const watched = Effect.fnUntraced(function*(origin: string, look: Look) {
  const browser = yield* Chromium
  const context = yield* Effect.acquireRelease(
    step(() =>
      browser.newContext({
        viewport: { width: look.width, height: heightOf(look.width) },
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
