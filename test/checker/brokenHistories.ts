/**
 * Histories of runtimes that are broken in one way each: what they change in a correct one, and the rule that must say
 * so.
 */
import {
  acknowledged,
  all,
  atTheEnd,
  change,
  type Entries,
  type Mutant,
  neighbours,
  type Of,
  pick,
  plain,
  replace,
  simple,
  swap,
  without
} from "./changes.ts"

const noLoss: ReadonlyArray<Mutant> = [
  { name: "a commit is lost", rule: "noLoss", apply: change("Committed", plain, () => []) },
  {
    name: "acknowledged to the producer, but rolled back",
    rule: "noLoss",
    apply: (entries, dice) => {
      const id = pick(dice, all(entries, "Committed").filter((one) => plain(one, entries)))?.id
      const facts = ["Committed", "HandlerStarted", "HandlerEnded", "Outgoing"]
      return without(
        entries,
        (one) => facts.includes(one._tag) && (("id" in one && one.id === id) || ("source" in one && one.source === id))
      )
    }
  },
  { name: "a waiting message is lost", rule: "noLoss", apply: change("Waiting", plain, () => []) },
  {
    name: "a dead letter is lost",
    rule: "noLoss",
    apply: change(
      "DeadLettered",
      (one, entries) =>
        one.state === "open" && one.attempts[0]?.tag !== "IdempotencyConflict" && acknowledged(entries, one.id),
      () => []
    )
  },
  {
    name: "a rolled-back publish is seen",
    rule: "noLoss",
    apply: change("PublishAnswered", (one, entries) => simple(entries, one.id), (one) => [{ ...one, answer: "failed" }])
  },
  {
    name: "a commit from nowhere",
    rule: "noLoss",
    apply: change("Committed", plain, (row) => [row, { ...row, id: "unpublished" }])
  }
]

const effectivelyOnce: ReadonlyArray<Mutant> = [
  {
    name: "no inbox: a redelivery commits again",
    rule: "effectivelyOnce",
    apply: change("Committed", () => true, (row) => [row, row])
  },
  {
    name: "a stale owner commits once more at the end, chained well",
    rule: "effectivelyOnce",
    apply: (entries, dice) => {
      const rows = all(entries, "Committed")
      const row = pick(dice, rows)
      const last = rows.findLast((one) => one.key === row?.key)
      if (row === undefined || last === undefined) return undefined
      return replace(
        entries,
        last,
        () => [last, { ...row, token: last.token, draw: (last.draw ?? 0) + 1, previous: last.chain, chain: "again" }]
      )
    }
  }
]

const keyOrder: ReadonlyArray<Mutant> = [
  {
    name: "two of a key commit in the wrong order",
    rule: "keyOrder",
    apply: (entries, dice) => {
      const pair = neighbours(entries, dice)
      return pair === undefined ? undefined : swap(entries, pair[0], pair[1])
    }
  },
  {
    name: "two of a key commit in the wrong order, chained accordingly",
    rule: "keyOrder",
    apply: (entries, dice) => {
      const pair = neighbours(entries, dice)
      if (pair === undefined) return undefined
      const [first, second] = pair
      const { chain, draw, previous, token } = first
      const a = { ...second, previous, chain, draw, token }
      const b = { ...first, previous: second.previous, chain: second.chain, draw: second.draw, token: second.token }
      return replace(replace(entries, first, () => [a]), second, () => [b])
    }
  },
  {
    name: "n+1 starts before n is settled, in another process",
    rule: "keyOrder",
    apply: (entries, dice) => {
      const pair = neighbours(entries, dice)
      if (pair === undefined) return undefined
      const start = all(entries, "HandlerStarted").find((one) => one.id === pair[1].id && one.transaction === undefined)
      return start === undefined
        ? undefined
        : replace(entries, start, () => [{ ...start, draw: (pair[0].draw ?? 1) - 1 }])
    }
  },
  {
    name: "n+1 starts while n runs, in one process",
    rule: "keyOrder",
    apply: change("HandlerStarted", (one, entries) => one.transaction === undefined && plain(one, entries), (one) => [
      { ...one, id: `${one.id}/other`, draw: undefined },
      one
    ])
  },
  {
    name: "two commits of a key did not see each other",
    rule: "keyOrder",
    apply: change("Committed", (row) => row.previous !== "", (row, entries) => {
      const before = all(entries, "Committed").find((one) => one.chain === row.previous)
      return [{ ...row, previous: before?.previous }]
    })
  }
]

const oneOwner: ReadonlyArray<Mutant> = [
  {
    name: "no fence: a commit under an older token",
    rule: "oneOwner",
    apply: change("Committed", (row, entries) => older(row, entries) !== undefined, (row, entries) => [
      row,
      { ...row, id: `${row.id}/late`, token: older(row, entries) }
    ])
  },
  {
    name: "the fence stands outside of the transaction: a commit after the new owner's first start",
    rule: "oneOwner",
    apply: (entries, dice) => {
      const start = pick(dice, all(entries, "HandlerStarted").filter((one) => older(one, entries) !== undefined))
      const token = start === undefined ? undefined : older(start, entries)
      const row = all(entries, "Committed").findLast((one) => one.token === token && one.lane === start?.lane)
      return row === undefined ? undefined : replace(entries, row, () => [{ ...row, draw: (start?.draw ?? 0) + 1 }])
    }
  },
  {
    name: "a lane is claimed without raising its token",
    rule: "oneOwner",
    apply: change(
      "HandlerStarted",
      (one, entries) => plain(one, entries),
      (one) => [one, { ...one, process: "w0", id: `${one.id}/w0` }]
    )
  },
  {
    name: "a live lease is taken over: the database confirms no expiry",
    rule: "oneOwner",
    apply: (entries) => {
      const killed = new Set(all(entries, "ProcessEnded").filter((one) => one.code === null).map((one) => one.process))
      const starts = all(entries, "HandlerStarted")
      const overlap = starts.some((one) =>
        killed.has(one.process)
        && !entries.some((end) => end._tag === "HandlerEnded" && end.process === one.process && end.id === one.id)
        && starts.some((other) => other.id === one.id && other.process !== one.process)
      )
      return overlap ? without(entries, (one) => one._tag === "Takeover") : undefined
    }
  }
]

/** The highest token of the lane in the ledger below that of an entry. */
const older = (one: Of<"Committed"> | Of<"HandlerStarted">, entries: Entries): number | undefined => {
  const tokens = all(entries, "Committed").filter((row) => row.lane === one.lane && (row.token ?? 0) < (one.token ?? 0))
  return tokens.length === 0 ? undefined : Math.max(...tokens.map((row) => row.token ?? 0))
}

const first = (deadLetter: Of<"DeadLettered">) => deadLetter.attempts[0]?.tag !== "IdempotencyConflict"

const deadLetters: ReadonlyArray<Mutant> = [
  {
    name: "a message without poison dies",
    rule: "deadLetters",
    apply: (entries, dice) => {
      const deadLetter = pick(dice, all(entries, "DeadLettered").filter(first))
      if (deadLetter === undefined) return undefined
      return entries.map((one) =>
        one._tag === "PublishTried" && one.id === deadLetter.id ? { ...one, poison: undefined } : one
      )
    }
  },
  {
    name: "the history of attempts is lost",
    rule: "deadLetters",
    apply: change("DeadLettered", () => true, (deadLetter) => [{ ...deadLetter, attempts: [] }])
  },
  {
    name: "one attempt is missing from the history",
    rule: "deadLetters",
    apply: change(
      "DeadLettered",
      (deadLetter) => deadLetter.attempts.length > 1,
      (deadLetter) => [{ ...deadLetter, attempts: deadLetter.attempts.slice(1) }]
    )
  },
  {
    name: "a dead letter with the wrong reason",
    rule: "deadLetters",
    apply: change(
      "DeadLettered",
      first,
      (deadLetter) => [{ ...deadLetter, reason: deadLetter.reason === "crashed" ? "exhausted" : "crashed" }]
    )
  },
  {
    name: "poison is committed",
    rule: "deadLetters",
    apply: change(
      "DeadLettered",
      (deadLetter) => deadLetter.state === "open" && first(deadLetter),
      ({ consumer, id, key }) => [
        { _tag: "Committed", consumer, id, key, position: 1_000_000, worker: "w1", attempt: 1 }
      ]
    )
  },
  {
    name: "death and commit do not exclude each other",
    rule: "deadLetters",
    apply: change(
      "DeadLettered",
      (deadLetter) => deadLetter.state === "resolved",
      (deadLetter) => [{ ...deadLetter, state: "open" }]
    )
  },
  {
    name: "a parked key continues",
    rule: "deadLetters",
    apply: change(
      "DeadLettered",
      (deadLetter) => deadLetter.state === "open" && deadLetter.parked,
      (deadLetter) => [deadLetter, {
        _tag: "Committed",
        consumer: deadLetter.consumer,
        id: "after the park",
        key: deadLetter.key,
        position: 1_000_000,
        worker: "w1",
        attempt: 1,
        draw: (deadLetter.draw ?? 0) + 1
      }]
    )
  },
  {
    name: "another payload under a committed id is dropped in silence",
    rule: "deadLetters",
    apply: change("DeadLettered", (deadLetter) => !first(deadLetter), () => [])
  }
]

const outbox: ReadonlyArray<Mutant> = [
  {
    name: "an outgoing message is lost",
    rule: "outbox",
    apply: (entries, dice) => {
      const lost = pick(dice, all(entries, "Outgoing"))?.id
      return without(entries, (one) => one._tag === "Outgoing" && one.id === lost)
    }
  },
  {
    name: "an outgoing message of an effect that was rolled back",
    rule: "outbox",
    apply: change(
      "Outgoing",
      () => true,
      (one) => [one, { ...one, id: `${one.id}/rolled back`, source: `${one.source}/never` }]
    )
  },
  {
    name: "an outgoing message of an attempt that was rolled back",
    rule: "outbox",
    apply: change("Outgoing", () => true, (one) => [one, { ...one, id: `${one.id}/first attempt` }])
  },
  {
    name: "outgoing messages of a key change places",
    rule: "outbox",
    apply: (entries, dice) => {
      const groups = Map.groupBy(all(entries, "Outgoing"), (one) => one.key).values()
      const group = pick(
        dice,
        [...groups].map((group) => [...new Map(group.map((one) => [one.id, one])).values()]).filter((group) =>
          group.length > 1
        )
      )
      if (group === undefined) return undefined
      const ids = new Set(group.map((one) => one.id))
      return [...without(entries, (one) => one._tag === "Outgoing" && ids.has(one.id)), ...group.toReversed()]
    }
  }
]

const nothingStuck: ReadonlyArray<Mutant> = [
  {
    name: "a message is left waiting",
    rule: "nothingStuck",
    apply: change(
      "Committed",
      plain,
      ({ consumer, id, key }) => [{ _tag: "Waiting", consumer, id, key, state: "ready" }]
    )
  },
  {
    name: "a hold never ends",
    rule: "nothingStuck",
    apply: change(
      "Committed",
      plain,
      ({ consumer, id, key }) => [{ _tag: "Waiting", consumer, id, key, state: "held" }]
    )
  },
  {
    name: "a key is parked behind no dead letter",
    rule: "nothingStuck",
    apply: change(
      "Committed",
      plain,
      ({ consumer, id, key }, entries) =>
        entries.some((one) => one._tag === "OperatorActed" && one.key === key)
          ? [{ _tag: "Waiting", consumer, id, key, state: "held" }]
          : [{ _tag: "Waiting", consumer, id, key: `${key}`, state: "parked" }]
    )
  },
  {
    name: "it takes too long to settle",
    rule: "nothingStuck",
    apply: change("Settled", () => true, (one) => [{ ...one, millis: one.boundMillis + 1 }])
  },
  {
    name: "the end of the waits is not recorded",
    rule: "nothingStuck",
    apply: change("Settled", () => true, () => [])
  },
  {
    name: "a graceful stop forgets a handler",
    rule: "nothingStuck",
    apply: (entries, dice) => {
      const stopped = new Set(all(entries, "ProcessEnded").filter((one) => one.code === 0).map((one) => one.process))
      const end = pick(dice, all(entries, "HandlerEnded").filter((one) => stopped.has(one.process)))
      return end === undefined
        ? undefined
        : without(
          entries,
          (one) =>
            one._tag === "HandlerEnded" && one.process === end.process && one.key === end.key && one.id === end.id
        )
    }
  },
  {
    name: "a redrive never ends",
    rule: "nothingStuck",
    apply: change(
      "DeadLettered",
      (deadLetter) => deadLetter.state === "open" && first(deadLetter),
      (deadLetter) => [{ ...deadLetter, state: "redriving" }]
    )
  }
]

const bounded: ReadonlyArray<Mutant> = [
  {
    name: "in flight above its setting, as sampled",
    rule: "bounded",
    apply: (entries) =>
      atTheEnd(entries, { _tag: "Sampled", process: "w1", quantity: "in flight", value: 13, limit: 12 })
  },
  {
    name: "memory above its setting",
    rule: "bounded",
    apply: (entries) =>
      atTheEnd(entries, { _tag: "Sampled", process: "w1", quantity: "memory", value: 3e9, limit: 1e9 })
  },
  {
    name: "more handlers at once than the setting allows",
    rule: "bounded",
    apply: (entries) => entries.map((one) => one._tag === "ProcessStarted" ? { ...one, limits: { inFlight: 1 } } : one)
  },
  {
    name: "a message is tried again and again",
    rule: "bounded",
    apply: change("HandlerStarted", () => true, (one) => [{ ...one, attempt: 99 }])
  }
]

/** All of them, but for those of rule 9, which are about promises. */
export const mutants: ReadonlyArray<Mutant> = [
  ...noLoss,
  ...effectivelyOnce,
  ...keyOrder,
  ...oneOwner,
  ...deadLetters,
  ...outbox,
  ...nothingStuck,
  ...bounded
]
