/**
 * The lines of a message in detail: its attempts, its payload and its headers.
 */
import type { Failure } from "../../Delivery.ts"
import type { Message } from "../../Message.ts"
import type { StoredMessage } from "../../ops/MessageFacts.ts"
import * as TraceLink from "../../ops/TraceLink.ts"
import { indented } from "../output/JsonText.ts"
import * as Output from "../output/Output.ts"
import * as Times from "../output/Times.ts"

/** Returns the state of a message in words. */
export const stateOf = (state: StoredMessage["state"]): string => state === "inFlight" ? "in flight" : state

const title = (
  text: string
): ReadonlyArray<Output.OutputLine> => [Output.line(""), Output.line(Output.styled("bold", text))]

const attemptLines = (attempt: Failure): ReadonlyArray<Output.OutputLine> => [
  Output.line(
    Output.styled("bold", `${attempt.attempt}`.padStart(4)),
    `  ${Times.utc(attempt.at)}  ${attempt.tag} in ${attempt.step}`
      + `${attempt.worker === "" ? "" : `, worker ${attempt.worker}`}`
      + `${attempt.codeVersion === "" ? "" : `, code ${attempt.codeVersion}`}`
  ),
  ...Output.paragraph(attempt.message, "      ")
]

/** Returns the failed attempts, and the stack of the last one. Nothing if no attempt has failed. */
export const attempts = (all: ReadonlyArray<Failure>): ReadonlyArray<Output.OutputLine> => {
  const last = all.at(-1)
  return last === undefined ? [] : [
    ...title("ATTEMPTS"),
    ...all.flatMap(attemptLines),
    ...(last.stack === "" ? [] : [...title("STACK OF THE LAST ATTEMPT"), ...Output.paragraph(last.stack, "  ")])
  ]
}

/** Returns a payload under a title. */
export const payload = (name: string, text: string): ReadonlyArray<Output.OutputLine> => [
  ...title(name),
  ...Output.paragraph(indented(text), "  ")
]

/** Returns the trace of a message as a name and a value, for the pairs of its facts. Nothing if it has no trace. */
export const trace = (
  message: Message,
  link: TraceLink.Link | undefined
): ReadonlyArray<readonly [name: string, value: string]> => {
  const found = TraceLink.of(message, link)
  return found === undefined ? [] : [
    ["trace", found.traceId],
    ...(found.url === undefined ? [] : [["open", found.url] as const])
  ]
}

/** Returns the headers of a message. Nothing if it has none. */
export const headers = (all: Message["headers"]): ReadonlyArray<Output.OutputLine> => {
  const each = Object.entries(all)
  return each.length === 0 ? [] : [
    ...title("HEADERS"),
    ...each.map(([name, value]) => Output.line(`  ${name}: ${value}`))
  ]
}
