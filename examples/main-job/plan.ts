/**
 * The plan of a run: every delivery, in the order of its source, and the steps in which several senders publish them.
 *
 * It follows from the seed and the number of messages alone, so a run can be repeated, or resumed after a break.
 */
import { Array } from "effect"
import * as Fault from "./faultPlan.ts"
import * as Payloads from "./payloads.ts"
import { guid, pick, roll, shuffled } from "./seeded.ts"
import { Webhook } from "./topics.ts"

/** One planned delivery. Its payload is made when it is sent, so that a plan of a million fits into memory. */
export interface Delivery {
  readonly delivery: string
  readonly example: Payloads.Example
  readonly account: string
  readonly source: string
  /** 1 for the source's first delivery. */
  readonly position: number
  readonly fault: Fault.Fault
}

/** One sending: the delivery itself (copy 1), or its redelivery (copy 2). */
export interface Sending {
  readonly delivery: Delivery
  readonly copy: 1 | 2
}

/** One step of a sender: some deliveries in one transaction, or one delivery by two transactions that race. */
export type Step =
  | { readonly _tag: "Together"; readonly sendings: Array.NonEmptyReadonlyArray<Sending> }
  | { readonly _tag: "Race"; readonly sendings: readonly [Sending, Sending] }

/** How many repositories the deliveries are spread over: 500, fewer in a small run. */
export const repositoryCount = (messages: number): number => Math.max(1, Math.min(500, Math.ceil(messages / 40)))

/** All deliveries. Every example is used once before any is used again. */
export const deliveries = (seed: number, messages: number): ReadonlyArray<Delivery> => {
  const repositories = Payloads.repositories(repositoryCount(messages))
  const examples = shuffled(Payloads.examples, seed, "examples")
  const positions = new Map<string, number>()
  return Array.makeBy(messages, (n) => {
    const example = examples[n % examples.length]!
    const repository = repositories[pick(repositories.length, seed, "repository", n)]!
    const source = example.ofRepository ? repository.name : repository.account
    const position = (positions.get(source) ?? 0) + 1
    positions.set(source, position)
    const delivery = guid(seed, n)
    return { delivery, example, account: repository.account, source, position, fault: Fault.of(seed, delivery) }
  })
}

/**
 * Plans the steps of each sender.
 *
 * A source has one sender, which defines its order.
 * A redelivery comes at the same moment, or up to 200 deliveries later.
 */
export const steps = (
  seed: number,
  deliveries: ReadonlyArray<Delivery>,
  senders: number
): ReadonlyArray<ReadonlyArray<Step>> => {
  const parts = Array.makeBy(senders, (): Array<Delivery> => [])
  for (const delivery of deliveries) parts[pick(senders, seed, "sender", delivery.source)]!.push(delivery)
  return parts.map((part) => chunked(seed, withRedeliveries(seed, part)))
}

/** The sender's deliveries and its late redeliveries in one row. Two sendings that race are a pair. */
const withRedeliveries = (seed: number, part: ReadonlyArray<Delivery>): ReadonlyArray<Step["sendings"]> => {
  const late = Map.groupBy(
    part.flatMap((delivery, index) =>
      Fault.redelivery(seed, delivery.delivery) === "later"
        ? [{ delivery, after: Math.min(index + 1 + pick(200, seed, "late", delivery.delivery), part.length - 1) }]
        : []
    ),
    ({ after }) => after
  )
  return part.flatMap((delivery, index): ReadonlyArray<Step["sendings"]> => [
    Fault.redelivery(seed, delivery.delivery) === "atOnce"
      ? [{ delivery, copy: 1 }, { delivery, copy: 2 }]
      : [{ delivery, copy: 1 }],
    ...(late.get(index) ?? []).map(({ delivery }): Step["sendings"] => [{ delivery, copy: 2 }])
  ])
}

/** Transactions of 1 to 60 sendings. A race is alone. */
const chunked = (seed: number, row: ReadonlyArray<Step["sendings"]>): ReadonlyArray<Step> => {
  const steps: Array<Step> = []
  let open: Array<Sending> = []
  const close = () => {
    if (Array.isReadonlyArrayNonEmpty(open)) steps.push({ _tag: "Together", sendings: open })
    open = []
  }
  for (const sendings of row) {
    const [first, second] = sendings
    if (first !== undefined && second !== undefined) {
      close()
      steps.push({ _tag: "Race", sendings: [first, second] })
      continue
    }
    open.push(...sendings)
    if (open.length >= size(seed, open[0]!)) close()
  }
  close()
  return steps
}

/** How many sendings share the transaction that begins with this one: one in five goes alone. */
const size = (seed: number, first: Sending): number => {
  const about = `${first.delivery.delivery}:${first.copy}`
  return roll(seed, "alone", about) < 0.2 ? 1 : 10 + pick(51, seed, "size", about)
}

/** The message of a delivery: the example's payload under its repository's name. */
export const webhook = (planned: Delivery): Webhook =>
  new Webhook({
    delivery: planned.delivery,
    kind: planned.example.kind,
    source: planned.source,
    position: planned.position,
    payload: Payloads.renamed(
      planned.example.payload,
      planned.account,
      planned.example.ofRepository ? planned.source : null
    )
  })
