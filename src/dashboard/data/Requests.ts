/** Every request of the pages, by what it is for. */
import type * as Facts from "./Facts.ts"
import { path, query, read, readText, root, send } from "./Http.ts"

/** A document with one value. */
interface Answer<A> {
  readonly data: A
}

const one = async <A>(address: string, signal?: AbortSignal): Promise<A> =>
  (await read<Answer<A>>(address, signal)).data

/** The filter of dead letters, as it stands in addresses. Times are ISO texts. */
export interface Filter {
  readonly consumer?: string | undefined
  readonly topic?: string | undefined
  readonly key?: string | undefined
  readonly message?: string | undefined
  readonly failure?: string | undefined
  readonly error?: string | undefined
  readonly reason?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly version?: string | undefined
  readonly text?: string | undefined
  readonly payload?: string | undefined
}

export const overview = (signal?: AbortSignal) => one<Facts.Overview>("overview", signal)
export const consumers = (signal?: AbortSignal) => one<ReadonlyArray<Facts.Consumer>>("consumers", signal)
export const consumer = (name: string, signal?: AbortSignal) => one<Facts.Consumer>(path("consumers", name), signal)
export const series = (name: string, seconds: 10 | 60, from: number, signal?: AbortSignal) =>
  one<ReadonlyArray<Facts.Point>>(
    path("consumers", name, "series") + query({ seconds, from: new Date(from).toISOString() }),
    signal
  )
export const lanes = (name: string, signal?: AbortSignal) =>
  one<ReadonlyArray<Facts.Lane>>(path("consumers", name, "lanes"), signal)
export const workers = (signal?: AbortSignal) => one<ReadonlyArray<Facts.Worker>>("workers", signal)
export const crashes = (signal?: AbortSignal) =>
  one<{ readonly workers: ReadonlyArray<Facts.Worker>; readonly suspects: ReadonlyArray<Facts.Suspect> }>(
    "workers/crashes",
    signal
  )
export const failures = (
  filter: { readonly consumer?: string | undefined; readonly since?: string | undefined },
  signal?: AbortSignal
) => one<ReadonlyArray<Facts.FailureGroup>>(`failures${query(filter)}`, signal)
export const failure = (consumer: string, fingerprint: string, signal?: AbortSignal) =>
  one<ReadonlyArray<Facts.FailureGroup>>(path("failures", fingerprint) + query({ consumer }), signal)
export const history = (
  consumer: string,
  fingerprint: string,
  since: number,
  seconds: 60 | 600,
  signal?: AbortSignal
) =>
  one<Facts.FailureHistory>(
    path("failures", fingerprint, "history") + query({ consumer, since: new Date(since).toISOString(), seconds }),
    signal
  )
/** Writes a note. An empty note removes the present one. */
export const note = async (consumer: string, fingerprint: string, note: string) => {
  await send(path("failures", fingerprint, "note"), { method: "PUT", body: { consumer, note } })
}
/** Returns the address of a file with all dead letters that match, one a line. */
export const exportAddress = (filter: Filter & { readonly state?: string | undefined }): string =>
  new URL(`dead-letters/export${query({ ...filter })}`, root).href
export const deadLetters = (
  filter: Filter & {
    readonly state?: string | undefined
    readonly limit?: number
    readonly cursor?: string | undefined
    readonly exact?: boolean
  },
  signal?: AbortSignal
) => read<Facts.Page<Facts.DeadLetterItem>>(`dead-letters${query({ ...filter })}`, signal)
export const deadLetter = (id: string, signal?: AbortSignal) => one<Facts.DeadLetter>(path("dead-letters", id), signal)
const toPayload = (id: string): string => path("dead-letters", id, "payload")
export const payloadAddress = (id: string): string => new URL(toPayload(id), root).href
/** Reads a payload as text, since JSON.parse would change large numbers. */
export const payload = (id: string, signal?: AbortSignal) => readText(toPayload(id), signal)
export const keys = (
  filter: {
    readonly consumer?: string | undefined
    readonly hold?: string | undefined
    readonly cursor?: string | undefined
  },
  signal?: AbortSignal
) => read<Facts.Page<Facts.StuckKey>>(`keys${query({ ...filter, limit: 25 })}`, signal)
export const key = (consumer: string, key: string, signal?: AbortSignal) =>
  one<Facts.KeyDetail>(path("consumers", consumer, "keys", key), signal)
export const audit = (
  filter: {
    readonly by?: string | undefined
    readonly consumer?: string | undefined
    readonly about?: string | undefined
    readonly action?: string | undefined
    readonly deadLetter?: string | undefined
    readonly cursor?: string | undefined
  },
  signal?: AbortSignal
) => read<Facts.Page<Facts.Entry>>(`audit${query({ ...filter, limit: 50 })}`, signal)
export const runs = (signal?: AbortSignal) => one<ReadonlyArray<Facts.Run>>("redrive-runs?limit=50", signal)
export const run = (id: string, signal?: AbortSignal) => one<Facts.Run>(path("redrive-runs", id), signal)
export const find = (id: string, signal?: AbortSignal) => one<Facts.Found>(path("messages", id), signal)
/** Reads a message where it is stored. Its key makes the search short. */
export const stored = (id: string, asks: { readonly key?: string; readonly payload?: "true" }, signal?: AbortSignal) =>
  one<Facts.StoredMessages>(path("messages", id, "stored") + query(asks), signal)
export const session = () => one<Facts.Session>("session")

const post = async <A>(address: string, body: unknown, ifMatch?: string): Promise<A> =>
  (await send<Answer<A> | undefined>(address, { method: "POST", body, ifMatch })).value?.data as A

export const signIn = (body: Facts.SignIn) => post<Facts.Session>("session", body)
export const signOut = () => send("session", { method: "DELETE" })

/** The version of a dead letter that the operator has seen. */
export interface Seen {
  readonly id: string
  readonly etag: string
}

export const check = (id: string, payload: string) =>
  post<Facts.EditCheck>(path("dead-letters", id, "validate"), { payload })
export const redrive = ({ etag, id }: Seen, body: { readonly payload?: string; readonly note?: string }) =>
  post<Facts.DeadLetterItem>(path("dead-letters", id, "redrive"), body, etag)
export const discard = ({ etag, id }: Seen, note = "") =>
  post<Facts.DeadLetterItem>(path("dead-letters", id, "discard"), { note }, etag)
export const restore = ({ etag, id }: Seen) => post(path("dead-letters", id, "restore"), {}, etag)
export const release = ({ etag, id }: Seen) => post(path("dead-letters", id, "release"), {}, etag)

/** The filter of a preview: one consumer, and one failure group or some of them. */
export type SetFilter = Omit<Filter, "failure"> & {
  readonly consumer: string
  readonly failure?: string | ReadonlyArray<string>
}

export const preview = (filter: SetFilter) => post<Facts.Preview>("previews", filter)
export const discardSet = (preview: string, note: string) =>
  post<{ readonly discarded: number; readonly more: boolean }>(path("previews", preview, "discard"), { note })
export const startRun = (body: {
  readonly preview: string
  readonly rate: number
  readonly stages: ReadonlyArray<number>
  readonly askAfterFirst: boolean
  readonly stopRule: Facts.Run["stopRule"]
  readonly note: string
}) => post<Facts.Run>("redrive-runs", body)
export const act = (run: Facts.Run, action: "continue" | "pause" | "cancel", body: { readonly rate?: number } = {}) =>
  post<Facts.Run>(path("redrive-runs", run.id, action), body, run.etag)
export const changeRate = async (run: Facts.Run, rate: number) =>
  (await send<Answer<Facts.Run>>(path("redrive-runs", run.id), { method: "PATCH", body: { rate }, ifMatch: run.etag }))
    .value.data

/** Pauses a consumer. Without `seconds` only an operator ends the pause. */
export const pause = (consumer: string, note: string, seconds: number | undefined) =>
  post(path("consumers", consumer, "pause"), { note, ...(seconds === undefined ? {} : { seconds }) })
export const resume = (consumer: string) => post(path("consumers", consumer, "resume"), {})
export const pauseKey = (consumer: string, key: string, action: "pause" | "resume") =>
  post(path("consumers", consumer, "keys", key, action), {})
/** Carries out an action on a key. `head` is the dead letter or message that the operator saw first in it. */
export const keyAction = (consumer: string, key: string, action: "release" | "skip" | "advance", head: string) =>
  post(path("consumers", consumer, "keys", key, action), { head })
export const evict = (consumer: string, worker: string, note: string) =>
  post<{ readonly lanes: number; readonly busy: number }>(path("consumers", consumer, "workers", worker, "evict"), {
    note
  })
export const quarantine = (consumer: string, id: string, key: string, note: string) =>
  post(path("consumers", consumer, "messages", id, "dead-letter"), { key, note })
