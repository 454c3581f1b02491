/** The breaks of the checker's rules for servers that forget: the losses that it counts apart, and those it rejects. */
import type { Mutant } from "./types.ts"

const test = "test/checker/servers.test.ts"

export const serverMutants: ReadonlyArray<Mutant> = [
  {
    name: "servers: a loss accepted in every run",
    guarantee: "the history checker",
    file: "test/checker/rules/noLoss.ts",
    from: "if (!allowed && messagesLost + effectsLost > 0) {",
    to: "if (!allowed && messagesLost + effectsLost < 0) {",
    test,
    named: "may be lost if its publisher did not wait"
  },
  {
    name: "servers: a safe message may be lost",
    guarantee: "the history checker",
    file: "test/checker/rules/ServerLosses.ts",
    from: "if (message.loose) this.messagesLost++",
    to: "if (message.loose || message.tries > 0) this.messagesLost++",
    test,
    named: "must not be lost if it was safe: acknowledged"
  },
  {
    name: "servers: the messages of a new server not safe from the next crash",
    guarantee: "the history checker",
    file: "test/checker/rules/ServerLosses.ts",
    from: "if (durable) message.loose = false",
    to: "if (durable && !message.loose) message.loose = false",
    test,
    named: "must not be lost if it was safe: acknowledged"
  },
  {
    name: "servers: a lost message may be processed",
    guarantee: "the history checker",
    file: "test/checker/rules/noLoss.ts",
    from: "stayedLost(message, gone.server, findings)",
    to: "if (gone.server < 0) stayedLost(message, gone.server, findings)",
    test,
    named: "stays lost"
  },
  {
    name: "servers: a message that a server has may be missing at the end",
    guarantee: "the history checker",
    file: "test/checker/rules/noLoss.ts",
    from: "if (message.acknowledged > 0 || (message.told && message.failed === 0)) {",
    to: "if (message.acknowledged > 0) {",
    test,
    named: "must be there at the end, also if"
  },
  {
    name: "servers: an effect may vanish after its server started",
    guarantee: "the history checker",
    file: "test/checker/rules/noLoss.ts",
    from:
      "if (commit !== undefined) continue\n    findings.add(\n      { consumer, ids: [message.id] },\n      () =>\n        `The effect",
    to:
      "if (commit !== undefined || consumer !== \"\") continue\n    findings.add(\n      { consumer, ids: [message.id] },\n      () =>\n        `The effect",
    test,
    named: "that came along must not happen again"
  },
  {
    name: "servers: a message handed out by one server may be committed by another one",
    guarantee: "the history checker",
    file: "test/checker/rules/oneOwner.ts",
    from: "if (own.length === 0 || own.some((one) => index.handedOutBy(one) === server)) return twice",
    to: "if (own.length === 0 || own.some((one) => index.handedOutBy(one)! <= server)) return twice",
    test,
    named: "is committed by the server that handed its message out"
  },
  {
    name: "servers: the owners of two servers compared",
    guarantee: "the history checker",
    file: "test/checker/rules/oneOwner.ts",
    from: "if (index.servers.apart(one.first, other.first)) continue",
    to: "",
    test,
    named: "is not the owner of one server"
  },
  {
    name: "servers: a start compared with the settlements of another server",
    guarantee: "the history checker",
    file: "test/checker/rules/keyOrder.ts",
    from: "index.servers.of(settledAt(queue, other) ?? draw) === server",
    to: "server !== undefined",
    test,
    named: "is a start with what its own server settled"
  }
]
