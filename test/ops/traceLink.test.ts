/** Links to traces: which templates are refused, and what a message without a valid trace has. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { Message } from "millrace"
import * as TraceLink from "../../src/ops/TraceLink.ts"

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"

const message = (traceparent: string) =>
  Effect.runSync(Message.make({ id: "m", topic: "t", payload: "{}", headers: { traceparent } }))

describe("a link to a trace", () => {
  it("has the trace id of the message in the address of the template", () => {
    const at = (template: string) =>
      TraceLink.of(message(`00-${traceId}-00f067aa0ba902b7-01`), Result.getOrThrow(TraceLink.parse(template)))
    assert.deepStrictEqual(at("https://traces.example.com/trace/{traceId}"), {
      traceId,
      url: `https://traces.example.com/trace/${traceId}`
    })
    assert.strictEqual(
      at("http://[::1]:3000/?q=\"{traceId}\"&id={traceId}")?.url,
      `http://[::1]:3000/?q=%22${traceId}%22&id=${traceId}`
    )
    assert.deepStrictEqual(TraceLink.of(message(`00-${traceId}-00f067aa0ba902b7-01`), undefined), {
      traceId,
      url: undefined
    })
  })

  it("is not made of a header that is no trace context", () => {
    const link = Result.getOrThrow(TraceLink.parse("https://traces.example.com/{traceId}"))
    for (
      const header of ["", "00-x-y-01", `00-${traceId.toUpperCase()}-00f067aa0ba902b7-01`, `javascript:${traceId}`]
    ) {
      assert.isUndefined(TraceLink.of(message(header), link), header)
    }
  })

  it("needs a template of http or https, with the id behind its host", () => {
    for (
      const template of [
        "",
        "https://traces.example.com/",
        "traces.example.com/{traceId}",
        "javascript:alert('{traceId}')",
        "data:text/html,{traceId}",
        "https://{traceId}.example.com/",
        "https://example.com:{traceId}/",
        "https://user:secret@example.com/{traceId}",
        "https://{traceId}@example.com/"
      ]
    ) {
      const refused = TraceLink.parse(template)
      assert.isTrue(Result.isFailure(refused), template)
      if (Result.isFailure(refused)) assert.match(refused.failure.message, /traceUrl.*\{traceId\}/, template)
    }
  })
})
