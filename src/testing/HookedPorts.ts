/**
 * Wraps store and transport by hooks: around single calls, around transactions, and around the end of a subscription.
 * The test kit records the work of a worker by such hooks (`TapeHooks.ts`), and the fault runs inject faults.
 *
 * The wrapped ports distinguish transactions by their purpose: the commit of a group, a hold or dead letter, and any
 * other one. A transaction within another one is a savepoint.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Store, type Transaction, type TransactionFailure, WorkerTransaction } from "../Store.ts"
import { type Subscription, Transport } from "../Transport.ts"

type StoreService = Store["Service"]

/** Wraps members of a port. Each hook gets the member that it replaces, and the port with all members. */
export type CallHooks<Port> = { readonly [Name in keyof Port]?: (member: Port[Name], port: Port) => Port[Name] }

/** The purpose of a transaction. `own` is a transaction that a step, a publisher or an operator begins. */
export type Purpose = "commit" | "hold or dead letter" | "own"

/** Hooks that wrap transactions. `Open` is the state that the hooks keep for one open transaction. */
export interface TransactionHooks<Open> {
  /** The state of the open transaction in which a call runs. Undefined outside of a wrapped transaction. */
  readonly current: Context.Reference<Open | undefined>
  /** Returns the state for a transaction that begins. */
  readonly begin: (purpose: Purpose) => Open
  /** Wraps the body of a transaction. The store may run it again. */
  readonly inside: <A, E, R>(body: Effect.Effect<A, E, R>, open: Open) => Effect.Effect<A, E | TransactionFailure, R>
  /** Wraps a whole transaction with its COMMIT. */
  readonly outside: <A, E, R>(whole: Effect.Effect<A, E, R>, open: Open) => Effect.Effect<A, E | TransactionFailure, R>
  /** Wraps a savepoint. `open` is undefined if the hooks have not wrapped the transaction around it. */
  readonly savepoint?: <A, E, R>(savepoint: Effect.Effect<A, E, R>, open: Open | undefined) => Effect.Effect<A, E, R>
  /** Runs transactions with the purpose `own` in place of the store. By default the other hooks wrap them, too. */
  readonly own?: StoreService["transact"]
  /**
   * Wraps the commit of a group as data, which passes none of the other hooks. By default no group is committed as
   * data: each one is composed, and passes the other hooks.
   */
  readonly data?: <E>(commit: Effect.Effect<boolean, E>) => Effect.Effect<boolean, E>
}

/** The hooks for both ports. A part without hooks stays as it is. */
export interface Hooks<Open = never> {
  readonly transactions?: TransactionHooks<Open>
  readonly inbox?: CallHooks<StoreService["inbox"]>
  readonly outbox?: CallHooks<StoreService["outbox"]>
  readonly deadLetters?: CallHooks<StoreService["deadLetters"]>
  readonly consumers?: CallHooks<StoreService["consumers"]>
  readonly subscription?: CallHooks<Subscription>
  /** Wraps the close of a subscription's scope. */
  readonly close?: CloseHook
}

/** Returns the effect that runs in place of `close`, which closes the scope. */
export type CloseHook = (close: Effect.Effect<void>, scope: Scope.Closeable) => Effect.Effect<void>

/** Returns the store with the hooks around its calls. */
export const store = <Open>(inner: StoreService, hooks: Hooks<Open>): StoreService => ({
  ...inner,
  ...(hooks.transactions === undefined ? {} : transactions(inner, hooks.transactions)),
  inbox: hooked(inner.inbox, hooks.inbox),
  outbox: hooked(inner.outbox, hooks.outbox),
  deadLetters: hooked(inner.deadLetters, hooks.deadLetters),
  consumers: hooked(inner.consumers, hooks.consumers)
})

/** Returns the transport with the hooks around the calls of its subscriptions. */
export const transport = <Open>(inner: Transport["Service"], hooks: Hooks<Open>): Transport["Service"] => ({
  ...inner,
  open: (spec) => {
    const opened = inner.open(spec)
    const closed = hooks.close === undefined ? opened : inOwnScope(opened, hooks.close)
    return Effect.map(closed, (subscription) => hooked(subscription, hooks.subscription))
  }
})

/** Provides both ports with the hooks around those of the context. */
export const layer = <Open>(hooks: Hooks<Open>): Layer.Layer<Store | Transport, never, Store | Transport> =>
  Layer.effectContext(Effect.gen(function*() {
    return Context.make(Store, store(yield* Store, hooks)).pipe(
      Context.add(Transport, transport(yield* Transport, hooks))
    )
  }))

/** Runs an effect with a scope of its own, so that the close of this scope is a call with a hook. */
export const inOwnScope = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>, hook: CloseHook) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit: Exit.Exit<unknown, unknown>) => hook(Scope.close(scope, exit), scope))
  return yield* Scope.provide(effect, scope)
})

const hooked = <Port extends object>(port: Port, hooks: CallHooks<Port> = {}): Port => {
  const wrapped = { ...port }
  for (const name of Object.keys(hooks) as Array<keyof Port>) {
    const hook = hooks[name]
    if (hook !== undefined) wrapped[name] = hook(port[name], port)
  }
  return wrapped
}

const transactions = <Open>(
  inner: StoreService,
  hooks: TransactionHooks<Open>
): Pick<StoreService, "transact" | "savepoint" | "commitData"> => {
  const { savepoint = (nested) => nested } = hooks
  return {
    commitData: inner.commitData === undefined || hooks.data === undefined
      ? undefined
      : dataHooked(inner.commitData, hooks.data),
    transact: <A, E, R>(body: Effect.Effect<A, E, R>) =>
      Effect.flatMap(
        Effect.all([hooks.current, WorkerTransaction]),
        ([outer, worker]): Effect.Effect<A, E | TransactionFailure, Exclude<R, Transaction>> => {
          if (outer !== undefined) return savepoint(inner.transact(body), outer)
          if (worker === undefined && hooks.own !== undefined) return hooks.own(body)
          const open = hooks.begin(
            worker === undefined ? "own" : worker === "separate" ? "hold or dead letter" : "commit"
          )
          const inside = Effect.provideService(hooks.inside(body, open), hooks.current, open)
          return hooks.outside(inner.transact(inside), open)
        }
      ),
    savepoint: (body) => Effect.flatMap(hooks.current, (open) => savepoint(inner.savepoint(body), open))
  }
}

const dataHooked =
  (commitData: NonNullable<StoreService["commitData"]>, hook: NonNullable<TransactionHooks<never>["data"]>) =>
  <E>(...[group, next]: Parameters<typeof commitData<E>>): Effect.Effect<boolean, E> => hook(commitData(group, next))
