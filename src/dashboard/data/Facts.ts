/** The facts as the API sends them: JSON, with absent fields where a value is not known. */
import type { Entry } from "../../Audit.ts"
import type { DeadLetter as Stored, State as StoredState } from "../../DeadLetter.ts"
import type { ConsumerFacts, LaneFacts, WorkerFacts } from "../../ops/ConsumerFacts.ts"
import type { Count } from "../../ops/Fact.ts"
import type { FailureFacts } from "../../ops/FailureFacts.ts"
import type { StuckKey } from "../../ops/KeyFacts.ts"
import type { Found, Suspect } from "../../ops/MessageFacts.ts"
import type { RedrivePreview, RedriveRun } from "../../ops/RedriveRun.ts"
import type { SeriesPoint } from "../../ops/SeriesFacts.ts"

export type { Count, Entry, Found, StuckKey, Suspect }
export type Consumer = ConsumerFacts
export type Lane = LaneFacts
export type Worker = WorkerFacts
export type Point = SeriesPoint
export type Attempt = Stored["attempts"][number]
export type State = StoredState
export type FailureGroup = FailureFacts
export type Run = RedriveRun & { readonly etag: string }
export type Preview = Omit<RedrivePreview, "set"> & { readonly preview: string; readonly expiresAt: number }
type Envelope = Omit<Stored["message"], "payload">
export type DeadLetterItem = Omit<Stored, "message" | "attempts" | "original"> & {
  readonly message: Envelope
  readonly attempts: number
  readonly error: string
  readonly etag: string
}
export type DeadLetter = Omit<Stored, "message" | "original"> & {
  readonly message: Envelope & { readonly payload?: string }
  readonly original?: string
  readonly hidden: ReadonlyArray<string>
  readonly etag: string
}
export interface EditCheck {
  readonly diff: string
  readonly checked: "schema" | "json"
  readonly issues: ReadonlyArray<{ readonly path: string; readonly message: string }>
  readonly keyChanged: boolean
  readonly idChanged: boolean
}
export interface WaitingMessage {
  readonly id: string
  readonly topic: string
  readonly key: string
  readonly lane: number
  readonly publishedAt: number
  readonly attempts: number
  readonly crashCount: number
  readonly redriven: number
  readonly held: boolean
  readonly worker?: string
}
export interface KeyDetail {
  readonly consumer: string
  readonly key: string
  readonly held?: StuckKey
  readonly deadLetters: ReadonlyArray<DeadLetterItem>
  readonly waiting: ReadonlyArray<WaitingMessage>
}
export interface Session {
  readonly name: string
  readonly role: "viewer" | "operator" | "admin"
}
export interface Attention {
  readonly about: "stoppedRun" | "noWorker" | "parkedKeys" | "deadLetters" | "paused" | "unrouted"
  readonly consumer?: string
  readonly sentence: string
  readonly id?: string
}
export interface Overview {
  readonly attention: ReadonlyArray<Attention>
  readonly consumers: ReadonlyArray<Consumer>
  readonly unrouted: ReadonlyArray<
    { readonly topic: string; readonly messages: Count; readonly firstAt: number; readonly lastAt: number }
  >
  readonly delayed: ReadonlyArray<{ readonly topic: string; readonly messages: Count; readonly nextAt: number }>
}

/** A document with a part of a list. */
export interface Page<A> {
  readonly asOf: string
  readonly data: ReadonlyArray<A>
  readonly count?: Count
  readonly next?: string
}
