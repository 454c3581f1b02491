/**
 * SQS: the transport on queues of Amazon SQS.
 *
 * @since 0.1.0
 */
export * as Sqs from "./Sqs.ts"
