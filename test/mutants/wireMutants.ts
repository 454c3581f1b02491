/** The breaks of the codec for brokers. */
import type { Mutant } from "./types.ts"

const test = "test/wire/Wire.test.ts"
const cameBack = "comes back as it was, or is refused for a control character"

export const wireMutants: ReadonlyArray<Mutant> = [
  {
    name: "wire: a key that is lost on the way",
    guarantee: "order per key",
    file: "src/wire/WireEncoder.ts",
    from: "partitionkey: keyed ? key : undefined",
    to: "partitionkey: keyed && key === id ? key : undefined",
    test,
    named: "keeps to ten attributes"
  },
  {
    name: "wire: an escape that is not escaped",
    guarantee: "effectively once",
    file: "src/wire/attributes.ts",
    from: "/[^\\x21-\\x7e]|[\"%]/gu",
    to: "/[^\\x21-\\x7e]|[\"]/gu",
    test,
    named: cameBack
  },
  {
    name: "wire: more attributes than the broker carries",
    guarantee: "no loss",
    file: "src/wire/WireEncoder.ts",
    from: "attributes.length + own.length + packed <= maxAttributes",
    to: "attributes.length + own.length <= maxAttributes",
    test,
    named: "keeps to ten attributes"
  },
  {
    name: "wire: an id with a control character changed on the way",
    guarantee: "effectively once",
    file: "src/wire/WireEncoder.ts",
    from: "const unusable = ascii ?",
    to: "const unusable = parts.length > 0 ?",
    test,
    named: "is refused by the part that a broker cannot carry"
  },
  {
    name: "wire: a mapping that throws breaks the reader",
    guarantee: "poison cannot block",
    file: "src/wire/WireDecoder.ts",
    from:
      "    return fail(part, \"could not be mapped: the mapping threw\", `Correct the wire's mapping \"foreign.${part}\".`)\n",
    to: "    throw new Error(\"the mapping threw\")\n",
    test,
    named: "that cannot be read says which part is wrong"
  },
  {
    name: "wire: a foreign message beyond the limits of a message",
    guarantee: "bounded",
    file: "src/wire/WireDecoder.ts",
    from: "return bad === undefined ? message :",
    to: "return bad === undefined || message.topic !== \"\" ? message :",
    test,
    named: "never breaks the reader"
  }
]
