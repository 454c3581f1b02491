/**
 * Conformance suites: tests of the promises that every store and every transport must keep.
 *
 * Run the suites against an implementation of your own; they need `vitest` and `@effect/vitest`. If an engine does not
 * make a promise (see `Capabilities`), its test ends early and logs the reason.
 *
 * @since 0.1.0
 */
import { describe, layer as shared } from "@effect/vitest"
import type * as Layer from "effect/Layer"
import type { Store } from "../../Store.ts"
import type { Transport } from "../../Transport.ts"
import { atMostOncePromises } from "./atMostOncePromises.ts"
import { consumerPromises } from "./consumerPromises.ts"
import { crashedAlonePromises } from "./crashedAlonePromises.ts"
import { deadLetterPromises } from "./deadLetterPromises.ts"
import { decisionPromises } from "./decisionPromises.ts"
import { delayedPromises } from "./delayedPromises.ts"
import { inboxPromises } from "./inboxPromises.ts"
import { type Options, requires, type Tests } from "./kit.ts"
import { leasePromises } from "./leasePromises.ts"
import { namedLeasePromises } from "./namedLeasePromises.ts"
import { oncePromises } from "./oncePromises.ts"
import { orderPromises } from "./orderPromises.ts"
import { pausePromises } from "./pausePromises.ts"
import { publishPromises } from "./publishPromises.ts"
import { queueStatusPromises } from "./queueStatusPromises.ts"
import { receiptPromises } from "./receiptPromises.ts"
import { redeliveryPromises } from "./redeliveryPromises.ts"
import { settlePromises } from "./settlePromises.ts"
import { takePromises } from "./takePromises.ts"
import { unsettledPromises } from "./unsettledPromises.ts"

export { type Draft, makeMessage, type Options, type Tests } from "./kit.ts"

/**
 * Registers a suite for one implementation, under its name.
 *
 * @since 0.1.0
 */
export type Suite = <E>(name: string, layer: Layer.Layer<Store | Transport, E>, options: Options) => void

/** The promises of a suite by group. */
type Groups = Readonly<Record<string, (it: Tests, options: Options) => void>>

const suiteOf = (groups: Groups): Suite => (name, layer, options) => {
  // One layer serves all groups, because each promise uses consumers and topics of its own.
  shared(layer, { excludeTestServices: options.live ?? false })(name, (it) => {
    for (const [group, register] of Object.entries(groups)) {
      describe(`${name}: ${group}`, () => {
        register(it, options)
      })
    }
  })
}

const transportGroups = {
  publish: publishPromises,
  delayed: (it, options) => delayedPromises(requires(it, options, "routing"), options),
  take: takePromises,
  lease: leasePromises,
  "crashed alone": crashedAlonePromises,
  order: orderPromises,
  settle: settlePromises,
  "at most once": atMostOncePromises,
  redelivery: redeliveryPromises,
  receipts: (it, options) => receiptPromises(requires(it, options, "places"), options)
} satisfies Groups

/**
 * Checks every promise of a `Transport`, together with its `Store`.
 *
 * @since 0.1.0
 */
export const transport: Suite = suiteOf(transportGroups)

/**
 * Checks every promise of an inbox.
 *
 * @since 0.1.0
 */
export const inbox: Suite = suiteOf({ inbox: inboxPromises, once: oncePromises })

/**
 * Checks every promise of a store of dead letters.
 *
 * @since 0.1.0
 */
export const deadLetters: Suite = suiteOf({
  "dead letters": deadLetterPromises,
  decisions: decisionPromises
})

/**
 * Checks every promise of a registry of consumers.
 *
 * @since 0.1.0
 */
export const consumers: Suite = suiteOf({
  consumers: consumerPromises,
  pauses: pausePromises,
  "queue status": queueStatusPromises
})

/**
 * Checks every promise of a store of named leases.
 *
 * @since 0.1.0
 */
export const leases: Suite = suiteOf({ "named leases": namedLeasePromises })

/**
 * Checks every promise of the records of a broker's messages.
 *
 * @since 0.1.0
 */
export const unsettled: Suite = suiteOf({ unsettled: unsettledPromises })

/**
 * Checks the promises of all suites.
 *
 * @since 0.1.0
 */
export const suite: Suite = suiteOf({
  ...transportGroups,
  inbox: inboxPromises,
  once: oncePromises,
  "dead letters": deadLetterPromises,
  decisions: decisionPromises,
  consumers: consumerPromises,
  pauses: pausePromises,
  "queue status": queueStatusPromises,
  "named leases": namedLeasePromises,
  unsettled: unsettledPromises
})
