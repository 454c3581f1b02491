/**
 * The messages of the fault runs: pieces of work that say what their handler does, and the receipt that each committed
 * one emits.
 */
import * as Schema from "effect/Schema"
import { Topic } from "millrace"
import type { Poison, PublishTried } from "../checker/History.ts"

/**
 * The actions of a handler.
 *
 * - Nothing, or wait before the transaction.
 * - Fail twice in its steps, once in its commit, or once with a hold.
 * - Fail permanently until an operator redrives it: refused at once, or until its attempts are used up.
 * - End the process.
 */
export const acts = ["none", "wait", "flaky", "flakyCommit", "held", "rejected", "exhausted", "exit"] as const

export type PieceKind = typeof acts[number]

export const Piece = Schema.Struct({
  id: Schema.String,
  key: Schema.String,
  /** Ascending within the key. */
  position: Schema.Int,
  action: Schema.Literals(acts),
  millis: Schema.Int
})

export type Piece = typeof Piece.Type

export const Receipt = Schema.Struct({ source: Schema.String, key: Schema.String, position: Schema.Int })

export const piecesOf = (consumer: string) =>
  Topic.make(`${consumer}-pieces`, { schema: Piece, key: (piece) => piece.key, id: (piece) => piece.id })

export const receiptsOf = (consumer: string) =>
  Topic.make(`${consumer}-receipts`, { schema: Receipt, key: (receipt) => receipt.key, id: "content" })

/** The consumer of the receipts. */
export const readerOf = (consumer: string) => `${consumer}-reader`

/** Attempts until a piece is given up. */
export const attempts = 8

/** How its dead letter must look, where a piece is poison. */
export const poisonOf = (action: PieceKind): Poison | undefined => {
  switch (action) {
    case "rejected":
      return { reason: "rejected", attempts: 1 }
    case "exhausted":
      return { reason: "exhausted", attempts }
    case "exit":
      return { reason: "crashed" }
    default:
      return undefined
  }
}

/** A share of each act in a load; what is missing is `none`. */
export type Mix = Partial<Readonly<Record<PieceKind, number>>>

/** Picks an action. */
export const pick = (mix: Mix, dice: number): PieceKind => {
  let left = dice
  for (const action of acts) {
    left -= mix[action] ?? 0
    if (left < 0) return action
  }
  return "none"
}

/** A producer is about to publish it. */
export const tried = (process: string, consumer: string, piece: Piece, batch: string): PublishTried => {
  const poison = poisonOf(piece.action)
  return {
    _tag: "PublishTried",
    process,
    id: piece.id,
    topic: piecesOf(consumer).name,
    key: piece.key,
    position: piece.position,
    batch,
    ...(poison === undefined ? {} : { poison })
  }
}
