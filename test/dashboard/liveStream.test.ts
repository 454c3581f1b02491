/** The live stream of a tab, on a page without a browser. A clock that the test moves drives its timers. */
import { afterAll, assert, beforeAll, describe, it, vi } from "vitest"

/** A connection as the browser has it. The test refuses it, as a server does after the end of the session. */
class Connection extends EventTarget {
  static readonly CLOSED = 2
  static readonly opened: Array<Connection> = []
  readyState = 0

  constructor() {
    super()
    Connection.opened.push(this)
  }

  refuse(): void {
    this.readyState = Connection.CLOSED
    this.dispatchEvent(new Event("error"))
  }

  close(): void {
    this.readyState = Connection.CLOSED
  }
}

const isOpen = ({ readyState }: Connection): boolean => readyState !== Connection.CLOSED
const openNow = (): number => Connection.opened.filter(isOpen).length

let live: typeof import("../../src/dashboard/data/Live.ts")

beforeAll(async () => {
  vi.useFakeTimers()
  const events = new EventTarget()
  Object.assign(globalThis, {
    document: Object.assign(new EventTarget(), { baseURI: "http://127.0.0.1/", hidden: false }),
    addEventListener: events.addEventListener.bind(events),
    removeEventListener: events.removeEventListener.bind(events),
    EventSource: Connection
  })
  // Another test file of this process may have loaded its modules, with another address.
  vi.resetModules()
  live = await import("../../src/dashboard/data/Live.ts")
})

afterAll(() => {
  vi.useRealTimers()
})

describe("the live stream", () => {
  it("is opened again after the server has refused it", () => {
    const stop = live.start()
    vi.advanceTimersByTime(200)
    assert.strictEqual(openNow(), 1)
    const before = live.changes.peek()
    Connection.opened.at(-1)!.refuse()
    // The facts are read again, so a session that has ended shows the form to sign in.
    assert.isAbove(live.changes.peek(), before)
    assert.strictEqual(openNow(), 0)
    vi.advanceTimersByTime(2_000)
    assert.strictEqual(openNow(), 1)
    stop()
  })

  it("ends with the session of the tab, and is one stream after the next sign-in", () => {
    assert.strictEqual(openNow(), 0)
    vi.advanceTimersByTime(20_000)
    assert.strictEqual(openNow(), 0)
    const stop = live.start()
    vi.advanceTimersByTime(20_000)
    assert.strictEqual(openNow(), 1)
    stop()
    assert.strictEqual(openNow(), 0)
  })
})
