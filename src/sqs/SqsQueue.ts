/**
 * A queue of SQS as the subscription of a broker sees it. SQS counts visibility in whole seconds, takes ten entries in
 * a request, and hides a message for 12 hours at most.
 *
 * @since 0.1.0
 */
import type { BrokerQueue } from "../internal/broker/BrokerQueue.ts"
import { batchSize, ceilingSeconds, engineOf, type Received, type SqsApi } from "./SqsApi.ts"

/** Returns the seconds for which SQS hides a message, which may be a little longer than its lease. */
const secondsOf = (leaseMillis: number): number => Math.max(1, Math.ceil(leaseMillis / 1000))

/** Returns the queue on these requests. */
export const make = (api: SqsApi): BrokerQueue<Received> => ({
  engine: engineOf(api),
  ordered: api.fifo,
  batchSize,
  waitUnitMillis: 1000,
  // SQS charges for each request.
  lingerMillis: 20,
  // The last second covers the time that a request needs to arrive.
  ceilingMillis: (ceilingSeconds - 1) * 1000,
  ceilingReason: "SQS hides a message for 12 hours at most",
  receive: ({ leaseMillis, most, waitMillis }) =>
    api.receive({ most, waitSeconds: Math.floor(waitMillis / 1000), hideSeconds: secondsOf(leaseMillis) }),
  renew: (entries) => api.hide(entries.map(({ handle, millis }) => ({ handle, seconds: secondsOf(millis) }))),
  hide: (entries) => api.hide(entries.map(({ handle, millis }) => ({ handle, seconds: Math.ceil(millis / 1000) }))),
  remove: api.remove
})
