/** The breaks of the outbox relay. */
import type { Mutant } from "./types.ts"

const relay = "test/relay/relay.test.ts"
const waves = "src/worker/relay/PublishWaves.ts"

export const relayMutants: ReadonlyArray<Mutant> = [
  {
    name: "relay: two messages of a key in a request",
    guarantee: "order per key",
    file: waves,
    from: "if (keys.has(key) || ids.has(id)) rest.push(each)",
    to: "if (ids.has(id)) rest.push(each)",
    test: "test/relay/waves.test.ts",
    named: "has one message of a key and of an id in a request"
  },
  {
    name: "relay: a message published again after its lease was lost",
    guarantee: "one owner",
    file: waves,
    from: "waiting.filter(({ abandoned }) => !abandoned)",
    to: "waiting",
    test: "test/relay/waves.test.ts",
    named: "does not publish a message again whose lease was lost meanwhile"
  },
  {
    name: "relay: a message removed that was not confirmed",
    guarantee: "no loss",
    file: waves,
    from: "if (failure !== undefined && failure.outcome !== \"refused\") return true",
    to: "if (failure !== undefined && failure.outcome === \"notStored\") return true",
    test: relay,
    named: "publishes only the rest of a wave again: unknown"
  },
  {
    name: "relay: a wave published again as a whole",
    guarantee: "effectively once",
    file: waves,
    from: "if (error._tag !== \"PublishFailed\") return wave\n",
    to: "if (error._tag !== \"PublishFailed\" || error.failed.length > 0) return wave\n",
    test: relay,
    named: "publishes only the rest of a wave again: notStored"
  },
  {
    name: "relay: an outage that is retried without a pause",
    guarantee: "bounded",
    file: waves,
    from: "{ first: 50, cap: 5000 }",
    to: "{ first: 1, cap: 1 }",
    test: relay,
    named: "keeps messages in order during an outage, backs off"
  },
  {
    name: "relay: a permanent failure that is tried again",
    guarantee: "bounded",
    file: waves,
    from: "return error.kind === \"permanent\" ? error : undefined",
    to: "return undefined",
    test: relay,
    named: "stops permanently after a permanent failure"
  },
  {
    name: "relay: an engine that interrupts itself and is not noticed",
    guarantee: "bounded",
    file: waves,
    from: "          const error = Cause.findErrorOption(cause)\n",
    to: "          if (Cause.hasInterrupts(cause)) return Effect.interrupt\n"
      + "          const error = Cause.findErrorOption(cause)\n",
    test: relay,
    named: "stops permanently after an interruption from within"
  },
  {
    name: "relay: a key that continues behind a refused message",
    guarantee: "order per key",
    file: "src/worker/relay/Relay.ts",
    from: "order = \"park\"",
    to: "order = \"continue\"",
    test: relay,
    named: "its key waits, and other keys continue"
  },
  {
    name: "relay: payloads decoded by a relay",
    guarantee: "no loss",
    file: "src/worker/relay/Relay.ts",
    from: "  decode: () => Effect.void\n",
    to: "",
    test: relay,
    named: "publishes what cannot be decoded"
  },
  {
    name: "relay: an outage of the other engine that health does not show",
    guarantee: "bounded",
    file: "src/worker/start/Stages.ts",
    from: "    publish: (yield* RelayTarget).failing\n",
    to: "",
    test: relay,
    named: "is shown by health while the other engine confirms nothing"
  },
  {
    name: "relay: one message that is never stored shown as an outage",
    guarantee: "bounded",
    file: waves,
    from: "          failing.clear()\n          return send(place, rest, 0)",
    to: "          failing.delete(place)\n          return send(place, rest, 0)",
    test: relay,
    named: "is healthy while the other engine never stores one message"
  },
  {
    name: "relay: an outage shown that no message waits for",
    guarantee: "bounded",
    file: waves,
    from: "        failing.delete(place)\n        return Effect.void",
    to: "        return Effect.void",
    test: "test/relay/waves.test.ts",
    named: "fail for health only while a message waits"
  }
]
