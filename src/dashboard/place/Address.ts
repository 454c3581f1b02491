/** The place of this tab as a signal, and the ways to change it. */
import { signal } from "@preact/signals"
import * as Router from "./Router.ts"

/** The place that the page shows. */
export const place = signal<Router.Place>(Router.parse(location.hash))

addEventListener("hashchange", () => {
  place.value = Router.parse(location.hash)
})

/** Opens a place. The browser's back button returns from it. */
export const go = (fragment: string): void => {
  location.hash = fragment
}

/** Opens a place instead of the present one, which the back button then skips. */
export const replace = (fragment: string): void => {
  history.replaceState(null, "", fragment)
  place.value = Router.parse(fragment)
}

/** Changes parameters of the present place. The back button skips the change, since typing in a filter makes many. */
export const refine = (changes: Router.Query): void => {
  const { path, query } = place.peek()
  replace(Router.format(path, { ...query, ...changes }))
}

/** Returns the fragment of the present place with other parameters. */
export const refined = (changes: Router.Query): string =>
  Router.format(place.value.path, { ...place.value.query, ...changes })

/** Returns the fragments of the pages. */
export const to = {
  overview: Router.format([]),
  failures: (query?: Router.Query) => Router.format(["failures"], query),
  failure: (consumer: string, fingerprint: string) => Router.format(["failures", consumer, fingerprint]),
  deadLetter: (id: string) => Router.format(["dead-letters", id]),
  keys: (query?: Router.Query) => Router.format(["keys"], query),
  key: (consumer: string, key: string) => Router.format(["keys", consumer, key]),
  queues: Router.format(["queues"]),
  queue: (consumer: string) => Router.format(["queues", consumer]),
  workers: (query?: Router.Query) => Router.format(["workers"], query),
  audit: (query?: Router.Query) => Router.format(["audit"], query),
  message: (id: string) => Router.format(["messages", id])
}
