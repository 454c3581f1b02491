/**
 * For tests of what is built with Millrace: the history of a run, and the checker that judges it. Loads without a test
 * framework; the suites that need one are in `millrace/testing/conformance`.
 *
 * @since 0.1.0
 */
export * as Checker from "./Checker.ts"
export * as Faults from "./Faults.ts"
export * as History from "./History.ts"
export * as TestPipeline from "./TestPipeline.ts"
