/**
 * The test kit for pipelines: `TestPipeline` runs a pipeline in virtual time, with failures and crashes on purpose.
 * This module needs no test framework. The suites that need one are in `millrace/testing/conformance`.
 *
 * @since 0.1.0
 */
export * as TestPipeline from "./TestPipeline.ts"
