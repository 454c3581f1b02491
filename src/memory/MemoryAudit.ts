/**
 * Reads the audit of the memory store. An operator action writes its entry in its own transition.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Page from "../internal/Page.ts"
import type { AuditStore } from "../Store.ts"
import type { MemoryState } from "./MemoryStore.ts"

export const make = (state: MemoryState): AuditStore => ({
  list: ({ about, action, before, by, consumer, deadLetterId, limit, redriveRunId }) =>
    Effect.sync(() =>
      state.audit.filter((entry) =>
        (about === undefined || about === (entry.deadLetterId === "" ? "consumers" : "deadLetters"))
        && (action === undefined || entry.action === action)
        && (before === undefined || entry.id < before)
        && (by === undefined || entry.by === by)
        && (consumer === undefined || entry.consumer === consumer)
        && (deadLetterId === undefined || entry.deadLetterId === deadLetterId)
        && (redriveRunId === undefined || entry.redriveRunId === redriveRunId)
      ).reverse().slice(0, Page.rows(limit))
    )
})
