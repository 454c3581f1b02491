/** The messages of the contenders: about 200 bytes each, over 1,000 keys. A row of the ledger is the effect of one. */
import { Schema } from "effect"
import { Topic } from "millrace"

export const Payment = Schema.Struct({ id: Schema.String, key: Schema.String, amount: Schema.Int, pad: Schema.String })
export type Payment = typeof Payment.Type

export const Payments = Topic.make("payments", {
  schema: Payment,
  key: (payment) => payment.key,
  id: (payment) => payment.id
})

const keys = 1000

export const payment = (i: number, id: string): Payment => ({
  id,
  key: `k${i * 7919 % keys}`,
  amount: i,
  pad: "x".repeat(150)
})

/** An id that tells the reader of the ledger when the message was published. */
export const timedId = (i: number): string => `${performance.timeOrigin + performance.now()}:${i}`
