/**
 * Millrace: typed pipelines that process messages effectively once, in order per key.
 *
 * @since 0.1.0
 */
export * as Audit from "./Audit.ts"
export * as Consumers from "./Consumers.ts"
export * as DeadLetter from "./DeadLetter.ts"
export * as DeadLetters from "./DeadLetters.ts"
export * as Delay from "./Delay.ts"
export * as Delivery from "./Delivery.ts"
export * as Errors from "./Errors.ts"
export * as Health from "./Health.ts"
export * as Hold from "./Hold.ts"
export * as Inbox from "./Inbox.ts"
export * as KeyedStream from "./KeyedStream.ts"
export * as Lease from "./Lease.ts"
export * as Memory from "./memory/index.ts"
export * as Message from "./Message.ts"
export * as MessageId from "./MessageId.ts"
export * as Pipeline from "./Pipeline.ts"
export * as Retry from "./Retry.ts"
export * as Store from "./Store.ts"
export * as Telemetry from "./Telemetry.ts"
export * as Topic from "./Topic.ts"
export * as Transport from "./Transport.ts"
export * as Relay from "./worker/relay/Relay.ts"
export * as Worker from "./worker/Worker.ts"
