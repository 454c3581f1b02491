/**
 * `millrace/ops`: the facts of a running system, for operators and for tools.
 *
 * @since 0.1.0
 */
export * as Artefacts from "./Artefacts.ts"
export * from "./ConsumerFacts.ts"
export * from "./DatabaseFacts.ts"
export * as DeadLetterImport from "./DeadLetterImport.ts"
export * as DeadLetterSearch from "./DeadLetterSearch.ts"
export * as EditPreview from "./EditPreview.ts"
export * as Fact from "./Fact.ts"
export * from "./FailureFacts.ts"
export * from "./KeyFacts.ts"
export * from "./Listed.ts"
export * from "./MessageFacts.ts"
export * as MetricsEndpoint from "./MetricsEndpoint.ts"
export * as Operations from "./Operations.ts"
export * from "./Purge.ts"
export * from "./ReadTimeout.ts"
export * from "./RedriveRun.ts"
export * from "./SeriesFacts.ts"
