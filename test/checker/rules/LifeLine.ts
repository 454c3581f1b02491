/**
 * The life line of a violation: the entries about its messages, in the order of the history, as sentences. It also has
 * the takeovers of their lane, and the faults of the processes that held them.
 *
 * Explaining is the harder half of checking. One more pass over the history collects the life lines of all violations.
 *
 * @since 0.1.0
 */
import type * as History from "../History.ts"
import type { Subject } from "./Rule.ts"

/** Entries of one life line that are kept: the first ones. */
const maximum = 80

interface LifeLineEntry {
  readonly place: number
  readonly text: string
}

interface Open {
  readonly about: Subject
  readonly lines: Array<LifeLineEntry>
  readonly processes: Set<string>
  readonly lanes: Set<number>
}

/** Collects life lines: give it every entry in order, then ask for them. */
export class LifeLines {
  private readonly open: Array<Open>
  private readonly byId = new Map<string, Array<Open>>()
  private readonly faults: Array<readonly [place: number, entry: History.FaultInjected | History.ProcessEnded]> = []
  private readonly takeovers: Array<readonly [place: number, entry: History.Takeover]> = []
  private readonly servers: Array<LifeLineEntry> = []
  private place = 0

  constructor(subjects: ReadonlyArray<Subject>) {
    this.open = subjects.map((about) => ({
      about,
      lines: [],
      processes: new Set(about.process === undefined ? [] : [about.process]),
      lanes: new Set(about.lane === undefined ? [] : [about.lane])
    }))
    for (const one of this.open) {
      for (const id of one.about.ids) {
        const others = this.byId.get(id)
        if (others === undefined) this.byId.set(id, [one])
        else others.push(one)
      }
    }
  }

  add(entry: History.Entry): void {
    const place = ++this.place
    if (entry._tag === "FaultInjected" || entry._tag === "ProcessEnded") this.faults.push([place, entry])
    else if (entry._tag === "Takeover") this.takeovers.push([place, entry])
    else if (entry._tag === "ServerReturned") this.servers.push({ place, text: sentence(entry) })
    else {
      for (const id of idsOf(entry)) {
        for (const one of this.byId.get(id) ?? []) this.append(one, place, entry)
      }
    }
  }

  /** One life line for each subject, in their order. */
  lines(): ReadonlyArray<ReadonlyArray<string>> {
    return this.open.map((one) => {
      for (const [place, fault] of this.faults) {
        const target = fault._tag === "ProcessEnded" ? fault.process : fault.target
        if (target !== undefined && one.processes.has(target)) one.lines.push({ place, text: sentence(fault) })
      }
      for (const [place, takeover] of this.takeovers) {
        const theirs = one.about.consumer === undefined || one.about.consumer === takeover.consumer
        if (theirs && one.lanes.has(takeover.lane)) one.lines.push({ place, text: sentence(takeover) })
      }
      const servers = one.lines.length === 0 ? [] : this.servers
      const sorted = [...one.lines, ...servers].sort((a, b) => a.place - b.place)
      const shown = sorted.slice(0, maximum).map(({ place, text }) => `entry ${place}: ${text}`)
      return sorted.length > maximum ? [...shown, `... and ${sorted.length - maximum} more`] : shown
    })
  }

  private append(one: Open, place: number, entry: History.Entry): void {
    const { consumer } = one.about
    if (consumer !== undefined && "consumer" in entry && entry.consumer !== consumer) return
    if (one.lines.at(-1)?.place === place || one.lines.length > 10 * maximum) return
    if (entry._tag === "HandlerStarted") one.processes.add(entry.process)
    if (entry._tag === "Committed" || entry._tag === "HandlerStarted") {
      if (entry.lane !== undefined) one.lanes.add(entry.lane)
    }
    one.lines.push({ place, text: sentence(entry) })
  }
}

const idsOf = (entry: History.Entry): ReadonlyArray<string> => {
  if (entry._tag === "Outgoing") return [entry.id, entry.source]
  return "id" in entry && entry.id !== undefined ? [entry.id] : []
}

/** Renders an entry as a sentence. */
export const sentence = (entry: History.Entry): string => {
  switch (entry._tag) {
    case "RunStarted":
      return `the run began: ${entry.command} (seed ${entry.seed})`
    case "ConsumerRegistered":
      return `consumer "${entry.consumer}" reads ${entry.topics.join(", ")} (order ${entry.order})`
    case "ProcessStarted":
      return `${entry.process} began`
    case "ProcessEnded":
      return `${entry.process} ended (${entry.signal ?? `code ${entry.code}`})`
    case "PublishTried":
      return `${entry.process} tries to publish ${entry.id} to "${entry.topic}"${
        extras({ key: entry.key, position: entry.position, batch: entry.batch, poison: entry.poison?.reason })
      }`
    case "PublishAnswered":
      return `${entry.process} is told about ${entry.id}: ${entry.answer}${
        entry.durable === false ? ", before it is on the disk or a replica" : ""
      }`
    case "HandlerStarted":
      return `${entry.process} starts attempt ${entry.attempt} of ${entry.id} for "${entry.consumer}"${
        extras({ lane: entry.lane, token: entry.token, draw: entry.draw, transaction: entry.transaction })
      }`
    case "HandlerEnded":
      return `${entry.process} ends its handler of ${entry.id}: ${entry.outcome}${extras({ draw: entry.draw })}`
    case "FaultInjected":
      return `fault: ${entry.name}${entry.target === undefined ? "" : ` hits ${entry.target}`}${
        entry.window === undefined ? "" : ` at "${entry.window}"`
      }`
    case "Takeover":
      return `the database confirms that lane ${entry.lane}, its lease expired, goes to ${
        entry.to ?? "another process"
      }${extras({ token: entry.token, from: entry.from, draw: entry.draw })}`
    default:
      return rest(entry)
  }
}

const rest = (
  entry:
    | History.OperatorActed
    | History.Sampled
    | History.Durable
    | History.ServerHolds
    | History.ServerReturned
    | History.FaultsStopped
    | History.Settled
    | History.Committed
    | History.DeadLettered
    | History.Waiting
    | History.Outgoing
): string => {
  switch (entry._tag) {
    case "OperatorActed":
      return `an operator: ${entry.action} ${entry.id ?? `key ${entry.key}`}${extras({ draw: entry.draw })}`
    case "Sampled":
      return `${entry.process} has ${entry.quantity} at ${entry.value} (setting ${entry.limit})`
    case "Durable":
      return `what ${entry.process} was told so far is safe from a crash`
    case "ServerHolds":
      return `server ${entry.server} holds ${entry.id} for "${entry.consumer}" (${entry.as})`
    case "ServerReturned":
      return `server ${entry.server} is up, from draw ${entry.draw} on`
    case "FaultsStopped":
      return "the faults stop"
    case "Settled":
      return `nothing moved any more after ${entry.millis} ms (bound ${entry.boundMillis} ms)`
    case "Committed":
      return `ledger: ${entry.worker} committed ${entry.id} for "${entry.consumer}"${
        extras({
          position: entry.position,
          attempt: entry.attempt,
          lane: entry.lane,
          token: entry.token,
          draw: entry.draw,
          transaction: entry.transaction,
          emits: entry.emits?.join(" ")
        })
      }`
    case "DeadLettered":
      return `dead letter: ${entry.id} of "${entry.consumer}" is ${entry.state}, ${entry.reason}${
        extras({
          attempts: entry.attempts.map((one) => `${one.attempt} ${one.tag}`).join(" "),
          redriven: entry.redriven,
          parked: entry.parked ? "yes" : undefined,
          draw: entry.draw
        })
      }`
    case "Waiting":
      return `at the end ${entry.id} waits for "${entry.consumer}" (${entry.state})`
    case "Outgoing":
      return `outgoing: ${entry.id} is published (key ${entry.key}), sent by the effect of ${entry.source}`
  }
}

const extras = (fields: Readonly<Record<string, string | number | undefined>>): string => {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== "")
  return given.length === 0 ? "" : ` (${given.map(([name, value]) => `${name} ${value}`).join(", ")})`
}
