// The types of `Inbox.once` and `Inbox.await`, checked by tsc and never run.
import { Context, Effect, Schema } from "effect"
import { expectTypeOf } from "vitest"
import * as Inbox from "../../src/Inbox.ts"
import type * as Store from "../../src/Store.ts"

class Declined extends Schema.TaggedError<Declined>()("Declined", { code: Schema.Int }) {}
class Ledger extends Context.Service<Ledger, { readonly post: Effect.Effect<number, Declined> }>()("Ledger") {}
const key = { consumer: "api", id: "k" }
const post = Ledger.use((ledger) => ledger.post)

// Value, own errors and requirements are inferred and not widened; the store's transaction is provided.
const posted = Inbox.once(key, post, { result: Schema.Int })
expectTypeOf<Effect.Success<typeof posted>>().toEqualTypeOf<number>()
expectTypeOf<Effect.Error<typeof posted>>().toEqualTypeOf<Declined | Inbox.OnceError>()
expectTypeOf<Effect.Services<typeof posted>>().toEqualTypeOf<Ledger | Store.Store>()
const claiming = Inbox.once(key, Effect.as(Effect.service({} as typeof Store.Transaction), 1), { result: Schema.Int })
expectTypeOf<Effect.Services<typeof claiming>>().toEqualTypeOf<Store.Store>()

// On an inbox outside of the store no transaction is provided, and no store is needed.
class Outside extends Context.Service<Outside, Store.OutsideInbox>()("Outside") {}
const outside = Inbox.once(key, post, { result: Schema.Int, inbox: Outside })
expectTypeOf<Effect.Error<typeof outside>>().toEqualTypeOf<Declined | Inbox.OutsideError>()
expectTypeOf<Effect.Services<typeof outside>>().toEqualTypeOf<Ledger | Outside>()
const unclaimed = Inbox.once(key, Effect.as(Effect.service({} as typeof Store.Transaction), 1), {
  result: Schema.Int,
  inbox: Outside
})
expectTypeOf<Effect.Services<typeof unclaimed>>().toEqualTypeOf<Outside | Store.Transaction>()

const int = { result: Schema.Int } as const
export const refused = [
  // @ts-expect-error the effect's value is what the schema says
  Inbox.once(key, post, { result: Schema.String }),
  // @ts-expect-error a schema for the result is needed
  Inbox.once(key, post, {}),
  // @ts-expect-error what is no JSON would be compared wrongly
  Inbox.once({ ...key, payload: new Date(0) }, post, int),
  // @ts-expect-error two ways to meet another caller, no third one
  Inbox.once(key, post, { ...int, whileBusy: "steal" })
]

const awaited = Inbox.await(key)
expectTypeOf<Effect.Success<typeof awaited>>().toEqualTypeOf<Store.InboxRecord>()
expectTypeOf<Effect.Services<typeof awaited>>().toEqualTypeOf<Store.Store>()
