/**
 * For tests of what is built with Millrace: `TestPipeline` runs a pipeline in virtual time, with failures and crashes
 * on purpose. It loads without a test framework. The suites that need one are in `millrace/testing/conformance`.
 *
 * @since 0.1.0
 */
export * as TestPipeline from "./TestPipeline.ts"
