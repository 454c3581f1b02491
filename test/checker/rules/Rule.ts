/**
 * A rule is a pure function from an indexed history to its findings, and to how often it had something to compare.
 *
 * A rule without findings proves nothing unless its antecedents occurred. That is why it counts them.
 *
 * @since 0.1.0
 */
import type { HistoryIndex } from "./HistoryIndex.ts"

/**
 * The nine rules.
 *
 * @since 0.1.0
 */
export type RuleName =
  | "noLoss"
  | "effectivelyOnce"
  | "keyOrder"
  | "oneOwner"
  | "deadLetters"
  | "outbox"
  | "nothingStuck"
  | "bounded"
  | "notVacuous"

/**
 * Promises of a run beside the rules themselves.
 *
 * @since 0.1.0
 */
export interface Expectations {
  /** How often each fault must have been injected at least, by its name. */
  readonly faults?: Readonly<Record<string, number>> | undefined
  /** How often each crash window must have been hit at least. */
  readonly windows?: Readonly<Record<string, number>> | undefined
  /** How often an antecedent must have occurred at least: `{ "keyOrder: starts compared": 1000 }`. */
  readonly occurred?: Readonly<Record<string, number>> | undefined
  /** How many messages must have been handed over again at least. Default 1: a run without faults says 0. */
  readonly redelivered?: number | undefined
  /** Whether the run waited until nothing moved any more (`Settled`). Default true. */
  readonly settles?: boolean | undefined
  /**
   * Whether the run loses servers that had not yet saved all that they had told (`ServerReturned`): such messages are
   * counted then. Default false: none may be lost.
   */
  readonly losesServers?: boolean | undefined
  /** Consumers that give up deduplication: what they commit twice is counted, not refused. */
  readonly atLeastOnce?: ReadonlyArray<string> | undefined
  /**
   * Consumers whose transport promises no order of a key. No rule about order has a finding for them, also where
   * messages share a key. All other rules hold.
   */
  readonly unordered?: ReadonlyArray<string> | undefined
  /** Violations kept for each rule, with their life lines; the others are counted. Default 20. */
  readonly keep?: number | undefined
}

/**
 * The subject of a finding: the messages whose life lines explain it, and the consumer and lane or process they ran in.
 *
 * @since 0.1.0
 */
export interface Subject {
  readonly consumer?: string | undefined
  readonly ids: ReadonlyArray<string>
  readonly lane?: number | undefined
  readonly process?: string | undefined
}

/**
 * Something that must not be, explained in a sentence.
 *
 * @since 0.1.0
 */
export interface Finding {
  readonly rule: RuleName
  readonly sentence: string
  readonly about: Subject
}

/**
 * The result of a rule.
 *
 * @since 0.1.0
 */
export interface RunSummary {
  readonly rule: RuleName
  readonly findings: ReadonlyArray<Finding>
  /** How many there are; only the first ones are in `findings`. */
  readonly total: number
  /** How often the rule had something to look at. */
  readonly occurred: Readonly<Record<string, number>>
}

/**
 * A rule.
 *
 * @since 0.1.0
 */
export type Rule = (index: HistoryIndex, expectations: Expectations) => RunSummary

/** Collects what a rule finds: keeps the first ones, counts all, and words only what it keeps. */
export class Findings {
  readonly found: Array<Finding> = []
  total = 0
  private readonly rule: RuleName
  private readonly keep: number

  constructor(rule: RuleName, expectations: Expectations) {
    this.rule = rule
    this.keep = expectations.keep ?? 20
  }

  add(about: Subject, sentence: () => string): void {
    if (++this.total <= this.keep) this.found.push({ rule: this.rule, sentence: sentence(), about })
  }

  outcome(occurred: Readonly<Record<string, number>>): RunSummary {
    return { rule: this.rule, findings: this.found, total: this.total, occurred }
  }
}
