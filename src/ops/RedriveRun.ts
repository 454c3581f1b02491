/**
 * A redrive run: a frozen set of dead letters that workers redrive in stages, at a rate. It stops itself when the
 * messages fail again.
 *
 * @since 0.1.0
 */
import type { Filter, FrozenSet } from "../DeadLetter.ts"
import type { OperatorAction } from "../Store.ts"
import type { Count } from "./Fact.ts"

/**
 * Selects the dead letters of a run. They belong to one consumer, and are open.
 *
 * @since 0.1.0
 */
export interface RedriveFilter extends Omit<Filter, "state"> {
  readonly consumer: string
}

/**
 * A reason for an operator to look twice before the start.
 *
 * - `orderGone`: keys of the set that are not parked. Later messages of these keys may be committed already.
 * - `sameVersion`: the dead letters died on the only version that runs now, so the code has not changed.
 * - `noWorker`: no worker of the consumer lives, so the run would not begin.
 * - `paused`: the consumer is paused, so the run would not begin.
 * - `runOpen`: the consumer has a run that is not over, so no other one can start.
 *
 * @since 0.1.0
 */
export interface RedriveWarning {
  readonly about: "orderGone" | "sameVersion" | "noWorker" | "paused" | "runOpen"
  /** The warning for an operator, in one sentence. */
  readonly sentence: string
}

/**
 * A preview of a run. It can be kept as JSON and started later, because its set stays the same.
 *
 * @since 0.1.0
 */
export interface RedrivePreview {
  readonly consumer: string
  readonly set: FrozenSet
  /** Open dead letters of the set. Counting ends at 10,000. */
  readonly deadLetters: Count
  /** Different keys of the first 10,000 dead letters. */
  readonly keys: number
  /** Those of these keys that are parked. Their messages keep their order. */
  readonly parkedKeys: number
  /** When the first and the last of the first 10,000 dead letters died. Undefined if the set is empty. */
  readonly firstAt: number | undefined
  readonly lastAt: number | undefined
  /** Versions of the code on which the first 10,000 dead letters died. */
  readonly diedOn: ReadonlyArray<string>
  /** Versions of the live workers. */
  readonly runningNow: ReadonlyArray<string>
  /** The newest dead letter of the set. Undefined if the set is empty. */
  readonly upTo: string | undefined
  /**
   * The default rate in dead letters a second: a tenth of the rate of commits in the last 5 minutes, and 1 at least.
   */
  readonly rate: number
  readonly warnings: ReadonlyArray<RedriveWarning>
}

/**
 * The options of a start.
 *
 * @since 0.1.0
 */
export interface StartRedrive extends OperatorAction {
  /** Dead letters a second: above 0, at most 10,000. Default: the rate of the preview. */
  readonly rate?: number | undefined
  /**
   * The sizes of the first stages: at most 10 whole numbers above 0. A last stage with the rest follows them. Default
   * `[1, 10]`. With `[]` the whole set is one stage.
   */
  readonly stages?: ReadonlyArray<number> | undefined
  /** Whether the run waits for {@link Operations.continueRedrive} after its first stage. Default false. */
  readonly askAfterFirst?: boolean | undefined
  /** The stop rule. Default 3 in a row, or 5 of the last 20. */
  readonly stopRule?: Partial<StopRule> | undefined
}

/**
 * The number of messages that fail again with the same failure group, after which a run stops itself. A stage in which
 * every message fails again stops it, too.
 *
 * @since 0.1.0
 */
export interface StopRule {
  /** 1 to 20. */
  readonly inARow: number
  /** Among the last 20 outcomes: 1 to 20. */
  readonly ofLast20: number
}

/**
 * The state of a run.
 *
 * - `running`: workers of the consumer carry it out.
 * - `waiting`: its first stage is over, and an operator continues or cancels it.
 * - `paused`: an operator has paused it.
 * - `stopped`: it has stopped itself. An operator continues or cancels it.
 * - `cancelled`, `finished`: it is over.
 *
 * @since 0.1.0
 */
export type RedriveState = "running" | "waiting" | "paused" | "stopped" | "cancelled" | "finished"

/**
 * Why a run has stopped itself.
 *
 * - `inARow`, `ofLast20`: the two parts of the stop rule.
 * - `stage`: every message of a stage failed again.
 * - `copied`: the database is a copy from another cluster, where the frozen set has no meaning. Start a new run.
 *
 * @since 0.1.0
 */
export interface RedriveStop {
  readonly by: "inARow" | "ofLast20" | "stage" | "copied"
  /** The failure group, or an empty text. */
  readonly fingerprint: string
  /** The reason for an operator, in one sentence. */
  readonly sentence: string
}

/**
 * A redrive run. Times are milliseconds since the epoch on the store's clock.
 *
 * @since 0.1.0
 */
export interface RedriveRun {
  /** Ids ascend, and also sort so as texts. */
  readonly id: string
  readonly consumer: string
  readonly filter: Filter
  /** The newest dead letter of the set. */
  readonly upTo: string
  readonly state: RedriveState
  /** Why it stopped itself. Undefined in any other state. */
  readonly stopped: RedriveStop | undefined
  readonly rate: number
  readonly stages: ReadonlyArray<number>
  /** The present stage, from 1. */
  readonly stage: number
  readonly askAfterFirst: boolean
  readonly stopRule: StopRule
  /** Dead letters of the set at the preview. */
  readonly deadLetters: Count
  /** Dead letters that it has redriven. It is the sum of the next four. */
  readonly redriven: number
  /** Their messages were committed. */
  readonly committed: number
  /** Their messages were committed before by another delivery. */
  readonly duplicate: number
  /** Their messages are dead again. */
  readonly failedAgain: number
  /** Their messages are in the queue. */
  readonly waiting: number
  /** Open dead letters of the set that it has not redriven. 0 once it has finished. */
  readonly untouched: Count
  /** Milliseconds until the rest is redriven at this rate. Undefined if it does not run. */
  readonly leftMillis: number | undefined
  readonly startedBy: string
  readonly startedAt: number
  readonly note: string
  /** The operator that changed it last, and when. Empty if the run itself changed its state. */
  readonly changedBy: string
  readonly changedAt: number
  /** A number that each operator action and each change of state raises. */
  readonly revision: number
}

/**
 * An operator action on a run.
 *
 * @since 0.1.0
 */
export interface RedriveAction extends OperatorAction {
  /** The revision that the operator has seen. If it is another one now, the action fails with `RedriveRunConflict`. */
  readonly revision?: number | undefined
}

/**
 * Selects runs, newest first. Every field is optional.
 *
 * @since 0.1.0
 */
export interface RedriveRunQuery {
  readonly consumer?: string | undefined
  /** Only runs that are not over, if true. */
  readonly open?: boolean | undefined
  /** 1 to 100; default 20. */
  readonly limit?: number | undefined
}
