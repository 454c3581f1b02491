/** The breaks of the start checks: a worker that starts on an engine that cannot do what its pipeline needs. */
import type { Mutant } from "./types.ts"

const file = "src/worker/start/StartupChecks.ts"
const test = "test/worker/capabilities.test.ts"

export const capabilityMutants: ReadonlyArray<Mutant> = [
  {
    name: "capabilities: order where the engine keeps none",
    guarantee: "order per key",
    file,
    from: "if (can.order === \"none\") {",
    to: "if (false) {",
    test,
    named: "for order per key, on an engine that keeps none"
  },
  {
    name: "capabilities: no order refused, too",
    guarantee: "order per key",
    file,
    from: "if (keyOrder === \"none\") return undefined",
    to: "",
    test,
    named: "for order per key, on an engine that keeps none"
  },
  {
    name: "capabilities: order without the inbox, where nothing else refuses a stale owner",
    guarantee: "order per key",
    file,
    from: "can.fence === \"inbox\" && delivery === \"atLeastOnce\"",
    to: "false",
    test,
    named: "where only the inbox refuses a stale owner"
  },
  {
    name: "capabilities: keys parked where a message is only hidden for a time",
    guarantee: "order per key",
    file,
    from: "can.hold !== \"inPlace\" && order === \"park\"",
    to: "false",
    test,
    named: "for parked keys, where a message is only hidden"
  },
  {
    name: "capabilities: a redrive policy where the engine keeps order",
    guarantee: "order per key",
    file,
    from: "if (can.order !== \"none\") {",
    to: "if (can.order === \"shard\") {",
    test,
    named: "where the engine keeps order"
  },
  {
    name: "capabilities: a redrive policy without lanes for a message at its limit",
    guarantee: "no loss",
    file,
    from: "if (can.hold !== \"inPlace\") {",
    to: "if (can.hold === \"overflow\") {",
    test,
    named: "where the engine has no lanes"
  },
  {
    name: "capabilities: a step that outlasts every lease",
    guarantee: "poison cannot block",
    file,
    from: "return leaseMillis + step > most",
    to: "return step >= most",
    test,
    named: "for a timeout that ends with its lease"
  },
  {
    name: "capabilities: a lease that cannot be renewed before the ceiling",
    guarantee: "one owner",
    file,
    from: "if (leaseMillis > most / 2) {",
    to: "if (leaseMillis > most) {",
    test,
    named: "for a lease of more than half"
  },
  {
    name: "capabilities: a broker that is down ends the worker at its start",
    guarantee: "bounded",
    file: "src/worker/Worker.ts",
    from: "(patiently) => patiently(transport.capabilities)",
    to: "() => transport.capabilities",
    test,
    named: "is asked again while its failure passes"
  }
]
