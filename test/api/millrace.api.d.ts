// ==== millrace ====

// src/index.ts
export * as Audit from "./Audit.ts";
export * as Consumers from "./Consumers.ts";
export * as DeadLetter from "./DeadLetter.ts";
export * as DeadLetters from "./DeadLetters.ts";
export * as Delay from "./Delay.ts";
export * as Delivery from "./Delivery.ts";
export * as Errors from "./Errors.ts";
export * as Health from "./Health.ts";
export * as Hold from "./Hold.ts";
export * as Inbox from "./Inbox.ts";
export * as KeyedStream from "./KeyedStream.ts";
export * as Lease from "./Lease.ts";
export * as Memory from "./memory/index.ts";
export * as Message from "./Message.ts";
export * as MessageId from "./MessageId.ts";
export * as Pipeline from "./Pipeline.ts";
export * as Retry from "./Retry.ts";
export * as Store from "./Store.ts";
export * as Telemetry from "./Telemetry.ts";
export * as Topic from "./Topic.ts";
export * as Transport from "./Transport.ts";
export * as Relay from "./worker/relay/Relay.ts";
export * as Worker from "./worker/Worker.ts";

// src/Audit.ts
import type * as Effect from "effect/Effect";
import type { StoreFailure } from "./Errors.ts";
import type { Entry, Query } from "./internal/store/AuditStore.ts";
import { Store } from "./Store.ts";
export { actions } from "./internal/store/AuditStore.ts";
export type { Action, Entry, Query } from "./internal/store/AuditStore.ts";
export declare const list: (query?: Query) => Effect.Effect<ReadonlyArray<Entry>, StoreFailure, Store>;

// src/internal/store/AuditStore.ts
import type * as Effect from "effect/Effect";
import type { StoreFailure } from "../../Errors.ts";
export declare const actions: readonly ["redriven", "edited", "discarded", "restored", "released", "removed", "unsubscribed", "paused", "resumed", "advanced", "deadLettered", "started", "continued", "cancelled", "rateChanged", "awaited", "stopped", "finished", "evicted", "purged", "imported", "noted", "repaired"];
export type Action = typeof actions[number];
export interface Entry {
    readonly id: string;
    readonly at: number;
    readonly by: string;
    readonly action: Action;
    readonly consumer: string;
    readonly deadLetterId: string;
    readonly redriveRunId: string;
    readonly topic: string;
    readonly key: string;
    readonly note: string;
    readonly detail: string;
}
export interface Query {
    readonly about?: "deadLetters" | "consumers" | "redriveRuns" | undefined;
    readonly consumer?: string | undefined;
    readonly deadLetterId?: string | undefined;
    readonly redriveRunId?: string | undefined;
    readonly by?: string | undefined;
    readonly action?: Action | undefined;
    readonly before?: string | undefined;
    readonly limit?: number | undefined;
}
export interface AuditStore {
    readonly list: (query: Query) => Effect.Effect<ReadonlyArray<Entry>, StoreFailure>;
}

// src/Consumers.ts
import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Audit from "./Audit.ts";
import type { ConsumerBusy, ConsumerNotFound, InvalidOperatorAction, InvalidSetting, NotSubscribed, PauseConflict, StoreFailure, WorkerNotFound } from "./Errors.ts";
import { type Consumer, type Evicted, type Force, type HeldKey, type HeldQuery, type OperatorAction, Store } from "./Store.ts";
export declare const list: Effect.Effect<ReadonlyArray<Consumer>, StoreFailure, Store>;
export declare const get: (consumer: string) => Effect.Effect<Consumer, StoreFailure | ConsumerNotFound, Store>;
export declare const heldKeys: (consumer: string, query?: HeldQuery) => Effect.Effect<ReadonlyArray<HeldKey>, StoreFailure | ConsumerNotFound, Store>;
export declare const remove: (consumer: string, action: OperatorAction & {
    readonly force?: Force | undefined;
}) => Effect.Effect<void, StoreFailure | ConsumerNotFound | ConsumerBusy | InvalidOperatorAction, Store>;
export declare const unsubscribe: (consumer: string, topic: string, action: OperatorAction & {
    readonly force?: Pick<Force, "messages"> | undefined;
}) => Effect.Effect<void, StoreFailure | ConsumerNotFound | NotSubscribed | ConsumerBusy | InvalidOperatorAction, Store>;
type Paused<E = never> = Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict | InvalidOperatorAction | E, Store>;
export declare const pause: (consumer: string, action: OperatorAction & {
    readonly duration?: Duration.Input | undefined;
}) => Paused<InvalidSetting>;
export declare const resume: (consumer: string, action: OperatorAction) => Paused;
export declare const evict: (consumer: string, worker: string, action: OperatorAction) => Effect.Effect<Evicted, StoreFailure | ConsumerNotFound | WorkerNotFound | InvalidOperatorAction, Store>;
export declare const pauseKey: (consumer: string, key: string, action: OperatorAction) => Paused;
export declare const resumeKey: (consumer: string, key: string, action: OperatorAction) => Paused;
export declare const audit: (query?: Omit<Audit.Query, "about" | "deadLetterId">) => Effect.Effect<ReadonlyArray<Audit.Entry>, StoreFailure, Store>;
export {};

// src/DeadLetter.ts
import * as Effect from "effect/Effect";
import type * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import type { Failure } from "./Delivery.ts";
import type { Message } from "./Message.ts";
export type Reason = "exhausted" | "rejected" | "undecodable" | "crashed";
export type State = "open" | "redriving" | "resolved" | "discarded";
export type DeadLetterOrder = "continue" | "park";
export interface DeadLetter {
    readonly id: string;
    readonly consumer: string;
    readonly message: Message;
    readonly original: string | undefined;
    readonly reason: Reason;
    readonly state: State;
    readonly parked: boolean;
    readonly attempts: ReadonlyArray<Failure>;
    readonly retriedMillis: number;
    readonly tag: string;
    readonly fingerprint: string;
    readonly redriven: number;
    readonly diedAt: number;
    readonly changedBy: string;
    readonly changedAt: number;
}
export declare const fingerprint: (failure: Failure) => string;
export declare const retriedMillis: (attempts: ReadonlyArray<Failure>) => number;
export declare const decodeError: <S extends Schema.Constraint>(failure: Failure, errors: S) => Effect.Effect<Option.Option<S["Type"]>, Schema.SchemaError, S["DecodingServices"]>;
export interface Filter {
    readonly consumer?: string | undefined;
    readonly state?: State | undefined;
    readonly reason?: Reason | undefined;
    readonly topic?: string | undefined;
    readonly key?: string | undefined;
    readonly id?: string | undefined;
    readonly fingerprint?: string | ReadonlyArray<string> | undefined;
    readonly tag?: string | undefined;
    readonly since?: number | undefined;
    readonly until?: number | undefined;
}
export interface Query extends Filter {
    readonly before?: string | undefined;
    readonly limit?: number | undefined;
}
export interface BoundedCount {
    readonly count: number;
    readonly more: boolean;
}
export interface FailureGroup {
    readonly consumer: string;
    readonly fingerprint: string;
    readonly deadLetters: BoundedCount;
    readonly firstAt: number;
    readonly lastAt: number;
    readonly sample: DeadLetter;
}
export interface FrozenSet {
    readonly filter: Filter;
    readonly cutoff: string;
    readonly deadLetters: BoundedCount;
}
export declare const unsubscribed: (topic: string, at: number) => Failure;

// src/DeadLetters.ts
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import * as Audit from "./Audit.ts";
import type { DeadLetter, FailureGroup, Filter, FrozenSet, Query } from "./DeadLetter.ts";
import { type DeadLetterConflict, type DeadLetterNotFound, EditRefused, EditUndecodable, type EncodeFailed, type InvalidMessage, type InvalidOperatorAction, type InvalidSetting, type StoreFailure } from "./Errors.ts";
import { type OperatorAction, Store } from "./Store.ts";
import type { Topic } from "./Topic.ts";
export declare const list: (query?: Query) => Effect.Effect<ReadonlyArray<DeadLetter>, StoreFailure, Store>;
export declare const groups: (filter?: Filter & {
    readonly limit?: number | undefined;
}) => Effect.Effect<ReadonlyArray<FailureGroup>, StoreFailure, Store>;
export declare const get: (deadLetterId: string) => Effect.Effect<DeadLetter, StoreFailure | DeadLetterNotFound, Store>;
type Decided = Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict | InvalidOperatorAction, Store>;
export declare const redrive: (deadLetterId: string, action: OperatorAction) => Decided;
export declare const redriveEdited: <Name extends string, S extends Schema.Constraint>(deadLetterId: string, options: OperatorAction & {
    readonly topic: Topic<Name, S>;
    readonly payload: string;
}) => Effect.Effect<void, DeadLetterConflict | InvalidOperatorAction | EditError, Store | S["DecodingServices"] | S["EncodingServices"]>;
type EditError = StoreFailure | DeadLetterNotFound | EditUndecodable | EncodeFailed | InvalidMessage | EditRefused;
export declare const checkEdit: <Name extends string, S extends Schema.Constraint>(deadLetterId: string, args_1: {
    readonly topic: Topic<Name, S>;
    readonly payload: string;
}) => Effect.Effect<DeadLetter, EditError, Store | S["DecodingServices"] | S["EncodingServices"]>;
export declare const discard: (deadLetterId: string, action: OperatorAction) => Decided;
export declare const restore: (deadLetterId: string, action: OperatorAction) => Decided;
export declare const release: (deadLetterId: string, action: OperatorAction) => Decided;
export declare const freeze: (filter: Omit<Filter, "state">) => Effect.Effect<FrozenSet, StoreFailure, Store>;
export interface Progress {
    readonly done: number;
    readonly last: string;
}
export interface SetOptions extends OperatorAction {
    readonly rate?: number | undefined;
    readonly onProgress?: ((progress: Progress) => Effect.Effect<void>) | undefined;
}
export declare const redriveAll: (set: FrozenSet | Omit<Filter, "state">, options: SetOptions) => Effect.Effect<Progress, StoreFailure | InvalidSetting | InvalidOperatorAction, Store>;
export declare const discardAll: (set: FrozenSet | Omit<Filter, "state">, options: SetOptions) => Effect.Effect<Progress, StoreFailure | InvalidSetting | InvalidOperatorAction, Store>;
export declare const audit: (query?: Omit<Audit.Query, "about">) => Effect.Effect<ReadonlyArray<Audit.Entry>, StoreFailure, Store>;
export {};

// src/Delay.ts
import * as DateTime from "effect/DateTime";
import * as Duration from "effect/Duration";
import { InvalidMessage } from "./Errors.ts";
import * as Message from "./Message.ts";
export interface DelayOptions {
    readonly delay?: Duration.Input | undefined;
    readonly at?: DateTime.DateTime | Date | number | undefined;
}
export interface ResolvedDelay {
    readonly at: number | undefined;
    readonly delay: number;
    readonly name: string | undefined;
}
export declare const problem: (messages: ReadonlyArray<Message.Message>, delay: ResolvedDelay) => InvalidMessage | undefined;
export declare const resolve: (messages: ReadonlyArray<Message.Message>, options: DelayOptions & {
    readonly name?: string | undefined;
}) => ResolvedDelay | InvalidMessage | undefined;

// src/Delivery.ts
import type * as Deferred from "effect/Deferred";
import type { LeaseLost } from "./Errors.ts";
import type { Message } from "./Message.ts";
export interface HeldLease {
    readonly name: string;
    readonly token: bigint;
    readonly claimedAt: bigint;
    readonly lost: Deferred.Deferred<LeaseLost>;
}
export interface Failure {
    readonly attempt: number;
    readonly at: number;
    readonly tag: string;
    readonly error: unknown;
    readonly encoded?: true | undefined;
    readonly message: string;
    readonly stack: string;
    readonly step: string;
    readonly failedStep?: {
        readonly name: string;
        readonly position: number;
    } | undefined;
    readonly frame: string;
    readonly worker: string;
    readonly codeVersion: string;
}
export interface Delivery {
    readonly message: Message;
    readonly lease: HeldLease;
    readonly position: bigint;
    readonly crashCount: number;
    readonly crashedAlone: boolean;
    readonly attempts: ReadonlyArray<Failure>;
    readonly redrive?: {
        readonly deadLetterId: string;
        readonly count: number;
    } | undefined;
    readonly receipt: unknown;
}
export interface DeliveryContext {
    readonly message: Message;
    readonly attempt: number;
    readonly redriven: number;
}

// src/Errors.ts
export * from "./internal/errors/AttemptErrors.ts";
export * from "./internal/errors/InboxErrors.ts";
export * from "./internal/errors/LeaseErrors.ts";
export * from "./internal/errors/MessageErrors.ts";
export * from "./internal/errors/OperationsErrors.ts";
export * from "./internal/errors/SettingsErrors.ts";
export * from "./internal/errors/StatementErrors.ts";
export * from "./internal/errors/StoreErrors.ts";
export * from "./internal/errors/TransactionErrors.ts";
export * from "./internal/errors/TransportErrors.ts";

// src/internal/errors/AttemptErrors.ts
import * as Schema from "effect/Schema";
declare const StepTimeout_base: Schema.Class<StepTimeout, Schema.TaggedStruct<"StepTimeout", {
    readonly phase: Schema.Literals<readonly ["steps", "commit"]>;
    readonly millis: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class StepTimeout extends StepTimeout_base {
    get message(): string;
}
declare const Defect_base: Schema.Class<Defect, Schema.TaggedStruct<"Defect", {
    readonly detail: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class Defect extends Defect_base {
    get message(): string;
}
declare const WorkerCrashed_base: Schema.Class<WorkerCrashed, Schema.TaggedStruct<"WorkerCrashed", {
    readonly crashCount: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class WorkerCrashed extends WorkerCrashed_base {
    get message(): string;
}
export {};

// src/internal/errors/InboxErrors.ts
import * as Schema from "effect/Schema";
declare const InvalidId_base: Schema.Class<InvalidId, Schema.TaggedStruct<"InvalidId", {
    readonly consumer: Schema.String;
    readonly id: Schema.String;
    readonly problem: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class InvalidId extends InvalidId_base {
    get message(): string;
}
declare const IdempotencyConflict_base: Schema.Class<IdempotencyConflict, Schema.TaggedStruct<"IdempotencyConflict", {
    readonly consumer: Schema.String;
    readonly id: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class IdempotencyConflict extends IdempotencyConflict_base {
    get message(): string;
}
declare const InProgress_base: Schema.Class<InProgress, Schema.TaggedStruct<"InProgress", {
    readonly consumer: Schema.String;
    readonly id: Schema.String;
    readonly waitedMillis: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class InProgress extends InProgress_base {
    get message(): string;
}
declare const ResultUnavailable_base: Schema.Class<ResultUnavailable, Schema.TaggedStruct<"ResultUnavailable", {
    readonly consumer: Schema.String;
    readonly id: Schema.String;
    readonly reason: Schema.Literals<readonly ["undecodable", "none", "dead"]>;
    readonly detail: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class ResultUnavailable extends ResultUnavailable_base {
    get message(): string;
}
declare const ResultRefused_base: Schema.Class<ResultRefused, Schema.TaggedStruct<"ResultRefused", {
    readonly consumer: Schema.String;
    readonly id: Schema.String;
    readonly problem: Schema.String;
    readonly rolledBack: Schema.Boolean;
}>, import("effect/Cause").YieldableError>;
export declare class ResultRefused extends ResultRefused_base {
    get message(): string;
}
declare const ClaimLost_base: Schema.Class<ClaimLost, Schema.TaggedStruct<"ClaimLost", {
    readonly consumer: Schema.String;
    readonly id: Schema.String;
    readonly effect: Schema.Literals<readonly ["interrupted", "happened"]>;
    readonly reason: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class ClaimLost extends ClaimLost_base {
    get message(): string;
}
declare const AwaitTimeout_base: Schema.Class<AwaitTimeout, Schema.TaggedStruct<"AwaitTimeout", {
    readonly consumer: Schema.String;
    readonly id: Schema.String;
    readonly waitedMillis: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class AwaitTimeout extends AwaitTimeout_base {
    get message(): string;
}
export {};

// src/internal/errors/LeaseErrors.ts
import * as Schema from "effect/Schema";
declare const LeaseLost_base: Schema.Class<LeaseLost, Schema.TaggedStruct<"LeaseLost", {
    readonly lease: Schema.String;
    readonly token: Schema.String;
    readonly reason: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class LeaseLost extends LeaseLost_base {
    get message(): string;
}
declare const LeaseTaken_base: Schema.Class<LeaseTaken, Schema.TaggedStruct<"LeaseTaken", {
    readonly lease: Schema.String;
    readonly holder: Schema.String;
    readonly remainingMillis: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class LeaseTaken extends LeaseTaken_base {
    get message(): string;
}
export {};

// src/internal/errors/MessageErrors.ts
import * as Schema from "effect/Schema";
declare const InvalidMessage_base: Schema.Class<InvalidMessage, Schema.TaggedStruct<"InvalidMessage", {
    readonly topic: Schema.String;
    readonly id: Schema.String;
    readonly field: Schema.String;
    readonly problem: Schema.String;
    readonly hint: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class InvalidMessage extends InvalidMessage_base {
    get message(): string;
}
declare const UnreadableMessage_base: Schema.Class<UnreadableMessage, Schema.TaggedStruct<"UnreadableMessage", {
    readonly brokerId: Schema.String;
    readonly field: Schema.String;
    readonly problem: Schema.String;
    readonly hint: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class UnreadableMessage extends UnreadableMessage_base {
    get message(): string;
}
declare const EncodeFailed_base: Schema.Class<EncodeFailed, Schema.TaggedStruct<"EncodeFailed", {
    readonly topic: Schema.String;
    readonly issue: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class EncodeFailed extends EncodeFailed_base {
    get message(): string;
}
declare const DecodeFailed_base: Schema.Class<DecodeFailed, Schema.TaggedStruct<"DecodeFailed", {
    readonly topic: Schema.String;
    readonly id: Schema.String;
    readonly version: Schema.Number;
    readonly issue: Schema.String;
    readonly where: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class DecodeFailed extends DecodeFailed_base {
    get message(): string;
}
export {};

// src/internal/errors/OperationsErrors.ts
import * as Schema from "effect/Schema";
declare const DeadLetterNotFound_base: Schema.Class<DeadLetterNotFound, Schema.TaggedStruct<"DeadLetterNotFound", {
    readonly deadLetterId: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class DeadLetterNotFound extends DeadLetterNotFound_base {
    get message(): string;
}
declare const DeadLetterConflict_base: Schema.Class<DeadLetterConflict, Schema.TaggedStruct<"DeadLetterConflict", {
    readonly deadLetterId: Schema.String;
    readonly asked: Schema.String;
    readonly state: Schema.String;
    readonly by: Schema.String;
    readonly at: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class DeadLetterConflict extends DeadLetterConflict_base {
    get message(): string;
}
declare const EditRefused_base: Schema.Class<EditRefused, Schema.TaggedStruct<"EditRefused", {
    readonly deadLetterId: Schema.String;
    readonly field: Schema.Literals<readonly ["topic", "key"]>;
    readonly kept: Schema.String;
    readonly edited: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class EditRefused extends EditRefused_base {
    get message(): string;
}
declare const EditUndecodable_base: Schema.Class<EditUndecodable, Schema.TaggedStruct<"EditUndecodable", {
    readonly deadLetterId: Schema.String;
    readonly topic: Schema.String;
    readonly issue: Schema.String;
    readonly where: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class EditUndecodable extends EditUndecodable_base {
    get message(): string;
}
declare const InvalidOperatorAction_base: Schema.Class<InvalidOperatorAction, Schema.TaggedStruct<"InvalidOperatorAction", {
    readonly field: Schema.Literals<readonly ["by", "note"]>;
    readonly problem: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class InvalidOperatorAction extends InvalidOperatorAction_base {
    get message(): string;
}
declare const ConsumerNotFound_base: Schema.Class<ConsumerNotFound, Schema.TaggedStruct<"ConsumerNotFound", {
    readonly consumer: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class ConsumerNotFound extends ConsumerNotFound_base {
    get message(): string;
}
declare const WorkerNotFound_base: Schema.Class<WorkerNotFound, Schema.TaggedStruct<"WorkerNotFound", {
    readonly consumer: Schema.String;
    readonly worker: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class WorkerNotFound extends WorkerNotFound_base {
    get message(): string;
}
declare const ConsumerBusy_base: Schema.Class<ConsumerBusy, Schema.TaggedStruct<"ConsumerBusy", {
    readonly consumer: Schema.String;
    readonly asked: Schema.String;
    readonly workers: Schema.Number;
    readonly waiting: Schema.Number;
    readonly deadLetters: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class ConsumerBusy extends ConsumerBusy_base {
    get message(): string;
}
declare const InvalidDeadLetter_base: Schema.Class<InvalidDeadLetter, Schema.TaggedStruct<"InvalidDeadLetter", {
    readonly problem: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class InvalidDeadLetter extends InvalidDeadLetter_base {
    get message(): string;
}
declare const DeadLetterExists_base: Schema.Class<DeadLetterExists, Schema.TaggedStruct<"DeadLetterExists", {
    readonly consumer: Schema.String;
    readonly messageId: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class DeadLetterExists extends DeadLetterExists_base {
    get message(): string;
}
declare const QueueChanged_base: Schema.Class<QueueChanged, Schema.TaggedStruct<"QueueChanged", {
    readonly consumer: Schema.String;
    readonly expected: Schema.Number;
    readonly found: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class QueueChanged extends QueueChanged_base {
    get message(): string;
}
declare const ConsumerRemoved_base: Schema.Class<ConsumerRemoved, Schema.TaggedStruct<"ConsumerRemoved", {
    readonly consumer: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class ConsumerRemoved extends ConsumerRemoved_base {
    get message(): string;
}
declare const PauseConflict_base: Schema.Class<PauseConflict, Schema.TaggedStruct<"PauseConflict", {
    readonly consumer: Schema.String;
    readonly key: Schema.String;
    readonly asked: Schema.Literals<readonly ["paused", "resumed"]>;
    readonly by: Schema.String;
    readonly at: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class PauseConflict extends PauseConflict_base {
    get message(): string;
}
declare const NotSubscribed_base: Schema.Class<NotSubscribed, Schema.TaggedStruct<"NotSubscribed", {
    readonly consumer: Schema.String;
    readonly topic: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class NotSubscribed extends NotSubscribed_base {
    get message(): string;
}
declare const RedriveRunNotFound_base: Schema.Class<RedriveRunNotFound, Schema.TaggedStruct<"RedriveRunNotFound", {
    readonly redriveRunId: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class RedriveRunNotFound extends RedriveRunNotFound_base {
    get message(): string;
}
declare const RedriveRunning_base: Schema.Class<RedriveRunning, Schema.TaggedStruct<"RedriveRunning", {
    readonly consumer: Schema.String;
    readonly redriveRunId: Schema.String;
    readonly state: Schema.String;
    readonly by: Schema.String;
    readonly at: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class RedriveRunning extends RedriveRunning_base {
    get message(): string;
}
declare const RedriveRunConflict_base: Schema.Class<RedriveRunConflict, Schema.TaggedStruct<"RedriveRunConflict", {
    readonly redriveRunId: Schema.String;
    readonly asked: Schema.String;
    readonly state: Schema.String;
    readonly revision: Schema.Number;
    readonly by: Schema.String;
    readonly at: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class RedriveRunConflict extends RedriveRunConflict_base {
    get message(): string;
}
declare const NothingToRedrive_base: Schema.Class<NothingToRedrive, Schema.TaggedStruct<"NothingToRedrive", {
    readonly consumer: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class NothingToRedrive extends NothingToRedrive_base {
    get message(): string;
}
declare const NothingToAdvance_base: Schema.Class<NothingToAdvance, Schema.TaggedStruct<"NothingToAdvance", {
    readonly consumer: Schema.String;
    readonly key: Schema.String;
    readonly held: Schema.Boolean;
}>, import("effect/Cause").YieldableError>;
export declare class NothingToAdvance extends NothingToAdvance_base {
    get message(): string;
}
declare const MessageNotWaiting_base: Schema.Class<MessageNotWaiting, Schema.TaggedStruct<"MessageNotWaiting", {
    readonly consumer: Schema.String;
    readonly id: Schema.String;
    readonly key: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class MessageNotWaiting extends MessageNotWaiting_base {
    get message(): string;
}
export {};

// src/internal/errors/SettingsErrors.ts
import * as Schema from "effect/Schema";
declare const InvalidName_base: Schema.Class<InvalidName, Schema.TaggedStruct<"InvalidName", {
    readonly kind: Schema.String;
    readonly got: Schema.String;
    readonly problem: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class InvalidName extends InvalidName_base {
    get message(): string;
}
declare const InvalidSetting_base: Schema.Class<InvalidSetting, Schema.TaggedStruct<"InvalidSetting", {
    readonly setting: Schema.String;
    readonly got: Schema.String;
    readonly expected: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class InvalidSetting extends InvalidSetting_base {
    get message(): string;
}
declare const InvalidConfig_base: Schema.Class<InvalidConfig, Schema.TaggedStruct<"InvalidConfig", {
    readonly variable: Schema.String;
    readonly got: Schema.String;
    readonly expected: Schema.String;
    readonly example: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class InvalidConfig extends InvalidConfig_base {
    get message(): string;
}
declare const ConsumerConflict_base: Schema.Class<ConsumerConflict, Schema.TaggedStruct<"ConsumerConflict", {
    readonly consumer: Schema.String;
    readonly setting: Schema.String;
    readonly registered: Schema.String;
    readonly asked: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class ConsumerConflict extends ConsumerConflict_base {
    get message(): string;
}
declare const Unsupported_base: Schema.Class<Unsupported, Schema.TaggedStruct<"Unsupported", {
    readonly engine: Schema.String;
    readonly asked: Schema.String;
    readonly because: Schema.String;
    readonly instead: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class Unsupported extends Unsupported_base {
    get message(): string;
}
declare const ForeignSqlClient_base: Schema.Class<ForeignSqlClient, Schema.TaggedStruct<"ForeignSqlClient", {
    readonly consumer: Schema.String;
    readonly engine: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class ForeignSqlClient extends ForeignSqlClient_base {
    get message(): string;
}
export {};

// src/internal/errors/StatementErrors.ts
import * as Schema from "effect/Schema";
declare const StatementRefused_base: Schema.Class<StatementRefused, Schema.TaggedStruct<"StatementRefused", {
    readonly command: Schema.String;
    readonly inTransaction: Schema.Boolean;
}>, import("effect/Cause").YieldableError>;
export declare class StatementRefused extends StatementRefused_base {
    readonly retryable = false;
    get message(): string;
}
export {};

// src/internal/errors/StoreErrors.ts
import * as Schema from "effect/Schema";
declare const StoreFailure_base: Schema.Class<StoreFailure, Schema.TaggedStruct<"StoreFailure", {
    readonly operation: Schema.String;
    readonly kind: Schema.Literals<readonly ["unavailable", "timeout", "refused"]>;
    readonly code: Schema.String;
    readonly detail: Schema.String;
    readonly hint: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class StoreFailure extends StoreFailure_base {
    get message(): string;
}
declare const DataInUse_base: Schema.Class<DataInUse, Schema.TaggedStruct<"DataInUse", {
    readonly dataDir: Schema.String;
    readonly pid: Schema.Number;
    readonly host: Schema.String;
    readonly same: Schema.Boolean;
    readonly certain: Schema.Boolean;
    readonly at: Schema.Number;
    readonly file: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class DataInUse extends DataInUse_base {
    get message(): string;
}
declare const SchemaTooNew_base: Schema.Class<SchemaTooNew, Schema.TaggedStruct<"SchemaTooNew", {
    readonly schema: Schema.String;
    readonly found: Schema.Number;
    readonly supported: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class SchemaTooNew extends SchemaTooNew_base {
    get message(): string;
}
declare const SchemaOutdated_base: Schema.Class<SchemaOutdated, Schema.TaggedStruct<"SchemaOutdated", {
    readonly schema: Schema.String;
    readonly found: Schema.Number;
    readonly needed: Schema.Number;
}>, import("effect/Cause").YieldableError>;
export declare class SchemaOutdated extends SchemaOutdated_base {
    get message(): string;
}
export {};

// src/internal/errors/TransactionErrors.ts
import * as Schema from "effect/Schema";
declare const TransientFailure_base: Schema.Class<TransientFailure, Schema.TaggedStruct<"TransientFailure", {
    readonly kind: Schema.Literals<readonly ["conflict", "unavailable"]>;
    readonly code: Schema.String;
    readonly detail: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class TransientFailure extends TransientFailure_base {
    get message(): string;
}
declare const TransactionAborted_base: Schema.Class<TransactionAborted, Schema.TaggedStruct<"TransactionAborted", {
    readonly detail: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class TransactionAborted extends TransactionAborted_base {
    get message(): string;
}
declare const CommitRejected_base: Schema.Class<CommitRejected, Schema.TaggedStruct<"CommitRejected", {
    readonly code: Schema.String;
    readonly detail: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class CommitRejected extends CommitRejected_base {
    get message(): string;
}
declare const UnknownOutcome_base: Schema.Class<UnknownOutcome, Schema.TaggedStruct<"UnknownOutcome", {
    readonly detail: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class UnknownOutcome extends UnknownOutcome_base {
    get message(): string;
}
export {};

// src/internal/errors/TransportErrors.ts
import * as Schema from "effect/Schema";
declare const TransportError_base: Schema.Class<TransportError, Schema.TaggedStruct<"TransportError", {
    readonly engine: Schema.String;
    readonly operation: Schema.String;
    readonly kind: Schema.Literals<readonly ["temporary", "permanent"]>;
    readonly detail: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class TransportError extends TransportError_base {
    get message(): string;
}
declare const PublishFailed_base: Schema.Class<PublishFailed, Schema.TaggedStruct<"PublishFailed", {
    readonly engine: Schema.String;
    readonly failed: Schema.$Array<Schema.Struct<{
        readonly id: Schema.String;
        readonly outcome: Schema.Literals<readonly ["refused", "notStored", "unknown"]>;
        readonly detail: Schema.String;
    }>>;
}>, import("effect/Cause").YieldableError>;
export declare class PublishFailed extends PublishFailed_base {
    get message(): string;
}
declare const RelayRefused_base: Schema.Class<RelayRefused, Schema.TaggedStruct<"RelayRefused", {
    readonly engine: Schema.String;
    readonly topic: Schema.String;
    readonly id: Schema.String;
    readonly detail: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class RelayRefused extends RelayRefused_base {
    readonly retryable = false;
    get message(): string;
}
declare const SubscriptionLost_base: Schema.Class<SubscriptionLost, Schema.TaggedStruct<"SubscriptionLost", {
    readonly consumer: Schema.String;
    readonly reason: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class SubscriptionLost extends SubscriptionLost_base {
    get message(): string;
}
export {};

// src/Health.ts
import * as Context from "effect/Context";
import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { InvalidSetting } from "./Errors.ts";
import type { Check, Status } from "./internal/health/Check.ts";
import { type QueueStatus, Store } from "./Store.ts";
export type { Check, Status } from "./internal/health/Check.ts";
export interface Report {
    readonly status: Status;
    readonly checks: {
        readonly database: Check;
        readonly renewal: Check;
        readonly eventLoop: Check;
        readonly lag: Check;
        readonly heldKeys: Check;
        readonly routing: Check;
        readonly workers: Check;
        readonly wakeUps: Check;
    };
}
export interface HealthOptions {
    readonly timeout?: Duration.Input | undefined;
    readonly maxLag?: Duration.Input | undefined;
    readonly maxParked?: Duration.Input | undefined;
    readonly maxDelay?: Duration.Input | undefined;
}
export interface Failing {
    readonly what: "read" | "commit" | "publish";
    readonly millis: number;
    readonly detail: string;
}
export interface WorkerState {
    readonly consumer: string;
    readonly leaseMillis: number;
    readonly left: () => number;
    readonly stopping: () => boolean;
    readonly failing: () => ReadonlyArray<Failing>;
    readonly stranded: () => boolean;
    readonly queue: () => {
        readonly status: QueueStatus;
        readonly ageMillis: number;
    } | undefined;
}
export declare const Workers: Context.Reference<Set<WorkerState>>;
declare const Health_base: Context.ServiceClass<Health, "millrace/Health", {
    readonly report: Effect.Effect<Report>;
}>;
export declare class Health extends Health_base {
}
export declare const layer: (options?: HealthOptions) => Layer.Layer<Health, InvalidSetting, Store>;

// src/internal/health/Check.ts
export type Status = "ok" | "degraded" | "down";
export interface Check {
    readonly status: Status;
    readonly reason: string;
}

// src/Hold.ts
import type * as Duration from "effect/Duration";
export type Hold = {
    readonly _tag: "Delayed";
    readonly delay: Duration.Duration;
} | {
    readonly _tag: "Parked";
};
export declare const delayed: (delay: Duration.Duration) => Hold;
export declare const parked: Hold;

// src/Inbox.ts
import type * as Context from "effect/Context";
import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import { AwaitTimeout, type ClaimLost, ForeignSqlClient, IdempotencyConflict, InProgress, InvalidId, type InvalidName, type InvalidSetting, type ResultRefused, ResultUnavailable, StoreFailure } from "./Errors.ts";
import { type InboxRecord, type OutsideInbox, Store, type Transaction, type TransactionFailure } from "./Store.ts";
export interface OnceKey {
    readonly consumer: string;
    readonly id: string;
    readonly payload?: Schema.Json | undefined;
}
export interface OnceOptions<S extends Schema.Constraint> {
    readonly result: S;
    readonly whileBusy?: "wait" | "refuse" | undefined;
    readonly timeout?: Duration.Input | undefined;
}
export interface OutsideOptions<S extends Schema.Constraint, I> extends OnceOptions<S> {
    readonly inbox: Context.Key<I, OutsideInbox>;
}
export type OnceError = InvalidName | InvalidId | InvalidSetting | ForeignSqlClient | IdempotencyConflict | InProgress | ResultUnavailable | ResultRefused | StoreFailure | TransactionFailure;
export type OutsideError = Exclude<OnceError, ForeignSqlClient | TransactionFailure> | ClaimLost;
export declare function once<S extends Schema.Constraint, I, E, R>(key: OnceKey, effect: Effect.Effect<S["Type"], E, R>, options: OutsideOptions<S, I>): Effect.Effect<S["Type"], E | OutsideError, I | R | S["DecodingServices"] | S["EncodingServices"]>;
export declare function once<S extends Schema.Constraint, E, R>(key: OnceKey, effect: Effect.Effect<S["Type"], E, R>, options: OnceOptions<S>): Effect.Effect<S["Type"], E | OnceError, Store | Exclude<R, Transaction> | S["DecodingServices"] | S["EncodingServices"]>;
export interface AwaitOptions {
    readonly timeout?: Duration.Input | undefined;
}
declare const awaitOutcome: (key: {
    readonly consumer: string;
    readonly id: string;
}, options?: AwaitOptions | undefined) => Effect.Effect<InboxRecord, AwaitTimeout | InvalidId | InvalidName | InvalidSetting | StoreFailure, Store>;
export { awaitOutcome as await };

// src/KeyedStream.ts
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
export interface Options<in A, out K> {
    readonly key: (value: A) => K;
    readonly concurrency?: number | undefined;
    readonly buffer?: number | undefined;
}
export declare const mapEffect: {
    <A, B, E2, R2, K>(f: (value: A) => Effect.Effect<B, E2, R2>, options: Options<A, K>): <E, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<B, E | E2, R | R2>;
    <A, E, R, B, E2, R2, K>(self: Stream.Stream<A, E, R>, f: (value: A) => Effect.Effect<B, E2, R2>, options: Options<A, K>): Stream.Stream<B, E | E2, R | R2>;
};

// src/Lease.ts
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { type InvalidName, InvalidSetting, LeaseLost, LeaseTaken, StoreFailure } from "./Errors.ts";
import { Store, type Transaction, type TransactionFailure } from "./Store.ts";
export interface Lease {
    readonly name: string;
    readonly holder: string;
    readonly token: bigint;
    readonly deadline: Effect.Effect<bigint>;
    readonly lost: Effect.Effect<LeaseLost>;
    readonly check: Effect.Effect<void, LeaseLost | StoreFailure, Transaction>;
}
export interface LeaseOptions {
    readonly duration?: Duration.Input | undefined;
    readonly wait?: Duration.Input | undefined;
    readonly poll?: Duration.Input | undefined;
    readonly holder?: string | undefined;
}
export type AcquireError = InvalidName | InvalidSetting | LeaseTaken | StoreFailure;
export declare const acquire: (name: string, options?: LeaseOptions | undefined) => Effect.Effect<Lease, AcquireError, Scope.Scope | Store>;
export declare const use: <A, E, R>(name: string, f: (lease: Lease) => Effect.Effect<A, E, R>, options?: LeaseOptions) => Effect.Effect<A, E | AcquireError | LeaseLost, Exclude<R, Scope.Scope> | Store>;
export declare const fenced: <A, E, R>(lease: Lease, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | LeaseLost | StoreFailure | TransactionFailure, Exclude<R, Transaction> | Store>;

// src/memory/index.ts
import * as Layer from "effect/Layer";
import { Store } from "../Store.ts";
import { Transport } from "../Transport.ts";
export declare const layer: Layer.Layer<Store | Transport>;

// src/Message.ts
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { InvalidMessage } from "./Errors.ts";
export interface Message {
    readonly id: string;
    readonly topic: string;
    readonly key: string;
    readonly keyed: boolean;
    readonly payload: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly version: number;
    readonly publishedAt: number;
}
export declare const limits: {
    readonly payloadBytes: 1048576;
    readonly idBytes: 512;
    readonly headers: 64;
    readonly headerBytes: 16384;
};
export declare const textProblem: (text: string, bytes: number) => string | undefined;
export declare const problem: (message: Message) => InvalidMessage | undefined;
export declare const delayNameProblem: ({ id, topic }: Pick<Message, "id" | "topic">, name: string) => InvalidMessage | undefined;
export declare const make: (fields: {
    readonly id: string;
    readonly topic: string;
    readonly key?: string | undefined;
    readonly payload: string;
    readonly headers?: Readonly<Record<string, string>> | undefined;
    readonly version?: number | undefined;
}) => Effect.Effect<Message, InvalidMessage>;
export declare const traceContext: (message: Message) => Option.Option<{
    readonly traceId: string;
    readonly spanId: string;
    readonly sampled: boolean;
}>;

// src/MessageId.ts
export declare const canonical: (value: unknown) => string;
export declare const fromContent: (value: unknown) => string;
export declare const ofValue: (topic: string, encoded: unknown) => string;
export declare const ofEmit: (consumer: string, messageId: string, n: number) => string;
export declare const ofPayload: (payload: string) => string;
export declare const ofMessage: ({ payload, topic }: {
    readonly topic: string;
    readonly payload: string;
}) => string;

// src/Pipeline.ts
import type * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import type { DeliveryContext } from "./Delivery.ts";
import type { AsyncResult, BeforeCommit, NoAsync } from "./internal/CompileErrors.ts";
import { type Pipeline } from "./internal/pipeline/PipelineType.ts";
import type { AnyTopic, DeliveryMode, KeyOrder, Phase } from "./internal/Step.ts";
import type { Topic } from "./Topic.ts";
export { type Columns, type ColumnValues, commitRows, type RowOf } from "./internal/pipeline/CommitRows.ts";
export { type Batched, commit, commitBatch, commitSql, emit, emitAll } from "./internal/pipeline/CommitSteps.ts";
export { commitTimeout, deadLetter, group, retry, timeout } from "./internal/pipeline/PipelineSettings.ts";
export type { Error, Pipeline, Services } from "./internal/pipeline/PipelineType.ts";
export type { AnyTopic, DeliveryMode, KeyOrder, Phase, Settings, Step } from "./internal/Step.ts";
export interface FromOptions<M extends DeliveryMode, O extends KeyOrder = KeyOrder> {
    readonly consumer: string;
    readonly delivery?: M | undefined;
    readonly order?: O | undefined;
}
export declare const from: <Name extends string, S extends Schema.Constraint, M extends DeliveryMode = "effectivelyOnce", O extends KeyOrder = "key">(topic: Topic<Name, S>, options: FromOptions<M, O>) => Pipeline<S["Type"], never, S["DecodingServices"], "steps", M, O>;
export type Union<T extends ReadonlyArray<AnyTopic>> = {
    readonly [I in keyof T]: {
        readonly topic: T[I]["name"];
        readonly value: T[I]["schema"]["Type"];
    };
}[number];
export declare const fromAll: <const T extends ReadonlyArray<AnyTopic>, M extends DeliveryMode = "effectivelyOnce", O extends KeyOrder = "key">(topics: T, options: FromOptions<M, O>) => Pipeline<Union<T>, never, T[number]["schema"]["DecodingServices"], "steps", M, O>;
export declare const map: <A, B>(f: (value: A, context: DeliveryContext) => B) => <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<B, E, R, P, M, O>;
export declare const filter: {
    <A, B extends A>(refinement: (value: A, context: DeliveryContext) => value is B): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<B, E, R, P, M, O>;
    <A>(predicate: (value: NoInfer<A>, context: DeliveryContext) => boolean): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<A, E, R, P, M, O>;
};
export declare const mapEffect: {
    <A, B, E2, R2>(f: (value: A, context: DeliveryContext) => Effect.Effect<B, E2, R2>): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O> & BeforeCommit<"mapEffect", P>) => Pipeline<B, E | E2, R | Exclude<R2, Scope.Scope>, "steps", M, O>;
    <A>(f: (value: A, context: DeliveryContext) => Effect.Effect<unknown, unknown, unknown> | AsyncResult): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O> & NoAsync<"mapEffect">) => never;
};
export declare const tap: {
    <A, X, E2, R2>(f: (value: NoInfer<A>, context: DeliveryContext) => Effect.Effect<X, E2, R2>): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O> & BeforeCommit<"tap", P>) => Pipeline<A, E | E2, R | Exclude<R2, Scope.Scope>, "steps", M, O>;
    <A>(f: (value: NoInfer<A>, context: DeliveryContext) => Effect.Effect<unknown, unknown, unknown> | AsyncResult): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O> & NoAsync<"tap">) => never;
};

// src/internal/pipeline/CommitRows.ts
import * as SqlClient from "effect/sql/SqlClient";
import type { Fragment, Statement } from "effect/sql/Statement";
import type { DeliveryContext } from "../../Delivery.ts";
import type { DeliveryMode, KeyOrder, Phase } from "../Step.ts";
import { type Pipeline } from "./PipelineType.ts";
export interface ColumnValues {
    readonly text: string;
    readonly uuid: string;
    readonly int: number;
    readonly bigint: bigint | number;
    readonly float8: number;
    readonly numeric: string | number | bigint;
    readonly boolean: boolean;
    readonly date: Date | string;
    readonly timestamptz: Date | string;
    readonly bytea: Uint8Array;
    readonly jsonb: unknown;
}
export type Columns = Readonly<Record<string, keyof ColumnValues | (string & {})>>;
export type RowOf<C extends Columns> = {
    readonly [K in keyof C]: (C[K] extends keyof ColumnValues ? ColumnValues[C[K]] : string) | null;
};
export declare const commitRows: <A, const C extends Columns>(into: string | ((rows: Fragment, sql: SqlClient.SqlClient) => Statement<unknown>), columns: C, row: (value: NoInfer<A>, context: DeliveryContext) => RowOf<C>) => <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<A, E, R | SqlClient.SqlClient, "commit", M, O>;

// src/internal/pipeline/CommitSteps.ts
import type { NonEmptyReadonlyArray } from "effect/Array";
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import * as SqlClient from "effect/sql/SqlClient";
import type { Statement } from "effect/sql/Statement";
import type { DeliveryContext } from "../../Delivery.ts";
import type { Topic } from "../../Topic.ts";
import type { AsyncResult, Emitting, NoAsync } from "../CompileErrors.ts";
import type { DeliveryMode, KeyOrder, Phase } from "../Step.ts";
import { type Pipeline } from "./PipelineType.ts";
export declare const commit: {
    <A, B, E2, R2>(f: (value: A, context: DeliveryContext) => Effect.Effect<B, E2, R2>): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<B, E | E2, R | Exclude<R2, Scope.Scope>, "commit", M, O>;
    <A>(f: (value: A, context: DeliveryContext) => Effect.Effect<unknown, unknown, unknown> | AsyncResult): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O> & NoAsync<"commit">) => never;
};
export type Batched<A, X> = X extends ReadonlyArray<infer B> ? B : A;
export declare const commitBatch: <A, X extends ReadonlyArray<unknown> | void, E2, R2>(f: (values: NonEmptyReadonlyArray<A>, contexts: NonEmptyReadonlyArray<DeliveryContext>) => Effect.Effect<X, E2, R2>) => <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<Batched<A, X>, E | E2, R | Exclude<R2, Scope.Scope>, "commit", M, O>;
export declare const commitSql: <A>(f: (value: NoInfer<A>, sql: SqlClient.SqlClient, context: DeliveryContext) => Statement<unknown> | ReadonlyArray<Statement<unknown>>) => <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<A, E, R | SqlClient.SqlClient, "commit", M, O>;
export declare const emit: <A, Name extends string, S extends Schema.Constraint>(topic: Topic<Name, S>, f: (value: Emitting<NoInfer<A>>, context: DeliveryContext) => S["Type"], options?: {
    readonly id?: ((value: NoInfer<A>, context: DeliveryContext) => string) | undefined;
}) => <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<A, E, R | S["EncodingServices"], "commit", M, O>;
export declare const emitAll: <A, Name extends string, S extends Schema.Constraint>(topic: Topic<Name, S>, f: (value: Emitting<NoInfer<A>>, context: DeliveryContext) => ReadonlyArray<S["Type"]>, options?: {
    readonly id?: ((out: S["Type"], value: NoInfer<A>, context: DeliveryContext) => string) | undefined;
}) => <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<A, E, R | S["EncodingServices"], "commit", M, O>;

// src/internal/pipeline/PipelineSettings.ts
import type * as Duration from "effect/Duration";
import type * as Schema from "effect/Schema";
import type { DeadLetterOrder } from "../../DeadLetter.ts";
import * as Retry from "../../Retry.ts";
import type { Parkable, Reads, Repeatable } from "../CompileErrors.ts";
import type { DeliveryMode, KeyOrder, Phase } from "../Step.ts";
import { type Pipeline } from "./PipelineType.ts";
export declare const retry: <E0, Seen = unknown>(policy: Retry.Policy<E0> | Retry.RetryOptions, options?: {
    readonly while?: ((error: NoInfer<Seen> | Retry.RuntimeFailure) => boolean) | undefined;
}) => <A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O> & Pipeline<unknown, Seen, unknown> & Reads<"The retry schedule", E | Retry.RuntimeFailure, E0> & Repeatable<"retry", M>) => Pipeline<A, E, R, P, M, O>;
export declare const timeout: (duration: Duration.Input) => <A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<A, E, R, P, M, O>;
export declare const commitTimeout: (duration: Duration.Input) => <A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<A, E, R, P, M, O>;
export declare const deadLetter: <S extends Schema.Constraint = never, D extends DeadLetterOrder = DeadLetterOrder>(options: {
    readonly order: D;
    readonly errors?: S | undefined;
}) => <A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O> & ([S] extends [never] ? unknown : Reads<"The Schema of deadLetter", E, S["Type"]>) & Repeatable<"deadLetter", M> & Parkable<D, O>) => Pipeline<A, E, R | S["EncodingServices"] | S["DecodingServices"], P, M, O>;
export declare const group: (size: number) => <A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(self: Pipeline<A, E, R, P, M, O>) => Pipeline<A, E, R, P, M, O>;

// src/internal/pipeline/PipelineType.ts
import { type Pipeable } from "effect/Pipeable";
import type { DeliveryMode, KeyOrder, Phase, Shape } from "../Step.ts";
declare const TypeId = "~millrace/Pipeline";
export interface Pipeline<out A, out E = never, out R = never, out P extends Phase = Phase, out M extends DeliveryMode = DeliveryMode, out O extends KeyOrder = KeyOrder> extends Pipeable, Shape {
    readonly [TypeId]: {
        readonly _A: () => A;
        readonly _E: () => E;
        readonly _R: () => R;
        readonly _P: () => P;
        readonly _M: () => M;
        readonly _O: () => O;
    };
    toJSON(): unknown;
}
export type Error<T> = T extends Pipeline<unknown, infer E, unknown> ? E : never;
export type Services<T> = T extends Pipeline<unknown, unknown, infer R> ? R : never;
export declare const make: <A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(shape: Shape) => Pipeline<A, E, R, P, M, O>;
export declare const running: (_tag: "MapEffect" | "Tap" | "Commit") => (f: unknown) => (self: unknown) => never;
export {};

// src/internal/Step.ts
import type { NonEmptyReadonlyArray } from "effect/Array";
import type * as Context from "effect/Context";
import type * as Duration from "effect/Duration";
import type * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import type * as SqlClient from "effect/sql/SqlClient";
import type { DeadLetterOrder } from "../DeadLetter.ts";
import type { DeliveryContext } from "../Delivery.ts";
import * as Retry from "../Retry.ts";
import type { Topic } from "../Topic.ts";
import type { ToSqlData } from "./pipeline/SqlData.ts";
export type Phase = "steps" | "commit";
export type DeliveryMode = "effectivelyOnce" | "atLeastOnce" | "atMostOnce";
export type KeyOrder = "key" | "none";
export type AnyTopic = Topic<string, Schema.Constraint>;
type Handler<A> = (value: never, context: DeliveryContext) => A;
type AnyEffect = Effect.Effect<unknown, unknown, unknown>;
export type Step = {
    readonly _tag: "Map";
    readonly f: Handler<unknown>;
} | {
    readonly _tag: "Filter";
    readonly f: Handler<boolean>;
} | {
    readonly _tag: "MapEffect";
    readonly f: Handler<AnyEffect>;
} | {
    readonly _tag: "Tap";
    readonly f: Handler<AnyEffect>;
} | {
    readonly _tag: "Commit";
    readonly f: Handler<AnyEffect>;
} | {
    readonly _tag: "CommitBatch";
    readonly f: (values: NonEmptyReadonlyArray<never>, contexts: NonEmptyReadonlyArray<DeliveryContext>) => AnyEffect;
    readonly data: ((services: Context.Context<never>) => ToSqlData<ReadonlyArray<DeliveryContext>> | undefined) | undefined;
} | {
    readonly _tag: "CommitSql";
    readonly f: Handler<Effect.Effect<ReadonlyArray<AnyEffect>, never, SqlClient.SqlClient>>;
    readonly data: ((services: Context.Context<never>) => ToSqlData | undefined) | undefined;
} | {
    readonly _tag: "Emit";
    readonly topic: AnyTopic;
    readonly f: Handler<ReadonlyArray<unknown>>;
    readonly id: ((out: never, value: never, context: DeliveryContext) => string) | undefined;
};
export declare const wrapping: <F extends object>(users: object, ours: F, also?: string) => F;
export declare const sourceOf: (f: object) => string;
export declare const kindOf: (step: Step) => string;
export interface Settings {
    readonly delivery: DeliveryMode;
    readonly keyOrder: KeyOrder;
    readonly retry: Retry.Policy<never>;
    readonly retryWhile: ((error: never) => boolean) | undefined;
    readonly timeout: Duration.Input | undefined;
    readonly commitTimeout: Duration.Input;
    readonly order: DeadLetterOrder;
    readonly errors: Schema.Constraint | undefined;
    readonly group: number;
}
export declare const defaults: Settings;
export declare const checkedWhile: (given: ((error: never) => boolean) | undefined) => ((error: never) => boolean) | undefined;
export interface Shape {
    readonly consumer: string;
    readonly union: boolean;
    readonly topics: ReadonlyArray<AnyTopic>;
    readonly steps: ReadonlyArray<Step>;
    readonly settings: Settings;
}
export declare const add: (self: Shape, step: Step) => Shape;
export declare const set: (self: Shape, settings: Partial<Settings>) => Shape;
export {};

// src/Retry.ts
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import type { Failure } from "./Delivery.ts";
import type { CommitRejected, Defect, EncodeFailed, InvalidMessage, StepTimeout, TransactionAborted, TransientFailure } from "./Errors.ts";
export type RuntimeFailure = Defect | StepTimeout | TransactionAborted | CommitRejected | TransientFailure | EncodeFailed | InvalidMessage;
export type Policy<E> = Schedule.Schedule<unknown, E>;
export declare const exponential: (base: Duration.Input, options?: {
    readonly factor?: number | undefined;
    readonly cap?: Duration.Input | undefined;
    readonly attempts?: number | undefined;
    readonly jitter?: boolean | undefined;
}) => Policy<unknown>;
export interface RetryOptions {
    readonly attempts?: number | undefined;
    readonly base?: Duration.Input | undefined;
    readonly cap?: Duration.Input | undefined;
    readonly factor?: number | undefined;
    readonly jitter?: boolean | undefined;
}
export declare const policy: <E>(given: Policy<E> | RetryOptions) => Policy<E>;
export declare const never: Policy<unknown>;
export declare const standard: Policy<unknown>;
export declare const mostAttempts = 10000;
export declare const replay: (policy: Policy<never>, recorded: readonly Failure[], error: unknown, now: number) => Effect.Effect<Duration.Duration | undefined, never, never>;
export declare const isFinal: (error: unknown) => boolean;
export declare const retryAfter: (error: unknown) => Duration.Duration | undefined;

// src/Store.ts
import * as Context from "effect/Context";
import type * as Duration from "effect/Duration";
import type * as Effect from "effect/Effect";
import type { StoreFailure } from "./Errors.ts";
import type { AuditStore } from "./internal/store/AuditStore.ts";
import type { ConsumerStore } from "./internal/store/ConsumerStore.ts";
import type { CommitData } from "./internal/store/DataGroup.ts";
import type { DeadLetterStore } from "./internal/store/DeadLetterStore.ts";
import type { InboxStore } from "./internal/store/InboxStore.ts";
import type { LeaseStore } from "./internal/store/LeaseStore.ts";
import type { LogStore } from "./internal/store/LogStore.ts";
import type { OutboxStore } from "./internal/store/OutboxStore.ts";
import type { OverflowStore } from "./internal/store/OverflowStore.ts";
import type { Transaction, TransactionFailure } from "./internal/store/StoreTransaction.ts";
import type { UnsettledStore } from "./internal/store/UnsettledStore.ts";
export type { AuditStore } from "./internal/store/AuditStore.ts";
export * from "./internal/store/ConsumerStore.ts";
export * from "./internal/store/DataGroup.ts";
export * from "./internal/store/DeadLetterStore.ts";
export * from "./internal/store/InboxStore.ts";
export * from "./internal/store/LeaseStore.ts";
export * from "./internal/store/LogStore.ts";
export * from "./internal/store/OutboxStore.ts";
export * from "./internal/store/OutsideInbox.ts";
export * from "./internal/store/OverflowStore.ts";
export * from "./internal/store/StoreTransaction.ts";
export * from "./internal/store/UnsettledStore.ts";
declare const Store_base: Context.ServiceClass<Store, "millrace/Store", {
    readonly engine: string;
    readonly maxGroup: number;
    readonly maxTransactions: number;
    readonly deduplicationWindow: Duration.Duration;
    readonly joinsTransactions: (context: Context.Context<never>) => boolean;
    readonly transact: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | TransactionFailure, Exclude<R, Transaction>>;
    readonly savepoint: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | TransactionFailure, R | Transaction>;
    readonly commitData?: CommitData | undefined;
    readonly inTransaction: Effect.Effect<boolean>;
    readonly checkAccess: (role: "publisher" | "worker") => Effect.Effect<void, StoreFailure>;
    readonly notListeningMillis: () => number;
    readonly statements: Effect.Effect<number | undefined, never, Transaction>;
    readonly inbox: InboxStore;
    readonly outbox: OutboxStore;
    readonly deadLetters: DeadLetterStore;
    readonly consumers: ConsumerStore;
    readonly leases: LeaseStore;
    readonly audit: AuditStore;
    readonly unsettled: UnsettledStore;
    readonly logs?: LogStore | undefined;
    readonly overflow?: OverflowStore | undefined;
}>;
export declare class Store extends Store_base {
}

// src/internal/store/ConsumerStore.ts
import type * as Effect from "effect/Effect";
import type { BoundedCount, DeadLetterOrder } from "../../DeadLetter.ts";
import type { ConsumerBusy, ConsumerConflict, ConsumerNotFound, NotSubscribed, PauseConflict, StoreFailure, WorkerNotFound } from "../../Errors.ts";
export interface Registration {
    readonly consumer: string;
    readonly topics: ReadonlyArray<string>;
    readonly lanes: number;
    readonly order: DeadLetterOrder;
    readonly pipeline?: string | undefined;
}
export interface OperatorAction {
    readonly by: string;
    readonly note?: string | undefined;
}
export interface Force {
    readonly workers?: boolean | undefined;
    readonly messages?: boolean | undefined;
}
export interface Consumer extends Omit<Registration, "pipeline"> {
    readonly registeredAt: number;
    readonly paused: ConsumerPause | undefined;
    readonly workers: number;
    readonly waiting: BoundedCount;
    readonly heldKeys: BoundedCount;
    readonly deadLetters: BoundedCount;
}
export interface ConsumerPause {
    readonly by: string;
    readonly at: number;
    readonly note: string;
    readonly until: number | undefined;
}
export interface HeldKey {
    readonly key: string;
    readonly retryAt: number | undefined;
    readonly parked: boolean;
    readonly paused: {
        readonly by: string;
        readonly at: number;
    } | undefined;
}
export interface HeldQuery {
    readonly after?: string | undefined;
    readonly limit?: number | undefined;
}
export interface QueueStatus {
    readonly waiting: number;
    readonly unsettled: number;
    readonly lagMillis: number;
    readonly delayedKeys: number;
    readonly parkedKeys: number;
    readonly parkedMillis: number;
    readonly deadLetters: number;
    readonly paused: boolean;
    readonly redriveStopped: boolean;
    readonly freeLanes: number;
    readonly oldestMillis: number;
    readonly pipeline: string;
}
export interface Neglected {
    readonly consumers: ReadonlyArray<string>;
    readonly topics: ReadonlyArray<string>;
}
export interface Settled {
    readonly committed: number;
    readonly duplicates: number;
    readonly dead: number;
    readonly retried: number;
}
export interface Evicted {
    readonly lanes: number;
    readonly busy: number;
}
export interface ConsumerStore {
    readonly register: (registration: Registration) => Effect.Effect<void, StoreFailure | ConsumerConflict>;
    readonly status: (consumer: string) => Effect.Effect<QueueStatus, StoreFailure>;
    readonly record: (consumer: string, status: QueueStatus, settled: Settled) => Effect.Effect<void, StoreFailure>;
    readonly neglected: Effect.Effect<Neglected, StoreFailure>;
    readonly list: Effect.Effect<ReadonlyArray<Consumer>, StoreFailure>;
    readonly get: (consumer: string) => Effect.Effect<Consumer, StoreFailure | ConsumerNotFound>;
    readonly heldKeys: (consumer: string, query: HeldQuery) => Effect.Effect<ReadonlyArray<HeldKey>, StoreFailure | ConsumerNotFound>;
    readonly remove: (consumer: string, action: OperatorAction & {
        readonly force?: Force | undefined;
    }) => Effect.Effect<void, StoreFailure | ConsumerNotFound | ConsumerBusy>;
    readonly unsubscribe: (consumer: string, topic: string, action: OperatorAction & {
        readonly force?: Pick<Force, "messages"> | undefined;
    }) => Effect.Effect<void, StoreFailure | ConsumerNotFound | NotSubscribed | ConsumerBusy>;
    readonly pause: (consumer: string, action: OperatorAction & {
        readonly millis?: number | undefined;
    }) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>;
    readonly resume: (consumer: string, action: OperatorAction) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>;
    readonly resumeDue: (consumer: string) => Effect.Effect<void, StoreFailure>;
    readonly evict: (consumer: string, worker: string, action: OperatorAction) => Effect.Effect<Evicted, StoreFailure | ConsumerNotFound | WorkerNotFound>;
    readonly pauseKey: (consumer: string, key: string, action: OperatorAction) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>;
    readonly resumeKey: (consumer: string, key: string, action: OperatorAction) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>;
}

// src/internal/store/DataGroup.ts
import type * as Effect from "effect/Effect";
import type { Message } from "../../Message.ts";
import type { SqlData } from "../pipeline/SqlData.ts";
import type { Claim } from "./InboxStore.ts";
export type Removal = object;
export interface DataGroup {
    readonly consumer: string;
    readonly removal: Removal;
    readonly claims: ReadonlyArray<Claim> | undefined;
}
export interface DataPart {
    readonly statements: ReadonlyArray<SqlData>;
    readonly emits: ReadonlyArray<Message> | undefined;
}
export type CommitData = <E>(group: DataGroup, next: () => Effect.Effect<DataPart, E>) => Effect.Effect<boolean, E>;

// src/internal/store/DeadLetterStore.ts
import type * as Effect from "effect/Effect";
import type { DeadLetter, FailureGroup, Filter, FrozenSet, Query, Reason } from "../../DeadLetter.ts";
import type { Delivery, Failure } from "../../Delivery.ts";
import type { DeadLetterConflict, DeadLetterNotFound, StoreFailure } from "../../Errors.ts";
import type { OperatorAction } from "./ConsumerStore.ts";
import type { Transaction } from "./StoreTransaction.ts";
export interface NewDeadLetter {
    readonly delivery: Delivery;
    readonly reason: Reason;
    readonly attempts: ReadonlyArray<Failure>;
    readonly fingerprint: string;
    readonly parked: boolean;
    readonly conflict?: boolean | undefined;
}
export interface DeadLetterStore {
    readonly add: (consumer: string, entries: ReadonlyArray<NewDeadLetter>) => Effect.Effect<ReadonlyArray<string | undefined>, StoreFailure, Transaction>;
    readonly list: (query: Query) => Effect.Effect<ReadonlyArray<DeadLetter>, StoreFailure>;
    readonly get: (deadLetterId: string) => Effect.Effect<DeadLetter, StoreFailure | DeadLetterNotFound>;
    readonly groups: (filter: Filter & {
        readonly limit?: number | undefined;
    }) => Effect.Effect<ReadonlyArray<FailureGroup>, StoreFailure>;
    readonly redrive: (deadLetterId: string, action: OperatorAction, edit?: {
        readonly payload: string;
        readonly version: number;
    }) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>;
    readonly discard: (deadLetterId: string, action: OperatorAction) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>;
    readonly restore: (deadLetterId: string, action: OperatorAction) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>;
    readonly release: (deadLetterId: string, action: OperatorAction) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>;
    readonly freeze: (filter: Filter) => Effect.Effect<FrozenSet, StoreFailure>;
    readonly decideSome: (decision: "redriven" | "discarded", frozen: FrozenSet, options: {
        readonly action: OperatorAction;
        readonly after: string;
        readonly most: number;
    }) => Effect.Effect<{
        readonly deadLetterIds: ReadonlyArray<string>;
        readonly more: boolean;
    }, StoreFailure>;
}

// src/internal/store/InboxStore.ts
import type * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { StoreFailure } from "../../Errors.ts";
import type { Transaction } from "./StoreTransaction.ts";
export interface Claim {
    readonly id: string;
    readonly fingerprint: string;
    readonly deadLetterId?: string | undefined;
}
export type ClaimResult = "fresh" | "duplicate" | "conflict";
export type InboxRecord = {
    readonly _tag: "Committed";
} | {
    readonly _tag: "Dead";
    readonly deadLetterId: string;
};
export type OnceClaim = {
    readonly _tag: "Fresh";
} | {
    readonly _tag: "Busy";
} | {
    readonly _tag: "Conflict";
} | {
    readonly _tag: "Committed";
    readonly result: string | undefined;
} | {
    readonly _tag: "Dead";
    readonly deadLetterId: string;
};
export interface InboxStore {
    readonly claim: (consumer: string, claims: ReadonlyArray<Claim>) => Effect.Effect<ReadonlyArray<ClaimResult>, StoreFailure, Transaction>;
    readonly claimOnce: (consumer: string, claim: Pick<Claim, "id" | "fingerprint">, wait: boolean) => Effect.Effect<OnceClaim, StoreFailure, Transaction>;
    readonly storeResult: (consumer: string, id: string, result: string) => Effect.Effect<void, StoreFailure, Transaction>;
    readonly lookup: (consumer: string, id: string) => Effect.Effect<InboxRecord | undefined, StoreFailure>;
    readonly watch: (consumer: string, id: string, elsewhere: boolean) => Effect.Effect<Effect.Effect<void>, never, Scope.Scope>;
}

// src/internal/store/LeaseStore.ts
import type * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { StoreFailure } from "../../Errors.ts";
import type { Transaction } from "./StoreTransaction.ts";
export interface LeaseClaim {
    readonly token: bigint | undefined;
    readonly owner: string;
    readonly remainingMillis: number;
}
export interface LeaseStore {
    readonly claim: (name: string, owner: string, millis: number) => Effect.Effect<LeaseClaim, StoreFailure>;
    readonly renew: (name: string, owner: string, token: bigint, millis: number) => Effect.Effect<boolean, StoreFailure>;
    readonly release: (name: string, owner: string) => Effect.Effect<void, StoreFailure>;
    readonly fence: (name: string, owner: string, token: bigint, millis: number) => Effect.Effect<boolean, StoreFailure, Transaction>;
    readonly awaitRelease: (name: string) => Effect.Effect<Effect.Effect<void>, never, Scope.Scope>;
}

// src/internal/store/LogStore.ts
import type * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { TransportError } from "../../Errors.ts";
import type { Message } from "../../Message.ts";
import type { Subscription, SubscriptionSpec } from "../../Transport.ts";
export interface LogEntry {
    readonly position: string;
    readonly message: Message;
}
export interface Log {
    readonly engine: string;
    readonly name: string;
    readonly shards: number;
    readonly begin: (shard: number) => Effect.Effect<string, TransportError>;
    readonly read: (shard: number, after: string, most: number) => Effect.Effect<ReadonlyArray<LogEntry>, TransportError>;
    readonly arrival: (after: ReadonlyMap<number, string>) => Effect.Effect<void, TransportError>;
}
export interface LogStore {
    readonly open: (spec: SubscriptionSpec, log: Log) => Effect.Effect<Subscription, TransportError, Scope.Scope>;
}

// src/internal/store/OutboxStore.ts
import type * as Effect from "effect/Effect";
import type { ResolvedDelay } from "../../Delay.ts";
import type { StoreFailure } from "../../Errors.ts";
import type { Message } from "../../Message.ts";
export interface OutboxStore {
    readonly write: (messages: ReadonlyArray<Message>, delay?: ResolvedDelay) => Effect.Effect<void, StoreFailure>;
    readonly cancel: (topic: string, key: string, name: string) => Effect.Effect<boolean, StoreFailure>;
}

// src/internal/store/OutsideInbox.ts
import type * as Effect from "effect/Effect";
import type { StoreFailure } from "../../Errors.ts";
import type { Claim, OnceClaim } from "./InboxStore.ts";
export interface OutsideClaim extends Pick<Claim, "id" | "fingerprint"> {
    readonly owner: string;
}
export interface OutsideInbox {
    readonly markerMillis: number;
    readonly claim: (consumer: string, claim: OutsideClaim) => Effect.Effect<Exclude<OnceClaim, {
        readonly _tag: "Dead";
    }>, StoreFailure>;
    readonly renew: (consumer: string, claim: OutsideClaim) => Effect.Effect<boolean, StoreFailure>;
    readonly finish: (consumer: string, claim: OutsideClaim, result: string | undefined) => Effect.Effect<boolean, StoreFailure>;
    readonly release: (consumer: string, claim: OutsideClaim) => Effect.Effect<void, StoreFailure>;
}

// src/internal/store/OverflowStore.ts
import type * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Delivery, Failure } from "../../Delivery.ts";
import type { ConsumerRemoved, TransportError } from "../../Errors.ts";
import type { Hold } from "../../Hold.ts";
import type { Message } from "../../Message.ts";
import type { Demand, Subscription, SubscriptionSpec } from "../../Transport.ts";
import type { Removal } from "./DataGroup.ts";
import type { Transaction } from "./StoreTransaction.ts";
export interface Polled {
    readonly handed: number;
    readonly moved: boolean;
}
export interface Source {
    readonly has: (delivery: Delivery) => boolean;
    readonly poll: (demand: Demand, accept: (deliveries: ReadonlyArray<Delivery>) => void) => Effect.Effect<Polled, TransportError | ConsumerRemoved>;
    readonly arrival: Effect.Effect<void, TransportError>;
    readonly awaited: () => boolean;
    readonly acknowledge: Subscription["acknowledge"];
    readonly drop: Subscription["drop"];
    readonly readAgain: (key: string) => void;
    readonly hold: Subscription["hold"];
    readonly leases: Pick<Subscription, "fence" | "held" | "isolate" | "release" | "removal" | "removeInTransaction" | "renew"> | undefined;
}
export interface Moving {
    readonly message: Message;
    readonly attempts: ReadonlyArray<Failure>;
    readonly crashCount: number;
    readonly crashedAlone: boolean;
}
export interface OverflowLanes {
    readonly paused: () => boolean;
    readonly divert: (messages: ReadonlyArray<Moving>, which: "diverted" | "none" | "all") => Effect.Effect<ReadonlyArray<"moved" | "full" | undefined>, TransportError>;
    readonly diverted: (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlySet<string>, TransportError, Transaction>;
    readonly removal: (keys: ReadonlyArray<string>) => Removal;
    readonly hold: (held: {
        readonly message: Message;
        readonly hold: Hold;
        readonly moving: ReadonlyArray<Moving>;
        readonly committed: () => void;
    }) => Effect.Effect<boolean, TransportError, Transaction>;
}
export interface OverflowStore {
    readonly open: (spec: SubscriptionSpec, source: (lanes: OverflowLanes) => Source) => Effect.Effect<Subscription, TransportError, Scope.Scope>;
}

// src/internal/store/StoreTransaction.ts
import * as Context from "effect/Context";
import type { CommitRejected, TransactionAborted, TransientFailure, UnknownOutcome } from "../../Errors.ts";
declare const Transaction_base: Context.ServiceClass<Transaction, "millrace/Transaction", {
    readonly engine: string;
}>;
export declare class Transaction extends Transaction_base {
}
export type TransactionFailure = TransientFailure | TransactionAborted | CommitRejected | UnknownOutcome;
export declare const WorkerTransaction: Context.Reference<"pipelined" | "sequential" | "separate" | undefined>;
export declare const ReadTransaction: Context.Reference<boolean>;
export {};

// src/internal/store/UnsettledStore.ts
import type * as Duration from "effect/Duration";
import type * as Effect from "effect/Effect";
import type { Failure } from "../../Delivery.ts";
import type { StoreFailure } from "../../Errors.ts";
import type { Transaction } from "./StoreTransaction.ts";
export interface DeliveryCount {
    readonly id: string;
    readonly crashCount: number;
    readonly explained: number;
    readonly alone: boolean;
}
export interface Unsettled extends DeliveryCount {
    readonly attempts: ReadonlyArray<Failure>;
    readonly waitMillis: number;
}
export interface UnsettledStore {
    readonly read: (consumer: string, ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Unsettled>, StoreFailure>;
    readonly count: (consumer: string, counts: ReadonlyArray<DeliveryCount>) => Effect.Effect<void, StoreFailure>;
    readonly endAlone: (consumer: string, id: string, delivery: number) => Effect.Effect<void, StoreFailure>;
    readonly hold: (consumer: string, count: DeliveryCount, attempts: ReadonlyArray<Failure>, delay: Duration.Duration) => Effect.Effect<void, StoreFailure, Transaction>;
    readonly settle: (consumer: string, ids: ReadonlyArray<string>) => Effect.Effect<boolean, StoreFailure, Transaction>;
}

// src/Telemetry.ts
import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import type { Action } from "./Audit.ts";
import type { Delivery } from "./Delivery.ts";
export declare const labels: (of: {
    readonly topic?: string | undefined;
    readonly consumer?: string | undefined;
    readonly operation?: "publish" | "receive" | "process" | undefined;
}) => Record<string, string>;
export declare const logFields: (consumer: string, { message }: Pick<Delivery, "message">, attempt: number) => Record<string, unknown>;
export type DeliveryOutcome = "committed" | "duplicate" | "retried" | "held" | "dead" | "failed" | "released";
export declare const outcomes: Metric.Counter<number>;
export declare const sent: Metric.Counter<number>;
export declare const unrouted: Metric.Counter<number>;
export declare const latency: Metric.Histogram<number>;
export declare const consumed: Metric.Counter<number>;
export declare const operationDuration: Metric.Histogram<number>;
export declare const processDuration: Metric.Histogram<number>;
export declare const counted: (consumer: string, outcome: DeliveryOutcome) => Effect.Effect<number>;
export declare const inFlight: Metric.Gauge<number>;
export declare const groupSize: Metric.Histogram<number>;
export declare const commitDuration: Metric.Histogram<number>;
export declare const renewals: Metric.Counter<number>;
export declare const losses: Metric.Counter<number>;
export declare const leaseSlack: Metric.Gauge<number>;
export declare const lanesOwned: Metric.Gauge<number>;
export declare const takeovers: Metric.Counter<number>;
export declare const claimed: (consumer: string, expired: number, free: number) => Effect.Effect<void>;
export declare const waiting: Metric.Gauge<number>;
export declare const lag: Metric.Gauge<number>;
export declare const heldKeys: Metric.Gauge<number>;
export declare const parkedAge: Metric.Gauge<number>;
export declare const deadLetters: Metric.Gauge<number>;
export declare const paused: Metric.Gauge<number>;
export declare const redriveStopped: Metric.Gauge<number>;
export declare const windowSlack: Metric.Gauge<number>;
export declare const operationItems: Metric.Counter<number>;
export declare const operatorAction: (action: Action, items?: number) => Effect.Effect<void>;
export declare const statsAge: Metric.Gauge<number>;
export declare const prometheusName: (name: string) => string;

// src/Topic.ts
import * as Effect from "effect/Effect";
import type { Pipeable } from "effect/Pipeable";
import * as Schema from "effect/Schema";
import * as Delay from "./Delay.ts";
import { DecodeFailed, EncodeFailed, InvalidMessage, InvalidName, type StoreFailure } from "./Errors.ts";
import * as Message from "./Message.ts";
import { Store } from "./Store.ts";
declare const TypeId = "~millrace/Topic";
export interface Topic<out Name extends string, out S extends Schema.Constraint> extends Pipeable {
    readonly [TypeId]: typeof TypeId;
    readonly name: Name;
    readonly schema: S;
    readonly version: number;
    encode(value: S["Type"], options?: PublishOptions): Effect.Effect<Message.Message, InvalidMessage | EncodeFailed, S["EncodingServices"]>;
    decode(message: Message.Message): Effect.Effect<S["Type"], DecodeFailed, S["DecodingServices"]>;
    decodeNow(message: Message.Message): {
        readonly value: S["Type"];
    } | undefined;
}
export interface TopicOptions<S extends Schema.Constraint> {
    readonly schema: S;
    readonly key?: ((value: S["Type"]) => string) | undefined;
    readonly id?: ((value: S["Type"]) => string) | "content" | "random" | undefined;
    readonly headers?: ((value: S["Type"]) => Readonly<Record<string, string>>) | undefined;
    readonly version?: number | undefined;
}
export interface PublishOptions extends Delay.DelayOptions {
    readonly headers?: Readonly<Record<string, string>> | undefined;
    readonly id?: string | undefined;
    readonly name?: string | undefined;
}
export declare const nameProblem: (kind: "topic" | "consumer" | "lease", name: string) => InvalidName | undefined;
export declare const make: <const Name extends string, S extends Schema.Constraint>(name: Name, options: TopicOptions<S>) => Topic<Name, S>;
export declare const publish: <Name extends string, S extends Schema.Constraint>(topic: Topic<Name, S>, value: S["Type"], options?: PublishOptions) => Effect.Effect<string, InvalidName | InvalidMessage | EncodeFailed | StoreFailure, Store | S["EncodingServices"]>;
export declare const publishAll: <Name extends string, S extends Schema.Constraint>(topic: Topic<Name, S>, values: Iterable<S["Type"]>, options?: Pick<PublishOptions, "headers" | "delay" | "at">) => Effect.Effect<ReadonlyArray<string>, InvalidName | InvalidMessage | EncodeFailed | StoreFailure, Store | S["EncodingServices"]>;
export declare const cancel: <Name extends string, S extends Schema.Constraint>(topic: Topic<Name, S>, what: {
    readonly key: string;
    readonly name: string;
}) => Effect.Effect<boolean, InvalidName | InvalidMessage | StoreFailure, Store>;
export {};

// src/Transport.ts
import * as Context from "effect/Context";
import type * as Duration from "effect/Duration";
import type * as Effect from "effect/Effect";
import type * as Option from "effect/Option";
import type * as Scope from "effect/Scope";
import type { Delivery, Failure, HeldLease } from "./Delivery.ts";
import type { ConsumerRemoved, LeaseLost, PublishFailed, StoreFailure, SubscriptionLost, TransportError, Unsupported } from "./Errors.ts";
import type { Hold } from "./Hold.ts";
import type { Removal } from "./internal/store/DataGroup.ts";
import type { Transaction } from "./internal/store/StoreTransaction.ts";
import type { Message } from "./Message.ts";
export interface Capabilities {
    readonly engine: string;
    readonly queue: "store" | "engine";
    readonly order: "none" | "group" | "lane";
    readonly fence: "token" | "inbox";
    readonly acknowledge: "within" | "after";
    readonly lanes?: number | undefined;
    readonly lease: {
        readonly unit: "lane" | "group" | "message";
        readonly ceiling: Option.Option<Duration.Duration>;
    };
    readonly hold: "inPlace" | "timed";
    readonly discardsAfter: Option.Option<number>;
    readonly deduplicates: Option.Option<Duration.Duration>;
    readonly maxBytes: Option.Option<number>;
    readonly retention: Option.Option<Duration.Duration>;
}
export interface Demand {
    readonly messages: number;
    readonly bytes: number;
    readonly perKey: number;
}
export interface SubscriptionSpec {
    readonly consumer: string;
    readonly topics: ReadonlyArray<string>;
    readonly worker: string;
    readonly lanes: number;
    readonly lease: Duration.Duration;
    readonly idlePoll: Duration.Duration;
    readonly codeVersion?: string | undefined;
}
export interface Subscription {
    readonly take: (demand: Demand, accept: (deliveries: ReadonlyArray<Delivery>) => void) => Effect.Effect<void, TransportError | ConsumerRemoved | SubscriptionLost>;
    readonly paused: () => boolean;
    readonly whileNotReading: <A, E, R>(delivery: Delivery, write: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>;
    readonly held: () => ReadonlyArray<HeldLease>;
    readonly renew: (leases: ReadonlyArray<HeldLease>) => Effect.Effect<ReadonlySet<HeldLease>, TransportError>;
    readonly removeInTransaction: (deliveries: ReadonlyArray<Delivery>) => Effect.Effect<ReadonlyArray<Delivery>, TransportError, Transaction>;
    readonly removal?: ((deliveries: ReadonlyArray<Delivery>) => Removal | undefined) | undefined;
    readonly fence: (deliveries: ReadonlyArray<Delivery>) => Effect.Effect<ReadonlyArray<Delivery>, TransportError, Transaction>;
    readonly acknowledge: (deliveries: ReadonlyArray<Delivery>) => Effect.Effect<void, TransportError>;
    readonly drop: (deliveries: ReadonlyArray<Delivery>) => Effect.Effect<void, TransportError>;
    readonly hold: (delivery: Delivery, attempts: ReadonlyArray<Failure>, hold: Hold) => Effect.Effect<"held" | "settled", LeaseLost | TransportError, Transaction>;
    readonly isolate: (delivery: Delivery | undefined) => Effect.Effect<void, TransportError, Scope.Scope>;
    readonly release: (leases: ReadonlyArray<HeldLease>) => Effect.Effect<void, TransportError>;
}
declare const Transport_base: Context.ServiceClass<Transport, "millrace/Transport", {
    readonly capabilities: Effect.Effect<Capabilities, TransportError>;
    readonly publish: (messages: ReadonlyArray<Message>) => Effect.Effect<void, TransportError | StoreFailure | PublishFailed>;
    readonly open: (spec: SubscriptionSpec) => Effect.Effect<Subscription, TransportError | Unsupported, Scope.Scope>;
}>;
export declare class Transport extends Transport_base {
}
export {};

// src/worker/relay/Relay.ts
import * as Layer from "effect/Layer";
import type { DeadLetterOrder } from "../../DeadLetter.ts";
import type { Store } from "../../Store.ts";
import { Transport } from "../../Transport.ts";
import * as Worker from "../Worker.ts";
export interface RelayOptions extends Omit<Worker.LayerOptions, "maxCrashes"> {
    readonly consumer?: string | undefined;
    readonly wave?: number | undefined;
    readonly requests?: number | undefined;
    readonly order?: DeadLetterOrder | undefined;
}
export declare const layer: <O, E, R>(topic: {
    readonly name: string;
}, transport: Layer.Layer<O | Transport, E, R>, options?: RelayOptions) => Layer.Layer<never, Worker.WorkerError | E, R | Store | Transport>;

// src/worker/Worker.ts
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Runtime from "effect/Runtime";
import * as Stream from "effect/Stream";
import { type ConsumerConflict, type ConsumerRemoved, ForeignSqlClient, type InvalidName, type InvalidSetting, type StoreFailure, type TransportError, Unsupported } from "../Errors.ts";
import type * as Pipeline from "../Pipeline.ts";
import { Store } from "../Store.ts";
import { Transport } from "../Transport.ts";
import { type Outcome } from "./observe/Outcomes.ts";
import type { WorkerOptions } from "./start/Settings.ts";
export type { Outcome } from "./observe/Outcomes.ts";
export { defaults, type WorkerOptions } from "./start/Settings.ts";
export type WorkerError = InvalidName | InvalidSetting | ConsumerConflict | ConsumerRemoved | Unsupported | ForeignSqlClient | StoreFailure | TransportError;
export declare const run: <A, E, R, P extends Pipeline.Phase>(pipeline: Pipeline.Pipeline<A, E, R, P>, options?: WorkerOptions) => Effect.Effect<never, WorkerError, R | Store | Transport>;
export declare const drain: <A, E, R, P extends Pipeline.Phase>(pipeline: Pipeline.Pipeline<A, E, R, P>, options?: WorkerOptions) => Effect.Effect<void, WorkerError, R | Store | Transport>;
export interface StreamOptions extends WorkerOptions {
    readonly stopWhen?: Effect.Effect<unknown> | undefined;
}
export declare const stream: <A, E, R, P extends Pipeline.Phase>(pipeline: Pipeline.Pipeline<A, E, R, P>, options?: StreamOptions) => Stream.Stream<Outcome<A>, WorkerError, R | Store | Transport>;
export interface LayerOptions extends WorkerOptions {
    readonly onFatal?: ((cause: Cause.Cause<WorkerError>) => Effect.Effect<void>) | undefined;
}
export declare const layer: <A, E, R, P extends Pipeline.Phase>(pipeline: Pipeline.Pipeline<A, E, R, P>, options?: LayerOptions) => Layer.Layer<never, WorkerError, R | Store | Transport>;
export declare const launch: <A, E, R>(layer: Layer.Layer<A, E, R>) => Effect.Effect<never, E | WorkerError, R>;
export declare const teardown: Runtime.Teardown;

// src/worker/observe/Outcomes.ts
import type * as Exit from "effect/Exit";
import type * as Pull from "effect/Pull";
import type { Reason } from "../../DeadLetter.ts";
import type { DeliveryContext } from "../../Delivery.ts";
import { Capacity, type Limits } from "../../internal/flow/Capacity.ts";
import type { MemberOutcome } from "../commit/GroupCommit.ts";
interface Ended {
    readonly context: DeliveryContext;
}
export type Outcome<A> = (Ended & {
    readonly _tag: "Committed";
    readonly value: A;
}) | (Ended & {
    readonly _tag: "Filtered";
}) | (Ended & {
    readonly _tag: "Duplicate";
}) | (Ended & {
    readonly _tag: "DeadLettered";
    readonly id: string;
    readonly reason: Reason;
    readonly parked: boolean;
}) | (Ended & {
    readonly _tag: "Held";
    readonly until: number;
    readonly error: unknown;
}) | (Ended & {
    readonly _tag: "Failed";
    readonly error: unknown;
});
type Unread = Outcome<unknown>;
export type OutcomeSink = Pick<Outcomes<never>, "add" | "addMember">;
export declare class Outcomes<E> {
    readonly capacity: Capacity;
    private unread;
    private reading;
    private readonly arrived;
    private exit;
    constructor(limits: Limits);
    add(outcome: Unread): void;
    addMember(context: DeliveryContext, outcome: MemberOutcome): void;
    end(exit: Exit.Exit<void, E>): void;
    readonly pull: Pull.Pull<readonly [Unread, ...Array<Unread>], E>;
}
export {};

// src/worker/start/Settings.ts
import type * as Duration from "effect/Duration";
import type { InvalidSetting } from "../../Errors.ts";
export interface WorkerOptions {
    readonly concurrency?: number | undefined;
    readonly prefetch?: number | undefined;
    readonly prefetchPerKey?: number | undefined;
    readonly prefetchBytes?: number | undefined;
    readonly lease?: Duration.Input | undefined;
    readonly grace?: Duration.Input | undefined;
    readonly idlePoll?: Duration.Input | undefined;
    readonly holdAfter?: Duration.Input | undefined;
    readonly maxCrashes?: number | undefined;
    readonly lanes?: number | undefined;
    readonly committers?: number | undefined;
    readonly unknownTopicHold?: Duration.Input | undefined;
    readonly name?: string | undefined;
    readonly tracing?: "link" | "parent" | undefined;
    readonly spanAttributes?: ReadonlyArray<"key" | "bodySize"> | undefined;
    readonly statsEvery?: Duration.Input | undefined;
    readonly codeVersion?: string | undefined;
}
export interface Settings {
    readonly concurrency: number;
    readonly prefetch: number;
    readonly prefetchPerKey: number;
    readonly prefetchBytes: number;
    readonly leaseMillis: number;
    readonly graceMillis: number;
    readonly idlePollMillis: number;
    readonly holdAfterMillis: number;
    readonly maxCrashes: number;
    readonly lanes: number;
    readonly committers: number;
    readonly unknownTopicHoldMillis: number;
    readonly tracing: "link" | "parent";
    readonly spanAttributes: ReadonlyArray<"key" | "bodySize">;
    readonly statsEveryMillis: number;
    readonly name: string;
    readonly codeVersion: string;
    readonly batches: boolean;
}
export declare const defaults: {
    readonly concurrency: 256;
    readonly prefetchPerKey: 32;
    readonly prefetchBytes: 33554432;
    readonly lease: "30 seconds";
    readonly grace: "25 seconds";
    readonly idlePoll: "1 second";
    readonly holdAfter: "1 second";
    readonly maxCrashes: 3;
    readonly lanes: 64;
    readonly committers: 4;
    readonly unknownTopicHold: "30 seconds";
    readonly tracing: "link";
    readonly statsEvery: "10 seconds";
};
export declare const resolve: (options: WorkerOptions, name: string, batches: boolean) => Settings | InvalidSetting;

// ==== millrace/postgres ====

// src/postgres/index.ts
export * as Postgres from "./Postgres.ts";

// src/postgres/Postgres.ts
import * as SqlPg from "@effect/sql-pg/PgClient";
import * as Context from "effect/Context";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Redacted from "effect/Redacted";
import type * as Scope from "effect/Scope";
import * as SqlClient from "effect/sql/SqlClient";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import { type InvalidConfig, type InvalidName, InvalidSetting, type SchemaOutdated, type SchemaTooNew, StoreFailure } from "../Errors.ts";
import { Store } from "../Store.ts";
import { Transport } from "../Transport.ts";
import * as Retention from "./maintenance/Retention.ts";
export interface PostgresOptions {
    readonly url: Redacted.Redacted | string;
    readonly ssl?: boolean | ConnectionOptions | undefined;
    readonly schema?: string | undefined;
    readonly migrate?: "auto" | "check" | undefined;
    readonly maxConnections?: number | undefined;
    readonly acquireTimeout?: Duration.Input | undefined;
    readonly commitTimeout?: Duration.Input | undefined;
    readonly pooler?: boolean | undefined;
    readonly retention?: Retention.RetentionOptions | false | undefined;
}
export type PostgresError = StoreFailure | InvalidName | InvalidSetting | SchemaTooNew | SchemaOutdated;
type Services = Store | Transport | SqlClient.SqlClient | SqlPg.PgClient;
export interface Engine {
    readonly stream: (() => Duplex) | undefined;
    readonly single: boolean;
}
export declare const services: (options: Partial<PostgresOptions>, engine: Engine) => Effect.Effect<Context.Context<Services>, PostgresError, Scope.Scope>;
export declare const layer: (options: PostgresOptions) => Layer.Layer<Services, PostgresError>;
export declare const layerConfigWith: (options: Omit<PostgresOptions, "url">) => Layer.Layer<Services, PostgresError | InvalidConfig>;
export declare const layerConfig: Layer.Layer<Services, PostgresError | InvalidConfig>;
export {};

// ==== millrace/sqs ====

// src/sqs/index.ts
export * as Sqs from "./Sqs.ts";

// src/sqs/Sqs.ts
import * as Duration from "effect/Duration";
import * as Layer from "effect/Layer";
import type * as Redacted from "effect/Redacted";
import { type InvalidConfig, InvalidSetting } from "../Errors.ts";
import { Store } from "../Store.ts";
import { Transport } from "../Transport.ts";
import type { WireOptions } from "../wire/Wire.ts";
export interface SqsOptions {
    readonly queueUrl: string;
    readonly region?: string | undefined;
    readonly endpoint?: string | undefined;
    readonly credentials?: {
        readonly accessKeyId: string;
        readonly secretAccessKey: Redacted.Redacted;
        readonly sessionToken?: Redacted.Redacted | undefined;
    } | undefined;
    readonly longPoll?: Duration.Input | undefined;
    readonly wire?: WireOptions | undefined;
}
export declare const layer: (options: SqsOptions) => Layer.Layer<Transport, InvalidSetting, Store>;
export declare const layerConfig: Layer.Layer<Transport, InvalidConfig | InvalidSetting, Store>;

// ==== millrace/embedded ====

// src/embedded/index.ts
export * as Embedded from "./Embedded.ts";

// src/embedded/Embedded.ts
import type * as SqlPg from "@effect/sql-pg/PgClient";
import * as Layer from "effect/Layer";
import type * as SqlClient from "effect/sql/SqlClient";
import { type DataInUse } from "../Errors.ts";
import type { RetentionOptions } from "../postgres/maintenance/Retention.ts";
import { type PostgresError } from "../postgres/Postgres.ts";
import type { Store } from "../Store.ts";
import type { Transport } from "../Transport.ts";
export interface EmbeddedOptions {
    readonly dataDir?: string | undefined;
    readonly schema?: string | undefined;
    readonly loadDataDir?: Blob | undefined;
    readonly migrate?: "auto" | "check" | undefined;
    readonly retention?: RetentionOptions | false | undefined;
}
export declare const layer: (options?: EmbeddedOptions) => Layer.Layer<Store | Transport | SqlClient.SqlClient | SqlPg.PgClient, PostgresError | DataInUse>;

// ==== millrace/ops ====

// src/ops/index.ts
export * as Artefacts from "./Artefacts.ts";
export * from "./ConsumerFacts.ts";
export * from "./DatabaseFacts.ts";
export * as DeadLetterImport from "./DeadLetterImport.ts";
export * as DeadLetterSearch from "./DeadLetterSearch.ts";
export * as EditPreview from "./EditPreview.ts";
export * as Fact from "./Fact.ts";
export * from "./FailureFacts.ts";
export * from "./KeyFacts.ts";
export * from "./Listed.ts";
export * from "./MessageFacts.ts";
export * as MetricsEndpoint from "./MetricsEndpoint.ts";
export * as Operations from "./Operations.ts";
export * from "./Purge.ts";
export * from "./ReadTimeout.ts";
export * from "./RedriveRun.ts";
export * from "./SeriesFacts.ts";

// src/ops/Artefacts.ts
import * as Effect from "effect/Effect";
import * as FileSystem from "effect/FileSystem";
import type { PlatformError } from "effect/PlatformError";
export type Artefact = "grafana" | "prometheus" | "prometheus-tests" | "runbook";
export declare const paths: Readonly<Record<Artefact, string>>;
export declare const read: (artefact: Artefact) => Effect.Effect<string, PlatformError, FileSystem.FileSystem>;

// src/ops/ConsumerFacts.ts
import type { Consumer, ConsumerPause } from "../Store.ts";
import type { Blocker } from "./DatabaseFacts.ts";
import type { Count } from "./Fact.ts";
export interface ConsumerFacts extends Pick<Consumer, "consumer" | "topics" | "lanes" | "order" | "registeredAt" | "paused"> {
    readonly waiting: Count;
    readonly oldestAt: number | undefined;
    readonly rates: Rates;
    readonly delayedKeys: Count;
    readonly parkedKeys: Count;
    readonly pausedKeys: Count;
    readonly deadLetters: Count;
    readonly redriving: Count;
    readonly workers: number;
    readonly codeVersions: ReadonlyArray<string>;
    readonly ownedLanes: number;
    readonly freeLanes: number;
    readonly lag: Lag;
}
export interface Rates {
    readonly inPerSecond: number | undefined;
    readonly outPerSecond: number | undefined;
}
export interface Lag {
    readonly millis: number;
    readonly cause: LagCause;
    readonly sentence: string;
}
export type LagCause = {
    readonly _tag: "Empty";
} | ({
    readonly _tag: "Paused";
} & ConsumerPause) | {
    readonly _tag: "NoWorker";
} | {
    readonly _tag: "CommitWaits";
    readonly blocker: Blocker;
} | {
    readonly _tag: "AllHeld";
    readonly parked: Count;
    readonly delayed: Count;
} | {
    readonly _tag: "FreeLanes";
    readonly free: number;
    readonly lanes: number;
} | {
    readonly _tag: "OneKey";
    readonly key: string;
    readonly share: number;
} | {
    readonly _tag: "Growing";
    readonly perSecond: number;
} | {
    readonly _tag: "Draining";
    readonly millis: number;
} | {
    readonly _tag: "Waiting";
};
export interface LaneFacts {
    readonly lane: number;
    readonly owner: {
        readonly worker: string;
        readonly leaseUntil: number;
    } | undefined;
    readonly deadOwner: string | undefined;
    readonly waiting: Count;
    readonly oldestAt: number | undefined;
    readonly alone: boolean;
}
export interface WorkerFacts {
    readonly consumer: string;
    readonly worker: string;
    readonly codeVersion: string;
    readonly startedAt: number;
    readonly aliveUntil: number;
    readonly alive: boolean;
    readonly lanes: number;
}

// src/ops/DatabaseFacts.ts
import type { Count, Visible } from "./Fact.ts";
export interface Session {
    readonly pid: number;
    readonly user: string;
    readonly application: string;
    readonly client: string;
    readonly state: string;
    readonly query: Visible<string>;
    readonly transactionMillis: number | undefined;
    readonly stateMillis: number | undefined;
}
export interface Blocker {
    readonly waits: Session;
    readonly waitsMillis: number;
    readonly lock: string;
    readonly by: Session;
}
export interface SnapshotOwner {
    readonly kind: "session" | "replication slot" | "prepared transaction";
    readonly name: string;
    readonly session: Session | undefined;
    readonly transactionsAgo: number;
    readonly millis: number | undefined;
}
export interface StorageFacts {
    readonly databaseBytes: Visible<number>;
    readonly tables: ReadonlyArray<{
        readonly table: string;
        readonly bytes: number;
        readonly rows: Count;
        readonly deadRows: Count;
        readonly vacuumedAt: number | undefined;
    }>;
    readonly walBytes: Visible<number>;
    readonly slots: ReadonlyArray<{
        readonly slot: string;
        readonly active: boolean;
        readonly keptBytes: number;
    }>;
}

// src/ops/DeadLetterImport.ts
import * as Effect from "effect/Effect";
import type { DeadLetter } from "../DeadLetter.ts";
import { InvalidDeadLetter } from "../Errors.ts";
import type { OperatorAction } from "../Store.ts";
export declare const parse: (line: string) => Effect.Effect<DeadLetter, InvalidDeadLetter>;
export declare const nameOf: ({ consumer, message }: DeadLetter) => string;
export declare const repeatedIds: () => (deadLetter: DeadLetter, place: string) => InvalidDeadLetter | undefined;
export interface ImportAction extends OperatorAction {
    readonly skipExisting?: boolean | undefined;
}
export interface Imported {
    readonly imported: number;
    readonly skipped: number;
}

// src/ops/DeadLetterSearch.ts
import * as Result from "effect/Result";
import type { DeadLetter, Query } from "../DeadLetter.ts";
import type { InvalidSetting } from "../Errors.ts";
export interface PayloadValue {
    readonly path: ReadonlyArray<string>;
    readonly value: string;
}
export interface DeadLetterSearch extends Query {
    readonly version?: string | undefined;
    readonly text?: string | undefined;
    readonly payload?: PayloadValue | undefined;
}
export interface DeadLettersFound {
    readonly deadLetters: ReadonlyArray<DeadLetter>;
    readonly looked: number | undefined;
    readonly next: string | undefined;
}
export declare const payloadValue: (text: string) => Result.Result<PayloadValue, InvalidSetting>;

// src/ops/EditPreview.ts
export interface EditPreview {
    readonly deadLetterId: string;
    readonly diff: string;
    readonly problem: string | undefined;
}
export declare const diff: (before: string, after: string) => string;
export declare const lines: (json: string) => string;

// src/ops/Fact.ts
export interface Count {
    readonly value: number;
    readonly kind: "exact" | "atLeast" | "estimate";
}
export declare const upTo: (counted: number, most: number) => Count;
export declare const show: ({ kind, value }: Count) => string;
export declare const showMillis: (millis: number) => string;
export type Visible<A> = {
    readonly _tag: "Visible";
    readonly value: A;
} | {
    readonly _tag: "NotVisible";
    readonly reason: string;
};
export declare const visible: <A>(value: A) => Visible<A>;
export declare const notVisible: (reason: string) => Visible<never>;

// src/ops/FailureFacts.ts
import type { Reason } from "../DeadLetter.ts";
import type { DeadLetterSearch } from "./DeadLetterSearch.ts";
import type { Count } from "./Fact.ts";
export interface FailureFacts {
    readonly consumer: string;
    readonly fingerprint: string;
    readonly tag: string;
    readonly reason: Reason;
    readonly deadLetters: Count;
    readonly firstAt: number;
    readonly lastAt: number;
    readonly recent: ReadonlyArray<number>;
    readonly sampleId: string;
    readonly diedOn: ReadonlyArray<string>;
    readonly runningNow: ReadonlyArray<string>;
    readonly note: {
        readonly by: string;
        readonly at: number;
        readonly text: string;
    } | undefined;
}
export interface FailureQuery extends Pick<DeadLetterSearch, "topic" | "key" | "id" | "tag" | "reason" | "until" | "version" | "text" | "payload"> {
    readonly consumer?: string | undefined;
    readonly fingerprint?: string | undefined;
    readonly limit?: number | undefined;
}
export interface FailureHistory {
    readonly seconds: number;
    readonly points: ReadonlyArray<{
        readonly at: number;
        readonly dead: number;
    }>;
    readonly more: boolean;
    readonly versions: ReadonlyArray<{
        readonly at: number;
        readonly version: string;
    }>;
    readonly redrives: ReadonlyArray<{
        readonly at: number;
        readonly by: string;
        readonly note: string;
        readonly redriveRunId: string;
        readonly deadLetters: number;
    }>;
}
export interface HistoryQuery {
    readonly since?: number | undefined;
    readonly seconds?: 60 | 600 | undefined;
}
export interface RedriveFacts {
    readonly consumer: string;
    readonly by: string;
    readonly note: string;
    readonly firstAt: number;
    readonly lastAt: number;
    readonly deadLetters: Count;
    readonly committed: number;
    readonly waiting: number;
    readonly failedAgain: number;
    readonly discarded: number;
    readonly gone: number;
}
export interface RedriveQuery {
    readonly consumer?: string | undefined;
    readonly by?: string | undefined;
    readonly since?: number | undefined;
}

// src/ops/KeyFacts.ts
import type { Failure } from "../Delivery.ts";
import type { HeldKey } from "../Store.ts";
import type { Count } from "./Fact.ts";
export interface StuckKey extends HeldKey {
    readonly consumer: string;
    readonly lane: number;
    readonly behind: Count;
    readonly oldestAt: number | undefined;
    readonly deadLetter: {
        readonly id: string;
        readonly fingerprint: string;
        readonly tag: string;
        readonly diedAt: number;
    } | undefined;
    readonly lastFailure: Failure | undefined;
}
export interface StuckQuery {
    readonly consumer?: string | undefined;
    readonly key?: string | undefined;
    readonly hold?: "parked" | "delayed" | "paused" | undefined;
    readonly after?: {
        readonly consumer: string;
        readonly key: string;
    } | undefined;
    readonly limit?: number | undefined;
}
export interface KeyAdvance {
    readonly messageId: string;
    readonly deadLetterId: string | undefined;
}

// src/ops/Listed.ts
import type * as Duration from "effect/Duration";
import type { Query as AuditQuery } from "../Audit.ts";
import type { DeadLetterSearch } from "./DeadLetterSearch.ts";
import type { StuckQuery } from "./KeyFacts.ts";
export type Listed = {
    readonly of: "deadLetters";
    readonly filter: Omit<DeadLetterSearch, "text" | "payload" | "before" | "limit">;
} | {
    readonly of: "keys";
    readonly filter: Pick<StuckQuery, "consumer" | "hold" | "key">;
} | {
    readonly of: "waiting";
    readonly filter: {
        readonly consumer: string;
        readonly key?: string | undefined;
    };
} | {
    readonly of: "audit";
    readonly filter: Omit<AuditQuery, "before" | "limit">;
};
export interface CountOptions {
    readonly exactWithin?: Duration.Input | undefined;
}

// src/ops/MessageFacts.ts
import type { Entry } from "../Audit.ts";
import type { DeadLetter } from "../DeadLetter.ts";
import type { Failure } from "../Delivery.ts";
import type { Message } from "../Message.ts";
import type { Count } from "./Fact.ts";
export interface Found {
    readonly id: string;
    readonly sentences: ReadonlyArray<string>;
    readonly known: boolean;
    readonly consumers: ReadonlyArray<FoundAt>;
    readonly delayed: ReadonlyArray<{
        readonly topic: string;
        readonly key: string;
        readonly dueAt: number;
    }>;
    readonly unrouted: ReadonlyArray<{
        readonly topic: string;
        readonly key: string;
        readonly publishedAt: number;
    }>;
    readonly audit: ReadonlyArray<Entry>;
    readonly searchedAll: boolean;
}
export interface FoundAt {
    readonly consumer: string;
    readonly state: "committed" | "waiting" | "held" | "dead" | "redriving" | "discarded";
    readonly settledAt: number | undefined;
    readonly queue: {
        readonly topic: string;
        readonly key: string;
        readonly lane: number;
        readonly place: string;
        readonly publishedAt: number;
        readonly attempts: number;
        readonly crashCount: number;
        readonly worker: string | undefined;
    } | undefined;
    readonly hold: {
        readonly parked: boolean;
        readonly retryAt: number | undefined;
        readonly pausedBy: string | undefined;
        readonly deadLetter: {
            readonly id: string;
            readonly messageId: string;
            readonly tag: string;
        } | undefined;
        readonly retried: {
            readonly messageId: string;
            readonly lastFailure: Failure | undefined;
        } | undefined;
    } | undefined;
    readonly deadLetters: ReadonlyArray<DeadLetter>;
}
export interface StoredMessage {
    readonly state: WaitingMessage["state"] | "delayed" | "unrouted";
    readonly consumer: string | undefined;
    readonly message: Message;
    readonly dueAt: number | undefined;
    readonly name: string | undefined;
    readonly lane: number | undefined;
    readonly ahead: Count | undefined;
    readonly attempts: ReadonlyArray<Failure>;
    readonly crashCount: number;
    readonly redriven: number;
    readonly worker: string | undefined;
    readonly hold: FoundAt["hold"];
}
export interface StoredMessages {
    readonly id: string;
    readonly messages: ReadonlyArray<StoredMessage>;
    readonly sentences: ReadonlyArray<string>;
    readonly searchedAll: boolean;
}
export interface WaitingMessage {
    readonly id: string;
    readonly topic: string;
    readonly key: string;
    readonly lane: number;
    readonly place: string;
    readonly publishedAt: number;
    readonly attempts: number;
    readonly crashCount: number;
    readonly redriven: number;
    readonly held: boolean;
    readonly state: "inFlight" | "held" | "due" | "waiting";
    readonly worker: string | undefined;
}
export interface WaitingQuery {
    readonly key?: string | undefined;
    readonly after?: Pick<WaitingMessage, "lane" | "place"> | undefined;
    readonly limit?: number | undefined;
}
export interface FindQuery {
    readonly key?: string | undefined;
    readonly mostBytes?: number | undefined;
}
export interface DelayedFacts {
    readonly topic: string;
    readonly messages: Count;
    readonly nextAt: number;
}
export interface UnroutedFacts {
    readonly topic: string;
    readonly messages: Count;
    readonly firstAt: number;
    readonly lastAt: number;
}
export interface Suspect {
    readonly consumer: string;
    readonly id: string;
    readonly topic: string;
    readonly key: string;
    readonly lane: number;
    readonly crashCount: number;
    readonly crashedAlone: boolean;
    readonly inEveryCrash: boolean;
    readonly publishedAt: number;
    readonly worker: string | undefined;
}

// src/ops/MetricsEndpoint.ts
import type * as HttpRouter from "effect/http/HttpRouter";
import type * as Layer from "effect/Layer";
export interface EndpointOptions {
    readonly path?: HttpRouter.PathInput | undefined;
}
export declare const layer: ({ path }?: EndpointOptions) => Layer.Layer<never, never, HttpRouter.HttpRouter>;

// src/ops/Operations.ts
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as SqlClient from "effect/sql/SqlClient";
import type { DeadLetter } from "../DeadLetter.ts";
import type { ConsumerNotFound, DeadLetterConflict, DeadLetterExists, DeadLetterNotFound, EditUndecodable, InvalidDeadLetter, InvalidMessage, InvalidName, InvalidOperatorAction, InvalidSetting, MessageNotWaiting, NothingToAdvance, NothingToRedrive, QueueChanged, RedriveRunConflict, RedriveRunning, RedriveRunNotFound, StoreFailure } from "../Errors.ts";
import { type OperatorAction, Store } from "../Store.ts";
import type { ConsumerFacts, LaneFacts, WorkerFacts } from "./ConsumerFacts.ts";
import type { Blocker, SnapshotOwner, StorageFacts } from "./DatabaseFacts.ts";
import type { ImportAction, Imported } from "./DeadLetterImport.ts";
import type { DeadLetterSearch, DeadLettersFound } from "./DeadLetterSearch.ts";
import type { EditPreview } from "./EditPreview.ts";
import type { Count, Visible } from "./Fact.ts";
import type { FailureFacts, FailureHistory, FailureQuery, HistoryQuery, RedriveFacts, RedriveQuery } from "./FailureFacts.ts";
import type { KeyAdvance, StuckKey, StuckQuery } from "./KeyFacts.ts";
import type { CountOptions, Listed } from "./Listed.ts";
import type { DelayedFacts, FindQuery, Found, StoredMessages, Suspect, UnroutedFacts, WaitingMessage, WaitingQuery } from "./MessageFacts.ts";
import type { PurgeAction, PurgePreview, QueuedMessage } from "./Purge.ts";
import type { RedriveAction, RedriveFilter, RedrivePreview, RedriveRun, RedriveRunQuery, StartRedrive } from "./RedriveRun.ts";
import type { SeriesPoint, SeriesQuery } from "./SeriesFacts.ts";
declare const Operations_base: Context.ServiceClass<Operations, "millrace/Operations", {
    readonly reading: <A, E, R>(reads: Effect.Effect<A, E, R>) => Effect.Effect<A, E | StoreFailure, R>;
    readonly consumers: Effect.Effect<ReadonlyArray<ConsumerFacts>, StoreFailure>;
    readonly consumer: (consumer: string) => Effect.Effect<ConsumerFacts, StoreFailure | ConsumerNotFound>;
    readonly stuckKeys: (query?: StuckQuery) => Effect.Effect<ReadonlyArray<StuckKey>, StoreFailure | ConsumerNotFound>;
    readonly failures: (query?: FailureQuery) => Effect.Effect<ReadonlyArray<FailureFacts>, StoreFailure | ConsumerNotFound>;
    readonly failureHistory: (consumer: string, fingerprint: string, query?: HistoryQuery) => Effect.Effect<FailureHistory, StoreFailure | ConsumerNotFound>;
    readonly searchDeadLetters: (search?: DeadLetterSearch) => Effect.Effect<DeadLettersFound, StoreFailure | ConsumerNotFound>;
    readonly count: (listed: Listed, options?: CountOptions) => Effect.Effect<Count, StoreFailure | ConsumerNotFound>;
    readonly redrives: (query?: RedriveQuery) => Effect.Effect<ReadonlyArray<RedriveFacts>, StoreFailure | ConsumerNotFound>;
    readonly workers: Effect.Effect<ReadonlyArray<WorkerFacts>, StoreFailure>;
    readonly lanes: (consumer: string) => Effect.Effect<ReadonlyArray<LaneFacts>, StoreFailure | ConsumerNotFound>;
    readonly delayed: Effect.Effect<ReadonlyArray<DelayedFacts>, StoreFailure>;
    readonly unrouted: Effect.Effect<ReadonlyArray<UnroutedFacts>, StoreFailure>;
    readonly find: (id: string, query?: FindQuery) => Effect.Effect<Found, StoreFailure>;
    readonly storedMessages: (id: string, query?: FindQuery) => Effect.Effect<StoredMessages, StoreFailure>;
    readonly waiting: (consumer: string, query?: WaitingQuery) => Effect.Effect<ReadonlyArray<WaitingMessage>, StoreFailure | ConsumerNotFound>;
    readonly blockers: Effect.Effect<ReadonlyArray<Blocker>, StoreFailure>;
    readonly oldestSnapshot: Effect.Effect<Visible<SnapshotOwner | undefined>, StoreFailure>;
    readonly storage: Effect.Effect<StorageFacts, StoreFailure>;
    readonly series: (consumer: string, query?: SeriesQuery) => Effect.Effect<ReadonlyArray<SeriesPoint>, StoreFailure | ConsumerNotFound>;
    readonly previewRedrive: (filter: RedriveFilter) => Effect.Effect<RedrivePreview, StoreFailure | ConsumerNotFound>;
    readonly startRedrive: (from: RedrivePreview | RedriveFilter, options: StartRedrive) => Effect.Effect<RedriveRun, StoreFailure | ConsumerNotFound | NothingToRedrive | RedriveRunning | RedriveRunNotFound | InvalidSetting | InvalidOperatorAction>;
    readonly redriveRun: (redriveRunId: string) => Effect.Effect<RedriveRun, StoreFailure | RedriveRunNotFound>;
    readonly redriveRuns: (query?: RedriveRunQuery) => Effect.Effect<ReadonlyArray<RedriveRun>, StoreFailure | ConsumerNotFound>;
    readonly continueRedrive: (redriveRunId: string, action: RedriveAction & {
        readonly rate?: number | undefined;
    }) => Effect.Effect<RedriveRun, RedriveActionError | InvalidSetting>;
    readonly pauseRedrive: (redriveRunId: string, action: RedriveAction) => Effect.Effect<RedriveRun, RedriveActionError>;
    readonly cancelRedrive: (redriveRunId: string, action: RedriveAction) => Effect.Effect<RedriveRun, RedriveActionError>;
    readonly changeRedriveRate: (redriveRunId: string, action: RedriveAction & {
        readonly rate: number;
    }) => Effect.Effect<RedriveRun, RedriveActionError | InvalidSetting>;
    readonly advanceKey: (consumer: string, key: string, action: OperatorAction) => Effect.Effect<KeyAdvance, StoreFailure | ConsumerNotFound | NothingToAdvance | InvalidOperatorAction>;
    readonly suspects: (consumer?: string) => Effect.Effect<ReadonlyArray<Suspect>, StoreFailure | ConsumerNotFound>;
    readonly deadLetterMessage: (consumer: string, message: {
        readonly id: string;
        readonly key?: string | undefined;
    }, action: OperatorAction) => Effect.Effect<string | undefined, StoreFailure | ConsumerNotFound | MessageNotWaiting | InvalidOperatorAction>;
    readonly noteFailure: (consumer: string, fingerprint: string, action: OperatorAction & {
        readonly note: string;
    }) => Effect.Effect<void, StoreFailure | ConsumerNotFound | InvalidOperatorAction>;
    readonly importDeadLetters: (deadLetters: ReadonlyArray<DeadLetter>, action: ImportAction) => Effect.Effect<Imported, StoreFailure | ConsumerNotFound | DeadLetterExists | InvalidDeadLetter | InvalidOperatorAction>;
    readonly previewPurge: (consumer: string) => Effect.Effect<PurgePreview, StoreFailure | ConsumerNotFound>;
    readonly purgeable: (preview: PurgePreview, after?: string) => Effect.Effect<ReadonlyArray<QueuedMessage>, StoreFailure>;
    readonly purge: (preview: PurgePreview, action: PurgeAction) => Effect.Effect<number, StoreFailure | ConsumerNotFound | QueueChanged | InvalidOperatorAction>;
    readonly previewEdit: (deadLetterId: string, payload: string) => Effect.Effect<EditPreview, StoreFailure | DeadLetterNotFound>;
    readonly redriveEdited: (deadLetterId: string, action: OperatorAction & {
        readonly payload: string;
    }) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict | EditUndecodable | InvalidMessage | InvalidOperatorAction>;
}>;
export declare class Operations extends Operations_base {
}
export type RedriveActionError = StoreFailure | RedriveRunNotFound | RedriveRunConflict | InvalidOperatorAction;
export interface OperationsOptions {
    readonly schema?: string | undefined;
}
export declare const layer: (options?: OperationsOptions) => Layer.Layer<Operations, InvalidName, Store | SqlClient.SqlClient>;
export {};

// src/ops/Purge.ts
import type { OperatorAction } from "../Store.ts";
export interface PurgePreview {
    readonly consumer: string;
    readonly messages: number;
    readonly redriven: number;
    readonly oldestAt: number | undefined;
    readonly cutoff: string;
}
export interface QueuedMessage {
    readonly id: string;
    readonly topic: string;
    readonly key: string | undefined;
    readonly payload: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly version: number;
    readonly publishedAt: number;
    readonly place: string;
}
export interface PurgeAction extends OperatorAction {
    readonly expect: number;
}

// src/ops/ReadTimeout.ts
import * as Context from "effect/Context";
import * as Duration from "effect/Duration";
export declare const ReadTimeout: Context.Reference<Duration.Duration>;

// src/ops/RedriveRun.ts
import type { Filter, FrozenSet } from "../DeadLetter.ts";
import type { OperatorAction } from "../Store.ts";
import type { Count } from "./Fact.ts";
export interface RedriveFilter extends Omit<Filter, "state"> {
    readonly consumer: string;
}
export interface RedriveWarning {
    readonly about: "orderGone" | "sameVersion" | "noWorker" | "paused" | "runOpen";
    readonly sentence: string;
}
export interface RedrivePreview {
    readonly consumer: string;
    readonly set: FrozenSet;
    readonly deadLetters: Count;
    readonly keys: number;
    readonly parkedKeys: number;
    readonly firstAt: number | undefined;
    readonly lastAt: number | undefined;
    readonly diedOn: ReadonlyArray<string>;
    readonly runningNow: ReadonlyArray<string>;
    readonly upTo: string | undefined;
    readonly rate: number;
    readonly warnings: ReadonlyArray<RedriveWarning>;
}
export interface StartRedrive extends OperatorAction {
    readonly rate?: number | undefined;
    readonly stages?: ReadonlyArray<number> | undefined;
    readonly askAfterFirst?: boolean | undefined;
    readonly stopRule?: Partial<StopRule> | undefined;
}
export interface StopRule {
    readonly inARow: number;
    readonly ofLast20: number;
}
export type RedriveState = "running" | "waiting" | "paused" | "stopped" | "cancelled" | "finished";
export interface RedriveStop {
    readonly by: "inARow" | "ofLast20" | "stage" | "copied";
    readonly fingerprint: string;
    readonly sentence: string;
}
export interface RedriveRun {
    readonly id: string;
    readonly consumer: string;
    readonly filter: Filter;
    readonly upTo: string;
    readonly state: RedriveState;
    readonly stopped: RedriveStop | undefined;
    readonly rate: number;
    readonly stages: ReadonlyArray<number>;
    readonly stage: number;
    readonly askAfterFirst: boolean;
    readonly stopRule: StopRule;
    readonly deadLetters: Count;
    readonly redriven: number;
    readonly committed: number;
    readonly duplicate: number;
    readonly failedAgain: number;
    readonly waiting: number;
    readonly untouched: Count;
    readonly leftMillis: number | undefined;
    readonly startedBy: string;
    readonly startedAt: number;
    readonly note: string;
    readonly changedBy: string;
    readonly changedAt: number;
    readonly revision: number;
}
export interface RedriveAction extends OperatorAction {
    readonly revision?: number | undefined;
}
export interface RedriveRunQuery {
    readonly consumer?: string | undefined;
    readonly open?: boolean | undefined;
    readonly limit?: number | undefined;
}

// src/ops/SeriesFacts.ts
import type { Count } from "./Fact.ts";
export interface SeriesPoint {
    readonly at: number;
    readonly seconds: 10 | 60;
    readonly waiting: Count;
    readonly lagMillis: number;
    readonly delayedKeys: number;
    readonly parkedKeys: number;
    readonly deadLetters: Count;
    readonly committed: number;
    readonly duplicates: number;
    readonly dead: number;
    readonly retried: number;
}
export interface SeriesQuery {
    readonly seconds?: 10 | 60 | undefined;
    readonly from?: number | undefined;
    readonly until?: number | undefined;
}

// ==== millrace/http ====

// src/http/index.ts
export type { Actor, Role } from "./api/Access.ts";
export * as Api from "./api/Api.ts";
export * as Problems from "./api/Problems.ts";
export type * from "./api/Types.ts";
export * as HttpOperations from "./client/HttpOperations.ts";
export type { ServerOptions, Token } from "./security/ServerSettings.ts";
export * as Server from "./serve/Server.ts";

// src/http/api/Access.ts
import * as Context from "effect/Context";
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware";
import * as OpenApi from "effect/http-api/OpenApi";
import { CrossSite, Forbidden, RateLimited, Unauthorized } from "./Problems.ts";
export type Role = "viewer" | "operator" | "admin";
export declare const roles: ReadonlyArray<Role>;
export interface Actor {
    readonly name: string;
    readonly role: Role;
}
declare const CurrentActor_base: Context.ServiceClass<CurrentActor, "millrace/http/CurrentActor", Actor>;
export declare class CurrentActor extends CurrentActor_base {
}
export declare const Needs: Context.Service<Role, Role>;
export declare const needs: (role: Role, description: string) => Context.Context<Role | OpenApi.Description | OpenApi.Override>;
declare const Access_base: HttpApiMiddleware.ServiceClass<Access, "millrace/http/Access", {
    requires: never;
    provides: CurrentActor;
    error: readonly [typeof Unauthorized, typeof Forbidden, typeof CrossSite, typeof RateLimited];
    clientError: never;
    requiredForClient: false;
    security: never;
}, HttpApiMiddleware.HttpApiMiddleware<CurrentActor, readonly [typeof Unauthorized, typeof Forbidden, typeof CrossSite, typeof RateLimited], never>>;
export declare class Access extends Access_base {
}
export {};

// src/http/api/Api.ts
import * as HttpApi from "effect/http-api/HttpApi";
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware";
import { Access } from "./Access.ts";
export declare const api: HttpApi.HttpApi<"millrace", import("effect/http-api/HttpApiGroup").HttpApiGroup<"consumers", import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"crashes", "GET", "/api/v1/workers/crashes", never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly workers: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly worker: import("effect/Schema").String;
            readonly codeVersion: import("effect/Schema").String;
            readonly startedAt: import("effect/Schema").Finite;
            readonly aliveUntil: import("effect/Schema").Finite;
            readonly alive: import("effect/Schema").Boolean;
            readonly lanes: import("effect/Schema").Finite;
        }>>;
        readonly suspects: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly id: import("effect/Schema").String;
            readonly topic: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly crashCount: import("effect/Schema").Finite;
            readonly crashedAlone: import("effect/Schema").Boolean;
            readonly inEveryCrash: import("effect/Schema").Boolean;
            readonly publishedAt: import("effect/Schema").Finite;
            readonly worker: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        }>>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"lanes", "GET", "/api/v1/consumers/:consumer/lanes", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
}>>, never, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly lane: import("effect/Schema").Finite;
        readonly owner: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly worker: import("effect/Schema").String;
            readonly leaseUntil: import("effect/Schema").Finite;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly worker: import("effect/Schema").String;
            readonly leaseUntil: import("effect/Schema").Finite;
        }>>, never, never>;
        readonly deadOwner: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        readonly waiting: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly alone: import("effect/Schema").Boolean;
    }>>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"list", "GET", "/api/v1/consumers", never, never, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly topics: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly lanes: import("effect/Schema").Finite;
        readonly order: import("effect/Schema").Literals<readonly ["continue", "park"]>;
        readonly registeredAt: import("effect/Schema").Finite;
        readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            by: import("effect/Schema").String;
            at: import("effect/Schema").Finite;
            note: import("effect/Schema").String;
            until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            by: import("effect/Schema").String;
            at: import("effect/Schema").Finite;
            note: import("effect/Schema").String;
            until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>>, never, never>;
        readonly waiting: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly rates: import("effect/Schema").Struct<{
            readonly inPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly outPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly delayedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly parkedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly pausedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly redriving: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly workers: import("effect/Schema").Finite;
        readonly codeVersions: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly ownedLanes: import("effect/Schema").Finite;
        readonly freeLanes: import("effect/Schema").Finite;
        readonly lag: import("effect/Schema").Struct<{
            readonly millis: import("effect/Schema").Finite;
            readonly cause: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Empty", {}>, import("effect/Schema").TaggedStruct<"Paused", {
                by: import("effect/Schema").String;
                at: import("effect/Schema").Finite;
                note: import("effect/Schema").String;
                until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>, import("effect/Schema").TaggedStruct<"NoWorker", {}>, import("effect/Schema").TaggedStruct<"CommitWaits", {
                readonly blocker: import("effect/Schema").Struct<{
                    readonly waits: import("effect/Schema").Struct<{
                        readonly pid: import("effect/Schema").Finite;
                        readonly user: import("effect/Schema").String;
                        readonly application: import("effect/Schema").String;
                        readonly client: import("effect/Schema").String;
                        readonly state: import("effect/Schema").String;
                        readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                            readonly value: import("effect/Schema").String;
                        }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                            readonly reason: import("effect/Schema").String;
                        }>]>;
                        readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                        readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    }>;
                    readonly waitsMillis: import("effect/Schema").Finite;
                    readonly lock: import("effect/Schema").String;
                    readonly by: import("effect/Schema").Struct<{
                        readonly pid: import("effect/Schema").Finite;
                        readonly user: import("effect/Schema").String;
                        readonly application: import("effect/Schema").String;
                        readonly client: import("effect/Schema").String;
                        readonly state: import("effect/Schema").String;
                        readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                            readonly value: import("effect/Schema").String;
                        }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                            readonly reason: import("effect/Schema").String;
                        }>]>;
                        readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                        readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    }>;
                }>;
            }>, import("effect/Schema").TaggedStruct<"AllHeld", {
                readonly parked: import("effect/Schema").Struct<{
                    readonly value: import("effect/Schema").Finite;
                    readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                }>;
                readonly delayed: import("effect/Schema").Struct<{
                    readonly value: import("effect/Schema").Finite;
                    readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                }>;
            }>, import("effect/Schema").TaggedStruct<"FreeLanes", {
                readonly free: import("effect/Schema").Finite;
                readonly lanes: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"OneKey", {
                readonly key: import("effect/Schema").String;
                readonly share: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Growing", {
                readonly perSecond: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Draining", {
                readonly millis: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Waiting", {}>]>;
            readonly sentence: import("effect/Schema").String;
        }>;
    }>>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"one", "GET", "/api/v1/consumers/:consumer", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
}>>, never, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly topics: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly lanes: import("effect/Schema").Finite;
        readonly order: import("effect/Schema").Literals<readonly ["continue", "park"]>;
        readonly registeredAt: import("effect/Schema").Finite;
        readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            by: import("effect/Schema").String;
            at: import("effect/Schema").Finite;
            note: import("effect/Schema").String;
            until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            by: import("effect/Schema").String;
            at: import("effect/Schema").Finite;
            note: import("effect/Schema").String;
            until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>>, never, never>;
        readonly waiting: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly rates: import("effect/Schema").Struct<{
            readonly inPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly outPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly delayedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly parkedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly pausedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly redriving: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly workers: import("effect/Schema").Finite;
        readonly codeVersions: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly ownedLanes: import("effect/Schema").Finite;
        readonly freeLanes: import("effect/Schema").Finite;
        readonly lag: import("effect/Schema").Struct<{
            readonly millis: import("effect/Schema").Finite;
            readonly cause: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Empty", {}>, import("effect/Schema").TaggedStruct<"Paused", {
                by: import("effect/Schema").String;
                at: import("effect/Schema").Finite;
                note: import("effect/Schema").String;
                until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>, import("effect/Schema").TaggedStruct<"NoWorker", {}>, import("effect/Schema").TaggedStruct<"CommitWaits", {
                readonly blocker: import("effect/Schema").Struct<{
                    readonly waits: import("effect/Schema").Struct<{
                        readonly pid: import("effect/Schema").Finite;
                        readonly user: import("effect/Schema").String;
                        readonly application: import("effect/Schema").String;
                        readonly client: import("effect/Schema").String;
                        readonly state: import("effect/Schema").String;
                        readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                            readonly value: import("effect/Schema").String;
                        }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                            readonly reason: import("effect/Schema").String;
                        }>]>;
                        readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                        readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    }>;
                    readonly waitsMillis: import("effect/Schema").Finite;
                    readonly lock: import("effect/Schema").String;
                    readonly by: import("effect/Schema").Struct<{
                        readonly pid: import("effect/Schema").Finite;
                        readonly user: import("effect/Schema").String;
                        readonly application: import("effect/Schema").String;
                        readonly client: import("effect/Schema").String;
                        readonly state: import("effect/Schema").String;
                        readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                            readonly value: import("effect/Schema").String;
                        }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                            readonly reason: import("effect/Schema").String;
                        }>]>;
                        readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                        readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    }>;
                }>;
            }>, import("effect/Schema").TaggedStruct<"AllHeld", {
                readonly parked: import("effect/Schema").Struct<{
                    readonly value: import("effect/Schema").Finite;
                    readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                }>;
                readonly delayed: import("effect/Schema").Struct<{
                    readonly value: import("effect/Schema").Finite;
                    readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                }>;
            }>, import("effect/Schema").TaggedStruct<"FreeLanes", {
                readonly free: import("effect/Schema").Finite;
                readonly lanes: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"OneKey", {
                readonly key: import("effect/Schema").String;
                readonly share: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Growing", {
                readonly perSecond: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Draining", {
                readonly millis: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Waiting", {}>]>;
            readonly sentence: import("effect/Schema").String;
        }>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"overview", "GET", "/api/v1/overview", never, never, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly delayed: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly topic: import("effect/Schema").String;
            readonly messages: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly nextAt: import("effect/Schema").Finite;
        }>>;
        readonly unrouted: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly topic: import("effect/Schema").String;
            readonly messages: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly firstAt: import("effect/Schema").Finite;
            readonly lastAt: import("effect/Schema").Finite;
        }>>;
        readonly attention: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly about: import("effect/Schema").Literals<readonly ["stoppedRun", "noWorker", "blocked", "parkedKeys", "deadLetters", "paused", "unrouted"]>;
            readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly sentence: import("effect/Schema").String;
            readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        }>>;
        readonly consumers: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly topics: import("effect/Schema").$Array<import("effect/Schema").String>;
            readonly lanes: import("effect/Schema").Finite;
            readonly order: import("effect/Schema").Literals<readonly ["continue", "park"]>;
            readonly registeredAt: import("effect/Schema").Finite;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                by: import("effect/Schema").String;
                at: import("effect/Schema").Finite;
                note: import("effect/Schema").String;
                until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                by: import("effect/Schema").String;
                at: import("effect/Schema").Finite;
                note: import("effect/Schema").String;
                until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>>, never, never>;
            readonly waiting: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly rates: import("effect/Schema").Struct<{
                readonly inPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                readonly outPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>;
            readonly delayedKeys: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly parkedKeys: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly pausedKeys: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly deadLetters: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly redriving: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly workers: import("effect/Schema").Finite;
            readonly codeVersions: import("effect/Schema").$Array<import("effect/Schema").String>;
            readonly ownedLanes: import("effect/Schema").Finite;
            readonly freeLanes: import("effect/Schema").Finite;
            readonly lag: import("effect/Schema").Struct<{
                readonly millis: import("effect/Schema").Finite;
                readonly cause: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Empty", {}>, import("effect/Schema").TaggedStruct<"Paused", {
                    by: import("effect/Schema").String;
                    at: import("effect/Schema").Finite;
                    note: import("effect/Schema").String;
                    until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                }>, import("effect/Schema").TaggedStruct<"NoWorker", {}>, import("effect/Schema").TaggedStruct<"CommitWaits", {
                    readonly blocker: import("effect/Schema").Struct<{
                        readonly waits: import("effect/Schema").Struct<{
                            readonly pid: import("effect/Schema").Finite;
                            readonly user: import("effect/Schema").String;
                            readonly application: import("effect/Schema").String;
                            readonly client: import("effect/Schema").String;
                            readonly state: import("effect/Schema").String;
                            readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                                readonly value: import("effect/Schema").String;
                            }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                                readonly reason: import("effect/Schema").String;
                            }>]>;
                            readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                            readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                        }>;
                        readonly waitsMillis: import("effect/Schema").Finite;
                        readonly lock: import("effect/Schema").String;
                        readonly by: import("effect/Schema").Struct<{
                            readonly pid: import("effect/Schema").Finite;
                            readonly user: import("effect/Schema").String;
                            readonly application: import("effect/Schema").String;
                            readonly client: import("effect/Schema").String;
                            readonly state: import("effect/Schema").String;
                            readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                                readonly value: import("effect/Schema").String;
                            }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                                readonly reason: import("effect/Schema").String;
                            }>]>;
                            readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                            readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                        }>;
                    }>;
                }>, import("effect/Schema").TaggedStruct<"AllHeld", {
                    readonly parked: import("effect/Schema").Struct<{
                        readonly value: import("effect/Schema").Finite;
                        readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                    }>;
                    readonly delayed: import("effect/Schema").Struct<{
                        readonly value: import("effect/Schema").Finite;
                        readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                    }>;
                }>, import("effect/Schema").TaggedStruct<"FreeLanes", {
                    readonly free: import("effect/Schema").Finite;
                    readonly lanes: import("effect/Schema").Finite;
                }>, import("effect/Schema").TaggedStruct<"OneKey", {
                    readonly key: import("effect/Schema").String;
                    readonly share: import("effect/Schema").Finite;
                }>, import("effect/Schema").TaggedStruct<"Growing", {
                    readonly perSecond: import("effect/Schema").Finite;
                }>, import("effect/Schema").TaggedStruct<"Draining", {
                    readonly millis: import("effect/Schema").Finite;
                }>, import("effect/Schema").TaggedStruct<"Waiting", {}>]>;
                readonly sentence: import("effect/Schema").String;
            }>;
        }>>;
        readonly failures: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly fingerprint: import("effect/Schema").String;
            readonly tag: import("effect/Schema").String;
            readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
            readonly deadLetters: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly firstAt: import("effect/Schema").Finite;
            readonly lastAt: import("effect/Schema").Finite;
            readonly recent: import("effect/Schema").$Array<import("effect/Schema").Finite>;
            readonly sampleId: import("effect/Schema").String;
            readonly note: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
                readonly text: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
                readonly text: import("effect/Schema").String;
            }>>, never, never>;
            readonly diedOn: import("effect/Schema").$Array<import("effect/Schema").String>;
            readonly runningNow: import("effect/Schema").$Array<import("effect/Schema").String>;
        }>>;
        readonly parked: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parked: import("effect/Schema").Boolean;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly behind: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>, never, never>;
        }>>;
        readonly runs: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly consumer: import("effect/Schema").String;
            readonly filter: import("effect/Schema").Struct<{
                readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>, never, never>;
                readonly reason: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>, never, never>;
                readonly topic: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly key: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly fingerprint: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>, never, never>;
                readonly tag: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly since: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                readonly until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>;
            readonly upTo: import("effect/Schema").String;
            readonly state: import("effect/Schema").Literals<readonly ["running", "waiting", "paused", "stopped", "cancelled", "finished"]>;
            readonly stopped: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
                readonly fingerprint: import("effect/Schema").String;
                readonly sentence: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
                readonly fingerprint: import("effect/Schema").String;
                readonly sentence: import("effect/Schema").String;
            }>>, never, never>;
            readonly rate: import("effect/Schema").Finite;
            readonly stages: import("effect/Schema").$Array<import("effect/Schema").Finite>;
            readonly stage: import("effect/Schema").Finite;
            readonly askAfterFirst: import("effect/Schema").Boolean;
            readonly stopRule: import("effect/Schema").Struct<{
                readonly inARow: import("effect/Schema").Finite;
                readonly ofLast20: import("effect/Schema").Finite;
            }>;
            readonly deadLetters: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly redriven: import("effect/Schema").Finite;
            readonly committed: import("effect/Schema").Finite;
            readonly duplicate: import("effect/Schema").Finite;
            readonly failedAgain: import("effect/Schema").Finite;
            readonly waiting: import("effect/Schema").Finite;
            readonly untouched: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly leftMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly startedBy: import("effect/Schema").String;
            readonly startedAt: import("effect/Schema").Finite;
            readonly note: import("effect/Schema").String;
            readonly changedBy: import("effect/Schema").String;
            readonly changedAt: import("effect/Schema").Finite;
            readonly revision: import("effect/Schema").Finite;
            readonly etag: import("effect/Schema").String;
        }>>;
        readonly workers: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly worker: import("effect/Schema").String;
            readonly codeVersion: import("effect/Schema").String;
            readonly startedAt: import("effect/Schema").Finite;
            readonly aliveUntil: import("effect/Schema").Finite;
            readonly alive: import("effect/Schema").Boolean;
            readonly lanes: import("effect/Schema").Finite;
        }>>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"series", "GET", "/api/v1/consumers/:consumer/series", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    seconds: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["10", "60"]>>;
    from: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    until: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly at: import("effect/Schema").Finite;
        readonly seconds: import("effect/Schema").Literals<readonly [10, 60]>;
        readonly waiting: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly lagMillis: import("effect/Schema").Finite;
        readonly delayedKeys: import("effect/Schema").Finite;
        readonly parkedKeys: import("effect/Schema").Finite;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly committed: import("effect/Schema").Finite;
        readonly duplicates: import("effect/Schema").Finite;
        readonly dead: import("effect/Schema").Finite;
        readonly retried: import("effect/Schema").Finite;
    }>>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"waiting", "GET", "/api/v1/consumers/:consumer/messages", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    limit: import("effect/Schema").optionalKey<import("effect/Schema").Int>;
    cursor: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    exact: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["true", "false"]>>;
    key: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly topic: import("effect/Schema").String;
        readonly key: import("effect/Schema").String;
        readonly lane: import("effect/Schema").Finite;
        readonly place: import("effect/Schema").String;
        readonly publishedAt: import("effect/Schema").Finite;
        readonly attempts: import("effect/Schema").Finite;
        readonly crashCount: import("effect/Schema").Finite;
        readonly redriven: import("effect/Schema").Finite;
        readonly held: import("effect/Schema").Boolean;
        readonly state: import("effect/Schema").Literals<readonly ["inFlight", "held", "due", "waiting"]>;
        readonly worker: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
    }>>;
    readonly count: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
        readonly value: import("effect/Schema").Finite;
        readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
        readonly value: import("effect/Schema").Finite;
        readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
    }>>, never, never>;
    readonly looked: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
    readonly next: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"workers", "GET", "/api/v1/workers", never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly worker: import("effect/Schema").String;
        readonly codeVersion: import("effect/Schema").String;
        readonly startedAt: import("effect/Schema").Finite;
        readonly aliveUntil: import("effect/Schema").Finite;
        readonly alive: import("effect/Schema").Boolean;
        readonly lanes: import("effect/Schema").Finite;
    }>>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never>, false> | import("effect/http-api/HttpApiGroup").HttpApiGroup<"deadLetters", import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"decide", "POST", "/api/v1/dead-letters/decide", never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly action: import("effect/Schema").Literals<readonly ["redrive", "discard", "restore"]>;
    readonly ids: import("effect/Schema").$Array<import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly outcome: import("effect/Schema").Literals<readonly ["done", "conflict", "notFound"]>;
        readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        readonly by: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        readonly at: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
    }>>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"discard", "POST", "/api/v1/dead-letters/:id/discard", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "if-match": import("effect/Schema").optionalKey<import("effect/Schema").String>;
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
        readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
        readonly parked: import("effect/Schema").Boolean;
        readonly retriedMillis: import("effect/Schema").Finite;
        readonly tag: import("effect/Schema").String;
        readonly fingerprint: import("effect/Schema").String;
        readonly redriven: import("effect/Schema").Finite;
        readonly diedAt: import("effect/Schema").Finite;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly message: import("effect/Schema").Struct<{
            id: import("effect/Schema").String;
            topic: import("effect/Schema").String;
            key: import("effect/Schema").String;
            keyed: import("effect/Schema").Boolean;
            headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
            version: import("effect/Schema").Finite;
            publishedAt: import("effect/Schema").Finite;
        }>;
        readonly attempts: import("effect/Schema").Finite;
        readonly error: import("effect/Schema").String;
        readonly etag: import("effect/Schema").String;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"export", "GET", "/api/v1/dead-letters/export", never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    topic: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    key: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    message: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    failure: import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>;
    error: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    reason: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>;
    since: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    until: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    state: import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>, import("effect/Schema").Literal<"any">]>>;
    version: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    text: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    payload: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    before: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>>;
    limit: import("effect/Schema").optionalKey<import("effect/Schema").Int>;
}>>, never, never, import("effect/http-api/HttpApiSchema").StreamNdjson<import("effect/Schema").Struct<{
    readonly id: import("effect/Schema").String;
    readonly consumer: import("effect/Schema").String;
    readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
    readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
    readonly parked: import("effect/Schema").Boolean;
    readonly retriedMillis: import("effect/Schema").Finite;
    readonly tag: import("effect/Schema").String;
    readonly fingerprint: import("effect/Schema").String;
    readonly redriven: import("effect/Schema").Finite;
    readonly diedAt: import("effect/Schema").Finite;
    readonly changedBy: import("effect/Schema").String;
    readonly changedAt: import("effect/Schema").Finite;
    readonly message: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly topic: import("effect/Schema").String;
        readonly key: import("effect/Schema").String;
        readonly keyed: import("effect/Schema").Boolean;
        readonly headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
        readonly version: import("effect/Schema").Finite;
        readonly publishedAt: import("effect/Schema").Finite;
        readonly payload: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
    }>;
    readonly original: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
    readonly attempts: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly attempt: import("effect/Schema").Finite;
        readonly at: import("effect/Schema").Finite;
        readonly tag: import("effect/Schema").String;
        readonly error: import("effect/Schema").Unknown;
        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
        readonly message: import("effect/Schema").String;
        readonly stack: import("effect/Schema").String;
        readonly step: import("effect/Schema").String;
        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly name: import("effect/Schema").String;
            readonly position: import("effect/Schema").Finite;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly name: import("effect/Schema").String;
            readonly position: import("effect/Schema").Finite;
        }>>, never, never>;
        readonly frame: import("effect/Schema").String;
        readonly worker: import("effect/Schema").String;
        readonly codeVersion: import("effect/Schema").String;
    }>>;
    readonly trace: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
        readonly traceId: import("effect/Schema").String;
        readonly url: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
        readonly traceId: import("effect/Schema").String;
        readonly url: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
    }>>, never, never>;
    readonly hidden: import("effect/Schema").$Array<import("effect/Schema").String>;
    readonly etag: import("effect/Schema").String;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"groups", "GET", "/api/v1/dead-letters/groups", never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    topic: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    key: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    message: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    failure: import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>;
    error: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    reason: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>;
    since: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    until: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    state: import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>, import("effect/Schema").Literal<"any">]>>;
    limit: import("effect/Schema").optionalKey<import("effect/Schema").Int>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly fingerprint: import("effect/Schema").String;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly count: import("effect/Schema").Finite;
            readonly more: import("effect/Schema").Boolean;
        }>;
        readonly firstAt: import("effect/Schema").Finite;
        readonly lastAt: import("effect/Schema").Finite;
        readonly sample: import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly consumer: import("effect/Schema").String;
            readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
            readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
            readonly parked: import("effect/Schema").Boolean;
            readonly retriedMillis: import("effect/Schema").Finite;
            readonly tag: import("effect/Schema").String;
            readonly fingerprint: import("effect/Schema").String;
            readonly redriven: import("effect/Schema").Finite;
            readonly diedAt: import("effect/Schema").Finite;
            readonly changedBy: import("effect/Schema").String;
            readonly changedAt: import("effect/Schema").Finite;
            readonly message: import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly topic: import("effect/Schema").String;
                readonly key: import("effect/Schema").String;
                readonly keyed: import("effect/Schema").Boolean;
                readonly headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
                readonly version: import("effect/Schema").Finite;
                readonly publishedAt: import("effect/Schema").Finite;
                readonly payload: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            }>;
            readonly original: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly attempts: import("effect/Schema").$Array<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>;
            readonly trace: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly traceId: import("effect/Schema").String;
                readonly url: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly traceId: import("effect/Schema").String;
                readonly url: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            }>>, never, never>;
            readonly hidden: import("effect/Schema").$Array<import("effect/Schema").String>;
            readonly etag: import("effect/Schema").String;
        }>;
    }>>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"list", "GET", "/api/v1/dead-letters", never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    limit: import("effect/Schema").optionalKey<import("effect/Schema").Int>;
    cursor: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    exact: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["true", "false"]>>;
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    topic: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    key: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    message: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    failure: import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>;
    error: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    reason: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>;
    since: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    until: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    state: import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>, import("effect/Schema").Literal<"any">]>>;
    version: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    text: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    payload: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
        readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
        readonly parked: import("effect/Schema").Boolean;
        readonly retriedMillis: import("effect/Schema").Finite;
        readonly tag: import("effect/Schema").String;
        readonly fingerprint: import("effect/Schema").String;
        readonly redriven: import("effect/Schema").Finite;
        readonly diedAt: import("effect/Schema").Finite;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly message: import("effect/Schema").Struct<{
            id: import("effect/Schema").String;
            topic: import("effect/Schema").String;
            key: import("effect/Schema").String;
            keyed: import("effect/Schema").Boolean;
            headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
            version: import("effect/Schema").Finite;
            publishedAt: import("effect/Schema").Finite;
        }>;
        readonly attempts: import("effect/Schema").Finite;
        readonly error: import("effect/Schema").String;
        readonly etag: import("effect/Schema").String;
    }>>;
    readonly count: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
        readonly value: import("effect/Schema").Finite;
        readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
        readonly value: import("effect/Schema").Finite;
        readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
    }>>, never, never>;
    readonly looked: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
    readonly next: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"one", "GET", "/api/v1/dead-letters/:id", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, never, never, never, import("effect/http-api/HttpApiSchema").WithHeaders<import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
        readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
        readonly parked: import("effect/Schema").Boolean;
        readonly retriedMillis: import("effect/Schema").Finite;
        readonly tag: import("effect/Schema").String;
        readonly fingerprint: import("effect/Schema").String;
        readonly redriven: import("effect/Schema").Finite;
        readonly diedAt: import("effect/Schema").Finite;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly message: import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly topic: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly keyed: import("effect/Schema").Boolean;
            readonly headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
            readonly version: import("effect/Schema").Finite;
            readonly publishedAt: import("effect/Schema").Finite;
            readonly payload: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        }>;
        readonly original: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        readonly attempts: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly attempt: import("effect/Schema").Finite;
            readonly at: import("effect/Schema").Finite;
            readonly tag: import("effect/Schema").String;
            readonly error: import("effect/Schema").Unknown;
            readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
            readonly message: import("effect/Schema").String;
            readonly stack: import("effect/Schema").String;
            readonly step: import("effect/Schema").String;
            readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly name: import("effect/Schema").String;
                readonly position: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly name: import("effect/Schema").String;
                readonly position: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly frame: import("effect/Schema").String;
            readonly worker: import("effect/Schema").String;
            readonly codeVersion: import("effect/Schema").String;
        }>>;
        readonly trace: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly traceId: import("effect/Schema").String;
            readonly url: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly traceId: import("effect/Schema").String;
            readonly url: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        }>>, never, never>;
        readonly hidden: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly etag: import("effect/Schema").String;
    }>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    etag: import("effect/Schema").String;
}>>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"payload", "GET", "/api/v1/dead-letters/:id/payload", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    original: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["true", "false"]>>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").String>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"redrive", "POST", "/api/v1/dead-letters/:id/redrive", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly payload: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "if-match": import("effect/Schema").optionalKey<import("effect/Schema").String>;
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
        readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
        readonly parked: import("effect/Schema").Boolean;
        readonly retriedMillis: import("effect/Schema").Finite;
        readonly tag: import("effect/Schema").String;
        readonly fingerprint: import("effect/Schema").String;
        readonly redriven: import("effect/Schema").Finite;
        readonly diedAt: import("effect/Schema").Finite;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly message: import("effect/Schema").Struct<{
            id: import("effect/Schema").String;
            topic: import("effect/Schema").String;
            key: import("effect/Schema").String;
            keyed: import("effect/Schema").Boolean;
            headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
            version: import("effect/Schema").Finite;
            publishedAt: import("effect/Schema").Finite;
        }>;
        readonly attempts: import("effect/Schema").Finite;
        readonly error: import("effect/Schema").String;
        readonly etag: import("effect/Schema").String;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"release", "POST", "/api/v1/dead-letters/:id/release", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "if-match": import("effect/Schema").optionalKey<import("effect/Schema").String>;
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
        readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
        readonly parked: import("effect/Schema").Boolean;
        readonly retriedMillis: import("effect/Schema").Finite;
        readonly tag: import("effect/Schema").String;
        readonly fingerprint: import("effect/Schema").String;
        readonly redriven: import("effect/Schema").Finite;
        readonly diedAt: import("effect/Schema").Finite;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly message: import("effect/Schema").Struct<{
            id: import("effect/Schema").String;
            topic: import("effect/Schema").String;
            key: import("effect/Schema").String;
            keyed: import("effect/Schema").Boolean;
            headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
            version: import("effect/Schema").Finite;
            publishedAt: import("effect/Schema").Finite;
        }>;
        readonly attempts: import("effect/Schema").Finite;
        readonly error: import("effect/Schema").String;
        readonly etag: import("effect/Schema").String;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"restore", "POST", "/api/v1/dead-letters/:id/restore", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "if-match": import("effect/Schema").optionalKey<import("effect/Schema").String>;
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
        readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
        readonly parked: import("effect/Schema").Boolean;
        readonly retriedMillis: import("effect/Schema").Finite;
        readonly tag: import("effect/Schema").String;
        readonly fingerprint: import("effect/Schema").String;
        readonly redriven: import("effect/Schema").Finite;
        readonly diedAt: import("effect/Schema").Finite;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly message: import("effect/Schema").Struct<{
            id: import("effect/Schema").String;
            topic: import("effect/Schema").String;
            key: import("effect/Schema").String;
            keyed: import("effect/Schema").Boolean;
            headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
            version: import("effect/Schema").Finite;
            publishedAt: import("effect/Schema").Finite;
        }>;
        readonly attempts: import("effect/Schema").Finite;
        readonly error: import("effect/Schema").String;
        readonly etag: import("effect/Schema").String;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"search", "GET", "/api/v1/dead-letters/search", never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    topic: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    key: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    message: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    failure: import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>;
    error: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    reason: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>;
    since: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    until: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    state: import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>, import("effect/Schema").Literal<"any">]>>;
    version: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    text: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    payload: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    before: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>>;
    limit: import("effect/Schema").optionalKey<import("effect/Schema").Int>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly deadLetters: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly consumer: import("effect/Schema").String;
            readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
            readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
            readonly parked: import("effect/Schema").Boolean;
            readonly retriedMillis: import("effect/Schema").Finite;
            readonly tag: import("effect/Schema").String;
            readonly fingerprint: import("effect/Schema").String;
            readonly redriven: import("effect/Schema").Finite;
            readonly diedAt: import("effect/Schema").Finite;
            readonly changedBy: import("effect/Schema").String;
            readonly changedAt: import("effect/Schema").Finite;
            readonly message: import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly topic: import("effect/Schema").String;
                readonly key: import("effect/Schema").String;
                readonly keyed: import("effect/Schema").Boolean;
                readonly headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
                readonly version: import("effect/Schema").Finite;
                readonly publishedAt: import("effect/Schema").Finite;
                readonly payload: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            }>;
            readonly original: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly attempts: import("effect/Schema").$Array<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>;
            readonly trace: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly traceId: import("effect/Schema").String;
                readonly url: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly traceId: import("effect/Schema").String;
                readonly url: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            }>>, never, never>;
            readonly hidden: import("effect/Schema").$Array<import("effect/Schema").String>;
            readonly etag: import("effect/Schema").String;
        }>>;
        readonly looked: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly next: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"validate", "POST", "/api/v1/dead-letters/:id/validate", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly payload: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly diff: import("effect/Schema").String;
        readonly checked: import("effect/Schema").Literals<readonly ["schema", "json"]>;
        readonly issues: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly path: import("effect/Schema").String;
            readonly message: import("effect/Schema").String;
        }>>;
        readonly keyChanged: import("effect/Schema").Boolean;
        readonly idChanged: import("effect/Schema").Boolean;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never>, false> | import("effect/http-api/HttpApiGroup").HttpApiGroup<"facts", import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"audit", "GET", "/api/v1/audit", never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    limit: import("effect/Schema").optionalKey<import("effect/Schema").Int>;
    cursor: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    exact: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["true", "false"]>>;
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    about: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["deadLetters", "consumers", "redriveRuns"]>>;
    by: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    action: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["redriven", "edited", "discarded", "restored", "released", "removed", "unsubscribed", "paused", "resumed", "advanced", "deadLettered", "started", "continued", "cancelled", "rateChanged", "awaited", "stopped", "finished", "evicted", "purged", "imported", "noted", "repaired"]>>;
    deadLetter: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>>;
    run: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly at: import("effect/Schema").Finite;
        readonly by: import("effect/Schema").String;
        readonly action: import("effect/Schema").Literals<readonly ["redriven", "edited", "discarded", "restored", "released", "removed", "unsubscribed", "paused", "resumed", "advanced", "deadLettered", "started", "continued", "cancelled", "rateChanged", "awaited", "stopped", "finished", "evicted", "purged", "imported", "noted", "repaired"]>;
        readonly consumer: import("effect/Schema").String;
        readonly deadLetterId: import("effect/Schema").String;
        readonly redriveRunId: import("effect/Schema").String;
        readonly topic: import("effect/Schema").String;
        readonly key: import("effect/Schema").String;
        readonly note: import("effect/Schema").String;
        readonly detail: import("effect/Schema").String;
    }>>;
    readonly count: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
        readonly value: import("effect/Schema").Finite;
        readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
        readonly value: import("effect/Schema").Finite;
        readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
    }>>, never, never>;
    readonly looked: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
    readonly next: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"database", "GET", "/api/v1/database", never, never, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly blockers: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly waits: import("effect/Schema").Struct<{
                readonly pid: import("effect/Schema").Finite;
                readonly user: import("effect/Schema").String;
                readonly application: import("effect/Schema").String;
                readonly client: import("effect/Schema").String;
                readonly state: import("effect/Schema").String;
                readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                    readonly value: import("effect/Schema").String;
                }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                    readonly reason: import("effect/Schema").String;
                }>]>;
                readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>;
            readonly waitsMillis: import("effect/Schema").Finite;
            readonly lock: import("effect/Schema").String;
            readonly by: import("effect/Schema").Struct<{
                readonly pid: import("effect/Schema").Finite;
                readonly user: import("effect/Schema").String;
                readonly application: import("effect/Schema").String;
                readonly client: import("effect/Schema").String;
                readonly state: import("effect/Schema").String;
                readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                    readonly value: import("effect/Schema").String;
                }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                    readonly reason: import("effect/Schema").String;
                }>]>;
                readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>;
        }>>;
        readonly oldestSnapshot: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
            readonly value: import("effect/Schema").Struct<{
                readonly kind: import("effect/Schema").Literals<readonly ["session", "replication slot", "prepared transaction"]>;
                readonly name: import("effect/Schema").String;
                readonly session: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly pid: import("effect/Schema").Finite;
                    readonly user: import("effect/Schema").String;
                    readonly application: import("effect/Schema").String;
                    readonly client: import("effect/Schema").String;
                    readonly state: import("effect/Schema").String;
                    readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                        readonly value: import("effect/Schema").String;
                    }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                        readonly reason: import("effect/Schema").String;
                    }>]>;
                    readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly pid: import("effect/Schema").Finite;
                    readonly user: import("effect/Schema").String;
                    readonly application: import("effect/Schema").String;
                    readonly client: import("effect/Schema").String;
                    readonly state: import("effect/Schema").String;
                    readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                        readonly value: import("effect/Schema").String;
                    }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                        readonly reason: import("effect/Schema").String;
                    }>]>;
                    readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                }>>, never, never>;
                readonly transactionsAgo: import("effect/Schema").Finite;
                readonly millis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>;
        }>, import("effect/Schema").TaggedStruct<"NotVisible", {
            readonly reason: import("effect/Schema").String;
        }>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
            readonly value: import("effect/Schema").Struct<{
                readonly kind: import("effect/Schema").Literals<readonly ["session", "replication slot", "prepared transaction"]>;
                readonly name: import("effect/Schema").String;
                readonly session: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly pid: import("effect/Schema").Finite;
                    readonly user: import("effect/Schema").String;
                    readonly application: import("effect/Schema").String;
                    readonly client: import("effect/Schema").String;
                    readonly state: import("effect/Schema").String;
                    readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                        readonly value: import("effect/Schema").String;
                    }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                        readonly reason: import("effect/Schema").String;
                    }>]>;
                    readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly pid: import("effect/Schema").Finite;
                    readonly user: import("effect/Schema").String;
                    readonly application: import("effect/Schema").String;
                    readonly client: import("effect/Schema").String;
                    readonly state: import("effect/Schema").String;
                    readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                        readonly value: import("effect/Schema").String;
                    }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                        readonly reason: import("effect/Schema").String;
                    }>]>;
                    readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                }>>, never, never>;
                readonly transactionsAgo: import("effect/Schema").Finite;
                readonly millis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>;
        }>, import("effect/Schema").TaggedStruct<"NotVisible", {
            readonly reason: import("effect/Schema").String;
        }>]>>, never, never>;
        readonly storage: import("effect/Schema").Struct<{
            readonly databaseBytes: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                readonly value: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                readonly reason: import("effect/Schema").String;
            }>]>;
            readonly tables: import("effect/Schema").$Array<import("effect/Schema").Struct<{
                readonly table: import("effect/Schema").String;
                readonly bytes: import("effect/Schema").Finite;
                readonly rows: import("effect/Schema").Struct<{
                    readonly value: import("effect/Schema").Finite;
                    readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                }>;
                readonly deadRows: import("effect/Schema").Struct<{
                    readonly value: import("effect/Schema").Finite;
                    readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                }>;
                readonly vacuumedAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>>;
            readonly walBytes: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                readonly value: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                readonly reason: import("effect/Schema").String;
            }>]>;
            readonly slots: import("effect/Schema").$Array<import("effect/Schema").Struct<{
                readonly slot: import("effect/Schema").String;
                readonly active: import("effect/Schema").Boolean;
                readonly keptBytes: import("effect/Schema").Finite;
            }>>;
        }>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"elsewhere", "GET", "/api/v1/messages", never, never, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly delayed: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly topic: import("effect/Schema").String;
            readonly messages: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly nextAt: import("effect/Schema").Finite;
        }>>;
        readonly unrouted: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly topic: import("effect/Schema").String;
            readonly messages: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly firstAt: import("effect/Schema").Finite;
            readonly lastAt: import("effect/Schema").Finite;
        }>>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"find", "GET", "/api/v1/messages/:id", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").String;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    key: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly sentences: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly known: import("effect/Schema").Boolean;
        readonly consumers: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly state: import("effect/Schema").Literals<readonly ["committed", "waiting", "held", "dead", "redriving", "discarded"]>;
            readonly settledAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly queue: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly topic: import("effect/Schema").String;
                readonly key: import("effect/Schema").String;
                readonly lane: import("effect/Schema").Finite;
                readonly place: import("effect/Schema").String;
                readonly publishedAt: import("effect/Schema").Finite;
                readonly attempts: import("effect/Schema").Finite;
                readonly crashCount: import("effect/Schema").Finite;
                readonly worker: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly topic: import("effect/Schema").String;
                readonly key: import("effect/Schema").String;
                readonly lane: import("effect/Schema").Finite;
                readonly place: import("effect/Schema").String;
                readonly publishedAt: import("effect/Schema").Finite;
                readonly attempts: import("effect/Schema").Finite;
                readonly crashCount: import("effect/Schema").Finite;
                readonly worker: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            }>>, never, never>;
            readonly hold: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly parked: import("effect/Schema").Boolean;
                readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                readonly pausedBy: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly id: import("effect/Schema").String;
                    readonly messageId: import("effect/Schema").String;
                    readonly tag: import("effect/Schema").String;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly id: import("effect/Schema").String;
                    readonly messageId: import("effect/Schema").String;
                    readonly tag: import("effect/Schema").String;
                }>>, never, never>;
                readonly retried: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly messageId: import("effect/Schema").String;
                    readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>, never, never>;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly messageId: import("effect/Schema").String;
                    readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>, never, never>;
                }>>, never, never>;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly parked: import("effect/Schema").Boolean;
                readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                readonly pausedBy: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly id: import("effect/Schema").String;
                    readonly messageId: import("effect/Schema").String;
                    readonly tag: import("effect/Schema").String;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly id: import("effect/Schema").String;
                    readonly messageId: import("effect/Schema").String;
                    readonly tag: import("effect/Schema").String;
                }>>, never, never>;
                readonly retried: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly messageId: import("effect/Schema").String;
                    readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>, never, never>;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly messageId: import("effect/Schema").String;
                    readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>, never, never>;
                }>>, never, never>;
            }>>, never, never>;
            readonly deadLetters: import("effect/Schema").$Array<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly consumer: import("effect/Schema").String;
                readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
                readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
                readonly parked: import("effect/Schema").Boolean;
                readonly retriedMillis: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly redriven: import("effect/Schema").Finite;
                readonly diedAt: import("effect/Schema").Finite;
                readonly changedBy: import("effect/Schema").String;
                readonly changedAt: import("effect/Schema").Finite;
                readonly message: import("effect/Schema").Struct<{
                    id: import("effect/Schema").String;
                    topic: import("effect/Schema").String;
                    key: import("effect/Schema").String;
                    keyed: import("effect/Schema").Boolean;
                    headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
                    version: import("effect/Schema").Finite;
                    publishedAt: import("effect/Schema").Finite;
                }>;
                readonly attempts: import("effect/Schema").Finite;
                readonly error: import("effect/Schema").String;
                readonly etag: import("effect/Schema").String;
            }>>;
        }>>;
        readonly delayed: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly topic: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly dueAt: import("effect/Schema").Finite;
        }>>;
        readonly unrouted: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly topic: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly publishedAt: import("effect/Schema").Finite;
        }>>;
        readonly audit: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly at: import("effect/Schema").Finite;
            readonly by: import("effect/Schema").String;
            readonly action: import("effect/Schema").Literals<readonly ["redriven", "edited", "discarded", "restored", "released", "removed", "unsubscribed", "paused", "resumed", "advanced", "deadLettered", "started", "continued", "cancelled", "rateChanged", "awaited", "stopped", "finished", "evicted", "purged", "imported", "noted", "repaired"]>;
            readonly consumer: import("effect/Schema").String;
            readonly deadLetterId: import("effect/Schema").String;
            readonly redriveRunId: import("effect/Schema").String;
            readonly topic: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly note: import("effect/Schema").String;
            readonly detail: import("effect/Schema").String;
        }>>;
        readonly searchedAll: import("effect/Schema").Boolean;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"stored", "GET", "/api/v1/messages/:id/stored", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").String;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    key: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    payload: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["true", "false"]>>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly messages: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly state: import("effect/Schema").Literals<readonly ["inFlight", "held", "due", "waiting", "delayed", "unrouted"]>;
            readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly message: import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly topic: import("effect/Schema").String;
                readonly key: import("effect/Schema").String;
                readonly keyed: import("effect/Schema").Boolean;
                readonly headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
                readonly version: import("effect/Schema").Finite;
                readonly publishedAt: import("effect/Schema").Finite;
                readonly payload: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            }>;
            readonly dueAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly name: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly lane: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly ahead: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>>, never, never>;
            readonly attempts: import("effect/Schema").$Array<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>;
            readonly crashCount: import("effect/Schema").Finite;
            readonly redriven: import("effect/Schema").Finite;
            readonly worker: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly hold: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly parked: import("effect/Schema").Boolean;
                readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                readonly pausedBy: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly id: import("effect/Schema").String;
                    readonly messageId: import("effect/Schema").String;
                    readonly tag: import("effect/Schema").String;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly id: import("effect/Schema").String;
                    readonly messageId: import("effect/Schema").String;
                    readonly tag: import("effect/Schema").String;
                }>>, never, never>;
                readonly retried: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly messageId: import("effect/Schema").String;
                    readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>, never, never>;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly messageId: import("effect/Schema").String;
                    readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>, never, never>;
                }>>, never, never>;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly parked: import("effect/Schema").Boolean;
                readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                readonly pausedBy: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly id: import("effect/Schema").String;
                    readonly messageId: import("effect/Schema").String;
                    readonly tag: import("effect/Schema").String;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly id: import("effect/Schema").String;
                    readonly messageId: import("effect/Schema").String;
                    readonly tag: import("effect/Schema").String;
                }>>, never, never>;
                readonly retried: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly messageId: import("effect/Schema").String;
                    readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>, never, never>;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly messageId: import("effect/Schema").String;
                    readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                        readonly attempt: import("effect/Schema").Finite;
                        readonly at: import("effect/Schema").Finite;
                        readonly tag: import("effect/Schema").String;
                        readonly error: import("effect/Schema").Unknown;
                        readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                        readonly message: import("effect/Schema").String;
                        readonly stack: import("effect/Schema").String;
                        readonly step: import("effect/Schema").String;
                        readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                            readonly name: import("effect/Schema").String;
                            readonly position: import("effect/Schema").Finite;
                        }>>, never, never>;
                        readonly frame: import("effect/Schema").String;
                        readonly worker: import("effect/Schema").String;
                        readonly codeVersion: import("effect/Schema").String;
                    }>>, never, never>;
                }>>, never, never>;
            }>>, never, never>;
            readonly trace: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly traceId: import("effect/Schema").String;
                readonly url: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly traceId: import("effect/Schema").String;
                readonly url: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            }>>, never, never>;
            readonly hidden: import("effect/Schema").$Array<import("effect/Schema").String>;
        }>>;
        readonly sentences: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly searchedAll: import("effect/Schema").Boolean;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never>, false> | import("effect/http-api/HttpApiGroup").HttpApiGroup<"failures", import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"history", "GET", "/api/v1/failures/:fingerprint/history", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    fingerprint: import("effect/Schema").String;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
    since: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    seconds: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["60", "600"]>>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly seconds: import("effect/Schema").Finite;
        readonly points: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly at: import("effect/Schema").Finite;
            readonly dead: import("effect/Schema").Finite;
        }>>;
        readonly more: import("effect/Schema").Boolean;
        readonly versions: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly at: import("effect/Schema").Finite;
            readonly version: import("effect/Schema").String;
        }>>;
        readonly redrives: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly at: import("effect/Schema").Finite;
            readonly by: import("effect/Schema").String;
            readonly note: import("effect/Schema").String;
            readonly redriveRunId: import("effect/Schema").String;
            readonly deadLetters: import("effect/Schema").Finite;
        }>>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"list", "GET", "/api/v1/failures", never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    topic: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    key: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    message: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    error: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    reason: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>;
    since: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    until: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    version: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    text: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    payload: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    failure: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    limit: import("effect/Schema").optionalKey<import("effect/Schema").Int>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly fingerprint: import("effect/Schema").String;
        readonly tag: import("effect/Schema").String;
        readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly firstAt: import("effect/Schema").Finite;
        readonly lastAt: import("effect/Schema").Finite;
        readonly recent: import("effect/Schema").$Array<import("effect/Schema").Finite>;
        readonly sampleId: import("effect/Schema").String;
        readonly note: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").String;
            readonly at: import("effect/Schema").Finite;
            readonly text: import("effect/Schema").String;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").String;
            readonly at: import("effect/Schema").Finite;
            readonly text: import("effect/Schema").String;
        }>>, never, never>;
        readonly diedOn: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly runningNow: import("effect/Schema").$Array<import("effect/Schema").String>;
    }>>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"note", "PUT", "/api/v1/failures/:fingerprint/note", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    fingerprint: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly consumer: import("effect/Schema").String;
    readonly note: import("effect/Schema").String;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly fingerprint: import("effect/Schema").String;
        readonly tag: import("effect/Schema").String;
        readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly firstAt: import("effect/Schema").Finite;
        readonly lastAt: import("effect/Schema").Finite;
        readonly recent: import("effect/Schema").$Array<import("effect/Schema").Finite>;
        readonly sampleId: import("effect/Schema").String;
        readonly note: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").String;
            readonly at: import("effect/Schema").Finite;
            readonly text: import("effect/Schema").String;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").String;
            readonly at: import("effect/Schema").Finite;
            readonly text: import("effect/Schema").String;
        }>>, never, never>;
        readonly diedOn: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly runningNow: import("effect/Schema").$Array<import("effect/Schema").String>;
    }>>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"one", "GET", "/api/v1/failures/:fingerprint", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    fingerprint: import("effect/Schema").String;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly fingerprint: import("effect/Schema").String;
        readonly tag: import("effect/Schema").String;
        readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly firstAt: import("effect/Schema").Finite;
        readonly lastAt: import("effect/Schema").Finite;
        readonly recent: import("effect/Schema").$Array<import("effect/Schema").Finite>;
        readonly sampleId: import("effect/Schema").String;
        readonly note: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").String;
            readonly at: import("effect/Schema").Finite;
            readonly text: import("effect/Schema").String;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").String;
            readonly at: import("effect/Schema").Finite;
            readonly text: import("effect/Schema").String;
        }>>, never, never>;
        readonly diedOn: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly runningNow: import("effect/Schema").$Array<import("effect/Schema").String>;
    }>>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"redrives", "GET", "/api/v1/redrives", never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    by: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    since: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly by: import("effect/Schema").String;
        readonly note: import("effect/Schema").String;
        readonly firstAt: import("effect/Schema").Finite;
        readonly lastAt: import("effect/Schema").Finite;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly committed: import("effect/Schema").Finite;
        readonly waiting: import("effect/Schema").Finite;
        readonly failedAgain: import("effect/Schema").Finite;
        readonly discarded: import("effect/Schema").Finite;
        readonly gone: import("effect/Schema").Finite;
    }>>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never>, false> | import("effect/http-api/HttpApiGroup").HttpApiGroup<"keys", import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"list", "GET", "/api/v1/keys", never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    limit: import("effect/Schema").optionalKey<import("effect/Schema").Int>;
    cursor: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    exact: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["true", "false"]>>;
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    hold: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["parked", "delayed", "paused"]>>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly key: import("effect/Schema").String;
        readonly lane: import("effect/Schema").Finite;
        readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly parked: import("effect/Schema").Boolean;
        readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").String;
            readonly at: import("effect/Schema").Finite;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").String;
            readonly at: import("effect/Schema").Finite;
        }>>, never, never>;
        readonly behind: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly fingerprint: import("effect/Schema").String;
            readonly tag: import("effect/Schema").String;
            readonly diedAt: import("effect/Schema").Finite;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly fingerprint: import("effect/Schema").String;
            readonly tag: import("effect/Schema").String;
            readonly diedAt: import("effect/Schema").Finite;
        }>>, never, never>;
        readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly attempt: import("effect/Schema").Finite;
            readonly at: import("effect/Schema").Finite;
            readonly tag: import("effect/Schema").String;
            readonly error: import("effect/Schema").Unknown;
            readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
            readonly message: import("effect/Schema").String;
            readonly stack: import("effect/Schema").String;
            readonly step: import("effect/Schema").String;
            readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly name: import("effect/Schema").String;
                readonly position: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly name: import("effect/Schema").String;
                readonly position: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly frame: import("effect/Schema").String;
            readonly worker: import("effect/Schema").String;
            readonly codeVersion: import("effect/Schema").String;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly attempt: import("effect/Schema").Finite;
            readonly at: import("effect/Schema").Finite;
            readonly tag: import("effect/Schema").String;
            readonly error: import("effect/Schema").Unknown;
            readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
            readonly message: import("effect/Schema").String;
            readonly stack: import("effect/Schema").String;
            readonly step: import("effect/Schema").String;
            readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly name: import("effect/Schema").String;
                readonly position: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly name: import("effect/Schema").String;
                readonly position: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly frame: import("effect/Schema").String;
            readonly worker: import("effect/Schema").String;
            readonly codeVersion: import("effect/Schema").String;
        }>>, never, never>;
    }>>;
    readonly count: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
        readonly value: import("effect/Schema").Finite;
        readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
    }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
        readonly value: import("effect/Schema").Finite;
        readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
    }>>, never, never>;
    readonly looked: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
    readonly next: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"one", "GET", "/api/v1/consumers/:consumer/keys/:key", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
    key: import("effect/Schema").String;
}>>, never, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly key: import("effect/Schema").String;
        readonly held: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parked: import("effect/Schema").Boolean;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly behind: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>, never, never>;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parked: import("effect/Schema").Boolean;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly behind: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>, never, never>;
        }>>, never, never>;
        readonly deadLetters: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly consumer: import("effect/Schema").String;
            readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
            readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
            readonly parked: import("effect/Schema").Boolean;
            readonly retriedMillis: import("effect/Schema").Finite;
            readonly tag: import("effect/Schema").String;
            readonly fingerprint: import("effect/Schema").String;
            readonly redriven: import("effect/Schema").Finite;
            readonly diedAt: import("effect/Schema").Finite;
            readonly changedBy: import("effect/Schema").String;
            readonly changedAt: import("effect/Schema").Finite;
            readonly message: import("effect/Schema").Struct<{
                id: import("effect/Schema").String;
                topic: import("effect/Schema").String;
                key: import("effect/Schema").String;
                keyed: import("effect/Schema").Boolean;
                headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
                version: import("effect/Schema").Finite;
                publishedAt: import("effect/Schema").Finite;
            }>;
            readonly attempts: import("effect/Schema").Finite;
            readonly error: import("effect/Schema").String;
            readonly etag: import("effect/Schema").String;
        }>>;
        readonly waiting: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly topic: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly place: import("effect/Schema").String;
            readonly publishedAt: import("effect/Schema").Finite;
            readonly attempts: import("effect/Schema").Finite;
            readonly crashCount: import("effect/Schema").Finite;
            readonly redriven: import("effect/Schema").Finite;
            readonly held: import("effect/Schema").Boolean;
            readonly state: import("effect/Schema").Literals<readonly ["inFlight", "held", "due", "waiting"]>;
            readonly worker: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        }>>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never>, false> | import("effect/http-api/HttpApiGroup").HttpApiGroup<"previews", import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"discard", "POST", "/api/v1/previews/:preview/discard", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    preview: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly discarded: import("effect/Schema").Finite;
        readonly more: import("effect/Schema").Boolean;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"discardSome", "POST", "/api/v1/frozen-sets/:set/discard", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    set: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly after: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>>;
    readonly most: import("effect/Schema").Int;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly deadLetterIds: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly more: import("effect/Schema").Boolean;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"freeze", "POST", "/api/v1/frozen-sets", never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    topic: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    key: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    message: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    failure: import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>;
    error: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    reason: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>;
    since: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    until: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly set: import("effect/Schema").String;
        readonly expiresAt: import("effect/Schema").Finite;
        readonly filter: import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>, never, never>;
            readonly reason: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>, never, never>;
            readonly topic: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly key: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly fingerprint: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>, never, never>;
            readonly tag: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly since: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly count: import("effect/Schema").Finite;
            readonly more: import("effect/Schema").Boolean;
        }>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"make", "POST", "/api/v1/previews", never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly topic: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly key: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly message: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly failure: import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>;
    readonly error: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly reason: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>;
    readonly since: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    readonly until: import("effect/Schema").optionalKey<import("effect/Schema").decodeTo<import("effect/Schema").Finite, import("effect/Schema").String, never, never>>;
    readonly consumer: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly preview: import("effect/Schema").String;
        readonly expiresAt: import("effect/Schema").Finite;
        readonly consumer: import("effect/Schema").String;
        readonly filter: import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>, never, never>;
            readonly reason: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>, never, never>;
            readonly topic: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly key: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly fingerprint: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>, never, never>;
            readonly tag: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly since: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly keys: import("effect/Schema").Finite;
        readonly parkedKeys: import("effect/Schema").Finite;
        readonly firstAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly lastAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly diedOn: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly runningNow: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly upTo: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        readonly rate: import("effect/Schema").Finite;
        readonly warnings: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly about: import("effect/Schema").Literals<readonly ["orderGone", "sameVersion", "noWorker", "paused", "runOpen"]>;
            readonly sentence: import("effect/Schema").String;
        }>>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"makePurge", "POST", "/api/v1/consumers/:consumer/purge-previews", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly preview: import("effect/Schema").String;
        readonly expiresAt: import("effect/Schema").Finite;
        readonly consumer: import("effect/Schema").String;
        readonly messages: import("effect/Schema").Finite;
        readonly redriven: import("effect/Schema").Finite;
        readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"purge", "POST", "/api/v1/consumers/:consumer/purge", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly preview: import("effect/Schema").String;
    readonly confirm: import("effect/Schema").String;
    readonly expect: import("effect/Schema").Finite;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly purged: import("effect/Schema").Finite;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never>, false> | import("effect/http-api/HttpApiGroup").HttpApiGroup<"runs", import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"cancel", "POST", "/api/v1/redrive-runs/:id/cancel", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "if-match": import("effect/Schema").optionalKey<import("effect/Schema").String>;
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/http-api/HttpApiSchema").WithHeaders<import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly filter: import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>, never, never>;
            readonly reason: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>, never, never>;
            readonly topic: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly key: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly fingerprint: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>, never, never>;
            readonly tag: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly since: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly upTo: import("effect/Schema").String;
        readonly state: import("effect/Schema").Literals<readonly ["running", "waiting", "paused", "stopped", "cancelled", "finished"]>;
        readonly stopped: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>, never, never>;
        readonly rate: import("effect/Schema").Finite;
        readonly stages: import("effect/Schema").$Array<import("effect/Schema").Finite>;
        readonly stage: import("effect/Schema").Finite;
        readonly askAfterFirst: import("effect/Schema").Boolean;
        readonly stopRule: import("effect/Schema").Struct<{
            readonly inARow: import("effect/Schema").Finite;
            readonly ofLast20: import("effect/Schema").Finite;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly redriven: import("effect/Schema").Finite;
        readonly committed: import("effect/Schema").Finite;
        readonly duplicate: import("effect/Schema").Finite;
        readonly failedAgain: import("effect/Schema").Finite;
        readonly waiting: import("effect/Schema").Finite;
        readonly untouched: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly leftMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly startedBy: import("effect/Schema").String;
        readonly startedAt: import("effect/Schema").Finite;
        readonly note: import("effect/Schema").String;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly revision: import("effect/Schema").Finite;
        readonly etag: import("effect/Schema").String;
    }>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    etag: import("effect/Schema").String;
}>>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"continue", "POST", "/api/v1/redrive-runs/:id/continue", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly rate: import("effect/Schema").optionalKey<import("effect/Schema").Finite>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "if-match": import("effect/Schema").optionalKey<import("effect/Schema").String>;
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/http-api/HttpApiSchema").WithHeaders<import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly filter: import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>, never, never>;
            readonly reason: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>, never, never>;
            readonly topic: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly key: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly fingerprint: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>, never, never>;
            readonly tag: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly since: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly upTo: import("effect/Schema").String;
        readonly state: import("effect/Schema").Literals<readonly ["running", "waiting", "paused", "stopped", "cancelled", "finished"]>;
        readonly stopped: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>, never, never>;
        readonly rate: import("effect/Schema").Finite;
        readonly stages: import("effect/Schema").$Array<import("effect/Schema").Finite>;
        readonly stage: import("effect/Schema").Finite;
        readonly askAfterFirst: import("effect/Schema").Boolean;
        readonly stopRule: import("effect/Schema").Struct<{
            readonly inARow: import("effect/Schema").Finite;
            readonly ofLast20: import("effect/Schema").Finite;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly redriven: import("effect/Schema").Finite;
        readonly committed: import("effect/Schema").Finite;
        readonly duplicate: import("effect/Schema").Finite;
        readonly failedAgain: import("effect/Schema").Finite;
        readonly waiting: import("effect/Schema").Finite;
        readonly untouched: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly leftMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly startedBy: import("effect/Schema").String;
        readonly startedAt: import("effect/Schema").Finite;
        readonly note: import("effect/Schema").String;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly revision: import("effect/Schema").Finite;
        readonly etag: import("effect/Schema").String;
    }>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    etag: import("effect/Schema").String;
}>>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"list", "GET", "/api/v1/redrive-runs", never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    open: import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["true", "false"]>>;
    limit: import("effect/Schema").optionalKey<import("effect/Schema").Int>;
}>>, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").$Array<import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly filter: import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>, never, never>;
            readonly reason: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>, never, never>;
            readonly topic: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly key: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly fingerprint: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>, never, never>;
            readonly tag: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly since: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly upTo: import("effect/Schema").String;
        readonly state: import("effect/Schema").Literals<readonly ["running", "waiting", "paused", "stopped", "cancelled", "finished"]>;
        readonly stopped: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>, never, never>;
        readonly rate: import("effect/Schema").Finite;
        readonly stages: import("effect/Schema").$Array<import("effect/Schema").Finite>;
        readonly stage: import("effect/Schema").Finite;
        readonly askAfterFirst: import("effect/Schema").Boolean;
        readonly stopRule: import("effect/Schema").Struct<{
            readonly inARow: import("effect/Schema").Finite;
            readonly ofLast20: import("effect/Schema").Finite;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly redriven: import("effect/Schema").Finite;
        readonly committed: import("effect/Schema").Finite;
        readonly duplicate: import("effect/Schema").Finite;
        readonly failedAgain: import("effect/Schema").Finite;
        readonly waiting: import("effect/Schema").Finite;
        readonly untouched: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly leftMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly startedBy: import("effect/Schema").String;
        readonly startedAt: import("effect/Schema").Finite;
        readonly note: import("effect/Schema").String;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly revision: import("effect/Schema").Finite;
        readonly etag: import("effect/Schema").String;
    }>>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"one", "GET", "/api/v1/redrive-runs/:id", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, never, never, never, import("effect/http-api/HttpApiSchema").WithHeaders<import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly filter: import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>, never, never>;
            readonly reason: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>, never, never>;
            readonly topic: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly key: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly fingerprint: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>, never, never>;
            readonly tag: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly since: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly upTo: import("effect/Schema").String;
        readonly state: import("effect/Schema").Literals<readonly ["running", "waiting", "paused", "stopped", "cancelled", "finished"]>;
        readonly stopped: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>, never, never>;
        readonly rate: import("effect/Schema").Finite;
        readonly stages: import("effect/Schema").$Array<import("effect/Schema").Finite>;
        readonly stage: import("effect/Schema").Finite;
        readonly askAfterFirst: import("effect/Schema").Boolean;
        readonly stopRule: import("effect/Schema").Struct<{
            readonly inARow: import("effect/Schema").Finite;
            readonly ofLast20: import("effect/Schema").Finite;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly redriven: import("effect/Schema").Finite;
        readonly committed: import("effect/Schema").Finite;
        readonly duplicate: import("effect/Schema").Finite;
        readonly failedAgain: import("effect/Schema").Finite;
        readonly waiting: import("effect/Schema").Finite;
        readonly untouched: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly leftMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly startedBy: import("effect/Schema").String;
        readonly startedAt: import("effect/Schema").Finite;
        readonly note: import("effect/Schema").String;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly revision: import("effect/Schema").Finite;
        readonly etag: import("effect/Schema").String;
    }>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    etag: import("effect/Schema").String;
}>>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"pause", "POST", "/api/v1/redrive-runs/:id/pause", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "if-match": import("effect/Schema").optionalKey<import("effect/Schema").String>;
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/http-api/HttpApiSchema").WithHeaders<import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly filter: import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>, never, never>;
            readonly reason: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>, never, never>;
            readonly topic: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly key: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly fingerprint: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>, never, never>;
            readonly tag: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly since: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly upTo: import("effect/Schema").String;
        readonly state: import("effect/Schema").Literals<readonly ["running", "waiting", "paused", "stopped", "cancelled", "finished"]>;
        readonly stopped: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>, never, never>;
        readonly rate: import("effect/Schema").Finite;
        readonly stages: import("effect/Schema").$Array<import("effect/Schema").Finite>;
        readonly stage: import("effect/Schema").Finite;
        readonly askAfterFirst: import("effect/Schema").Boolean;
        readonly stopRule: import("effect/Schema").Struct<{
            readonly inARow: import("effect/Schema").Finite;
            readonly ofLast20: import("effect/Schema").Finite;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly redriven: import("effect/Schema").Finite;
        readonly committed: import("effect/Schema").Finite;
        readonly duplicate: import("effect/Schema").Finite;
        readonly failedAgain: import("effect/Schema").Finite;
        readonly waiting: import("effect/Schema").Finite;
        readonly untouched: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly leftMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly startedBy: import("effect/Schema").String;
        readonly startedAt: import("effect/Schema").Finite;
        readonly note: import("effect/Schema").String;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly revision: import("effect/Schema").Finite;
        readonly etag: import("effect/Schema").String;
    }>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    etag: import("effect/Schema").String;
}>>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"rate", "PATCH", "/api/v1/redrive-runs/:id", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    id: import("effect/Schema").decodeTo<import("effect/Schema").String, import("effect/Schema").String, never, never>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly rate: import("effect/Schema").Finite;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "if-match": import("effect/Schema").optionalKey<import("effect/Schema").String>;
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/http-api/HttpApiSchema").WithHeaders<import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly filter: import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>, never, never>;
            readonly reason: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>, never, never>;
            readonly topic: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly key: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly fingerprint: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>, never, never>;
            readonly tag: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly since: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly upTo: import("effect/Schema").String;
        readonly state: import("effect/Schema").Literals<readonly ["running", "waiting", "paused", "stopped", "cancelled", "finished"]>;
        readonly stopped: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>, never, never>;
        readonly rate: import("effect/Schema").Finite;
        readonly stages: import("effect/Schema").$Array<import("effect/Schema").Finite>;
        readonly stage: import("effect/Schema").Finite;
        readonly askAfterFirst: import("effect/Schema").Boolean;
        readonly stopRule: import("effect/Schema").Struct<{
            readonly inARow: import("effect/Schema").Finite;
            readonly ofLast20: import("effect/Schema").Finite;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly redriven: import("effect/Schema").Finite;
        readonly committed: import("effect/Schema").Finite;
        readonly duplicate: import("effect/Schema").Finite;
        readonly failedAgain: import("effect/Schema").Finite;
        readonly waiting: import("effect/Schema").Finite;
        readonly untouched: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly leftMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly startedBy: import("effect/Schema").String;
        readonly startedAt: import("effect/Schema").Finite;
        readonly note: import("effect/Schema").String;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly revision: import("effect/Schema").Finite;
        readonly etag: import("effect/Schema").String;
    }>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    etag: import("effect/Schema").String;
}>>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"start", "POST", "/api/v1/redrive-runs", never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly preview: import("effect/Schema").String;
    readonly rate: import("effect/Schema").optionalKey<import("effect/Schema").Finite>;
    readonly stages: import("effect/Schema").optionalKey<import("effect/Schema").$Array<import("effect/Schema").Finite>>;
    readonly askAfterFirst: import("effect/Schema").optionalKey<import("effect/Schema").Boolean>;
    readonly stopRule: import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
        readonly inARow: import("effect/Schema").optionalKey<import("effect/Schema").Finite>;
        readonly ofLast20: import("effect/Schema").optionalKey<import("effect/Schema").Finite>;
    }>>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/http-api/HttpApiSchema").WithHeaders<import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly id: import("effect/Schema").String;
        readonly consumer: import("effect/Schema").String;
        readonly filter: import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>, never, never>;
            readonly reason: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>, never, never>;
            readonly topic: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly key: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly fingerprint: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>, never, never>;
            readonly tag: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
            readonly since: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly upTo: import("effect/Schema").String;
        readonly state: import("effect/Schema").Literals<readonly ["running", "waiting", "paused", "stopped", "cancelled", "finished"]>;
        readonly stopped: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
            readonly fingerprint: import("effect/Schema").String;
            readonly sentence: import("effect/Schema").String;
        }>>, never, never>;
        readonly rate: import("effect/Schema").Finite;
        readonly stages: import("effect/Schema").$Array<import("effect/Schema").Finite>;
        readonly stage: import("effect/Schema").Finite;
        readonly askAfterFirst: import("effect/Schema").Boolean;
        readonly stopRule: import("effect/Schema").Struct<{
            readonly inARow: import("effect/Schema").Finite;
            readonly ofLast20: import("effect/Schema").Finite;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly redriven: import("effect/Schema").Finite;
        readonly committed: import("effect/Schema").Finite;
        readonly duplicate: import("effect/Schema").Finite;
        readonly failedAgain: import("effect/Schema").Finite;
        readonly waiting: import("effect/Schema").Finite;
        readonly untouched: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly leftMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly startedBy: import("effect/Schema").String;
        readonly startedAt: import("effect/Schema").Finite;
        readonly note: import("effect/Schema").String;
        readonly changedBy: import("effect/Schema").String;
        readonly changedAt: import("effect/Schema").Finite;
        readonly revision: import("effect/Schema").Finite;
        readonly etag: import("effect/Schema").String;
    }>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    etag: import("effect/Schema").String;
    location: import("effect/Schema").String;
}>>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never>, false> | import("effect/http-api/HttpApiGroup").HttpApiGroup<"session", import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"close", "DELETE", "/api/v1/session", never, never, never, never, import("effect/Schema").toCodecJson<import("effect/http-api/HttpApiSchema").NoContent>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"events", "GET", "/api/v1/events", never, never, never, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "last-event-id": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/http-api/HttpApiSchema").StreamSse<import("effect/Schema").Union<readonly [import("effect/Schema").Struct<{
    readonly id: import("effect/Schema").String;
    readonly event: import("effect/Schema").Literal<"stats">;
    readonly data: import("effect/Schema").fromJsonString<import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
        readonly asOf: import("effect/Schema").Finite;
        readonly consumers: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly waiting: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly lagMillis: import("effect/Schema").Finite;
            readonly sentence: import("effect/Schema").String;
            readonly inPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly outPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parkedKeys: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly delayedKeys: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly deadLetters: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly workers: import("effect/Schema").Finite;
            readonly ownedLanes: import("effect/Schema").Finite;
            readonly lanes: import("effect/Schema").Finite;
            readonly paused: import("effect/Schema").Boolean;
        }>>;
    }>>>;
}>, import("effect/Schema").Struct<{
    readonly id: import("effect/Schema").String;
    readonly event: import("effect/Schema").Literal<"runs">;
    readonly data: import("effect/Schema").fromJsonString<import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
        readonly runs: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly consumer: import("effect/Schema").String;
            readonly filter: import("effect/Schema").Struct<{
                readonly consumer: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly state: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>>, never, never>;
                readonly reason: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>>, never, never>;
                readonly topic: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly key: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly id: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly fingerprint: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>>, import("effect/Schema").optionalKey<import("effect/Schema").Union<readonly [import("effect/Schema").String, import("effect/Schema").$Array<import("effect/Schema").String>]>>, never, never>;
                readonly tag: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
                readonly since: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                readonly until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>;
            readonly upTo: import("effect/Schema").String;
            readonly state: import("effect/Schema").Literals<readonly ["running", "waiting", "paused", "stopped", "cancelled", "finished"]>;
            readonly stopped: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
                readonly fingerprint: import("effect/Schema").String;
                readonly sentence: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").Literals<readonly ["inARow", "ofLast20", "stage", "copied"]>;
                readonly fingerprint: import("effect/Schema").String;
                readonly sentence: import("effect/Schema").String;
            }>>, never, never>;
            readonly rate: import("effect/Schema").Finite;
            readonly stages: import("effect/Schema").$Array<import("effect/Schema").Finite>;
            readonly stage: import("effect/Schema").Finite;
            readonly askAfterFirst: import("effect/Schema").Boolean;
            readonly stopRule: import("effect/Schema").Struct<{
                readonly inARow: import("effect/Schema").Finite;
                readonly ofLast20: import("effect/Schema").Finite;
            }>;
            readonly deadLetters: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly redriven: import("effect/Schema").Finite;
            readonly committed: import("effect/Schema").Finite;
            readonly duplicate: import("effect/Schema").Finite;
            readonly failedAgain: import("effect/Schema").Finite;
            readonly waiting: import("effect/Schema").Finite;
            readonly untouched: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly leftMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly startedBy: import("effect/Schema").String;
            readonly startedAt: import("effect/Schema").Finite;
            readonly note: import("effect/Schema").String;
            readonly changedBy: import("effect/Schema").String;
            readonly changedAt: import("effect/Schema").Finite;
            readonly revision: import("effect/Schema").Finite;
            readonly etag: import("effect/Schema").String;
        }>>;
    }>>>;
}>, import("effect/Schema").Struct<{
    readonly id: import("effect/Schema").String;
    readonly event: import("effect/Schema").Literal<"changed">;
    readonly data: import("effect/Schema").fromJsonString<import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
        readonly about: import("effect/Schema").$Array<import("effect/Schema").Literals<readonly ["deadLetters", "audit", "workers"]>>;
    }>>>;
}>, import("effect/Schema").Struct<{
    readonly id: import("effect/Schema").String;
    readonly event: import("effect/Schema").Literal<"reset">;
    readonly data: import("effect/Schema").fromJsonString<import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{}>>>;
}>]>, import("effect/Schema").Never, {
    readonly id: string;
    readonly event: "stats";
    readonly data: {
        readonly asOf: number;
        readonly consumers: readonly {
            readonly consumer: string;
            readonly waiting: {
                readonly value: number;
                readonly kind: "atLeast" | "estimate" | "exact";
            };
            readonly lagMillis: number;
            readonly sentence: string;
            readonly inPerSecond?: number | undefined;
            readonly outPerSecond?: number | undefined;
            readonly parkedKeys: {
                readonly value: number;
                readonly kind: "atLeast" | "estimate" | "exact";
            };
            readonly delayedKeys: {
                readonly value: number;
                readonly kind: "atLeast" | "estimate" | "exact";
            };
            readonly deadLetters: {
                readonly value: number;
                readonly kind: "atLeast" | "estimate" | "exact";
            };
            readonly workers: number;
            readonly ownedLanes: number;
            readonly lanes: number;
            readonly paused: boolean;
        }[];
    };
} | {
    readonly id: string;
    readonly event: "runs";
    readonly data: {
        readonly runs: readonly {
            readonly id: string;
            readonly consumer: string;
            readonly filter: {
                readonly consumer?: string | undefined;
                readonly state?: "discarded" | "open" | "redriving" | "resolved" | undefined;
                readonly reason?: "crashed" | "exhausted" | "rejected" | "undecodable" | undefined;
                readonly topic?: string | undefined;
                readonly key?: string | undefined;
                readonly id?: string | undefined;
                readonly fingerprint?: string | readonly string[] | undefined;
                readonly tag?: string | undefined;
                readonly since?: number | undefined;
                readonly until?: number | undefined;
            };
            readonly upTo: string;
            readonly state: "cancelled" | "finished" | "paused" | "running" | "stopped" | "waiting";
            readonly stopped?: {
                readonly by: "copied" | "inARow" | "ofLast20" | "stage";
                readonly fingerprint: string;
                readonly sentence: string;
            } | undefined;
            readonly rate: number;
            readonly stages: readonly number[];
            readonly stage: number;
            readonly askAfterFirst: boolean;
            readonly stopRule: {
                readonly inARow: number;
                readonly ofLast20: number;
            };
            readonly deadLetters: {
                readonly value: number;
                readonly kind: "atLeast" | "estimate" | "exact";
            };
            readonly redriven: number;
            readonly committed: number;
            readonly duplicate: number;
            readonly failedAgain: number;
            readonly waiting: number;
            readonly untouched: {
                readonly value: number;
                readonly kind: "atLeast" | "estimate" | "exact";
            };
            readonly leftMillis?: number | undefined;
            readonly startedBy: string;
            readonly startedAt: number;
            readonly note: string;
            readonly changedBy: string;
            readonly changedAt: number;
            readonly revision: number;
            readonly etag: string;
        }[];
    };
} | {
    readonly id: string;
    readonly event: "changed";
    readonly data: {
        readonly about: readonly ("audit" | "deadLetters" | "workers")[];
    };
} | {
    readonly id: string;
    readonly event: "reset";
    readonly data: {};
}>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").RateLimited | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"who", "GET", "/api/v1/session", never, never, never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly name: import("effect/Schema").String;
        readonly role: import("effect/Schema").Literals<readonly ["viewer", "operator", "admin"]>;
        readonly payloads: import("effect/Schema").Literals<readonly ["shown", "onRequest"]>;
        readonly redacts: import("effect/Schema").Boolean;
        readonly statsEvery: import("effect/Schema").Finite;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never>, false> | import("effect/http-api/HttpApiGroup").HttpApiGroup<"signIn", import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"open", "POST", "/api/v1/session", never, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly token: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly code: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly name: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly name: import("effect/Schema").String;
        readonly role: import("effect/Schema").Literals<readonly ["viewer", "operator", "admin"]>;
        readonly payloads: import("effect/Schema").Literals<readonly ["shown", "onRequest"]>;
        readonly redacts: import("effect/Schema").Boolean;
        readonly statsEvery: import("effect/Schema").Finite;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Unauthorized | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").CrossSite | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").RateLimited | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, HttpApiMiddleware.ProblemDetails, never>, false> | import("effect/http-api/HttpApiGroup").HttpApiGroup<"steering", import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"advanceKey", "POST", "/api/v1/consumers/:consumer/keys/:key/advance", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
    key: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly head: import("effect/Schema").String;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly messageId: import("effect/Schema").String;
        readonly deadLetterId: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"deadLetter", "POST", "/api/v1/consumers/:consumer/messages/:id/dead-letter", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
    id: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly key: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly deadLetterId: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"evict", "POST", "/api/v1/consumers/:consumer/workers/:worker/evict", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
    worker: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly lanes: import("effect/Schema").Finite;
        readonly busy: import("effect/Schema").Finite;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"pause", "POST", "/api/v1/consumers/:consumer/pause", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly seconds: import("effect/Schema").optionalKey<import("effect/Schema").Finite>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly topics: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly lanes: import("effect/Schema").Finite;
        readonly order: import("effect/Schema").Literals<readonly ["continue", "park"]>;
        readonly registeredAt: import("effect/Schema").Finite;
        readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            by: import("effect/Schema").String;
            at: import("effect/Schema").Finite;
            note: import("effect/Schema").String;
            until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            by: import("effect/Schema").String;
            at: import("effect/Schema").Finite;
            note: import("effect/Schema").String;
            until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>>, never, never>;
        readonly waiting: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly rates: import("effect/Schema").Struct<{
            readonly inPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly outPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly delayedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly parkedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly pausedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly redriving: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly workers: import("effect/Schema").Finite;
        readonly codeVersions: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly ownedLanes: import("effect/Schema").Finite;
        readonly freeLanes: import("effect/Schema").Finite;
        readonly lag: import("effect/Schema").Struct<{
            readonly millis: import("effect/Schema").Finite;
            readonly cause: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Empty", {}>, import("effect/Schema").TaggedStruct<"Paused", {
                by: import("effect/Schema").String;
                at: import("effect/Schema").Finite;
                note: import("effect/Schema").String;
                until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>, import("effect/Schema").TaggedStruct<"NoWorker", {}>, import("effect/Schema").TaggedStruct<"CommitWaits", {
                readonly blocker: import("effect/Schema").Struct<{
                    readonly waits: import("effect/Schema").Struct<{
                        readonly pid: import("effect/Schema").Finite;
                        readonly user: import("effect/Schema").String;
                        readonly application: import("effect/Schema").String;
                        readonly client: import("effect/Schema").String;
                        readonly state: import("effect/Schema").String;
                        readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                            readonly value: import("effect/Schema").String;
                        }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                            readonly reason: import("effect/Schema").String;
                        }>]>;
                        readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                        readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    }>;
                    readonly waitsMillis: import("effect/Schema").Finite;
                    readonly lock: import("effect/Schema").String;
                    readonly by: import("effect/Schema").Struct<{
                        readonly pid: import("effect/Schema").Finite;
                        readonly user: import("effect/Schema").String;
                        readonly application: import("effect/Schema").String;
                        readonly client: import("effect/Schema").String;
                        readonly state: import("effect/Schema").String;
                        readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                            readonly value: import("effect/Schema").String;
                        }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                            readonly reason: import("effect/Schema").String;
                        }>]>;
                        readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                        readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    }>;
                }>;
            }>, import("effect/Schema").TaggedStruct<"AllHeld", {
                readonly parked: import("effect/Schema").Struct<{
                    readonly value: import("effect/Schema").Finite;
                    readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                }>;
                readonly delayed: import("effect/Schema").Struct<{
                    readonly value: import("effect/Schema").Finite;
                    readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                }>;
            }>, import("effect/Schema").TaggedStruct<"FreeLanes", {
                readonly free: import("effect/Schema").Finite;
                readonly lanes: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"OneKey", {
                readonly key: import("effect/Schema").String;
                readonly share: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Growing", {
                readonly perSecond: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Draining", {
                readonly millis: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Waiting", {}>]>;
            readonly sentence: import("effect/Schema").String;
        }>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"pauseKey", "POST", "/api/v1/consumers/:consumer/keys/:key/pause", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
    key: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly key: import("effect/Schema").String;
        readonly held: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parked: import("effect/Schema").Boolean;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly behind: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>, never, never>;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parked: import("effect/Schema").Boolean;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly behind: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>, never, never>;
        }>>, never, never>;
        readonly deadLetters: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly consumer: import("effect/Schema").String;
            readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
            readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
            readonly parked: import("effect/Schema").Boolean;
            readonly retriedMillis: import("effect/Schema").Finite;
            readonly tag: import("effect/Schema").String;
            readonly fingerprint: import("effect/Schema").String;
            readonly redriven: import("effect/Schema").Finite;
            readonly diedAt: import("effect/Schema").Finite;
            readonly changedBy: import("effect/Schema").String;
            readonly changedAt: import("effect/Schema").Finite;
            readonly message: import("effect/Schema").Struct<{
                id: import("effect/Schema").String;
                topic: import("effect/Schema").String;
                key: import("effect/Schema").String;
                keyed: import("effect/Schema").Boolean;
                headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
                version: import("effect/Schema").Finite;
                publishedAt: import("effect/Schema").Finite;
            }>;
            readonly attempts: import("effect/Schema").Finite;
            readonly error: import("effect/Schema").String;
            readonly etag: import("effect/Schema").String;
        }>>;
        readonly waiting: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly topic: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly place: import("effect/Schema").String;
            readonly publishedAt: import("effect/Schema").Finite;
            readonly attempts: import("effect/Schema").Finite;
            readonly crashCount: import("effect/Schema").Finite;
            readonly redriven: import("effect/Schema").Finite;
            readonly held: import("effect/Schema").Boolean;
            readonly state: import("effect/Schema").Literals<readonly ["inFlight", "held", "due", "waiting"]>;
            readonly worker: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        }>>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"releaseKey", "POST", "/api/v1/consumers/:consumer/keys/:key/release", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
    key: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly head: import("effect/Schema").String;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly key: import("effect/Schema").String;
        readonly held: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parked: import("effect/Schema").Boolean;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly behind: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>, never, never>;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parked: import("effect/Schema").Boolean;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly behind: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>, never, never>;
        }>>, never, never>;
        readonly deadLetters: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly consumer: import("effect/Schema").String;
            readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
            readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
            readonly parked: import("effect/Schema").Boolean;
            readonly retriedMillis: import("effect/Schema").Finite;
            readonly tag: import("effect/Schema").String;
            readonly fingerprint: import("effect/Schema").String;
            readonly redriven: import("effect/Schema").Finite;
            readonly diedAt: import("effect/Schema").Finite;
            readonly changedBy: import("effect/Schema").String;
            readonly changedAt: import("effect/Schema").Finite;
            readonly message: import("effect/Schema").Struct<{
                id: import("effect/Schema").String;
                topic: import("effect/Schema").String;
                key: import("effect/Schema").String;
                keyed: import("effect/Schema").Boolean;
                headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
                version: import("effect/Schema").Finite;
                publishedAt: import("effect/Schema").Finite;
            }>;
            readonly attempts: import("effect/Schema").Finite;
            readonly error: import("effect/Schema").String;
            readonly etag: import("effect/Schema").String;
        }>>;
        readonly waiting: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly topic: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly place: import("effect/Schema").String;
            readonly publishedAt: import("effect/Schema").Finite;
            readonly attempts: import("effect/Schema").Finite;
            readonly crashCount: import("effect/Schema").Finite;
            readonly redriven: import("effect/Schema").Finite;
            readonly held: import("effect/Schema").Boolean;
            readonly state: import("effect/Schema").Literals<readonly ["inFlight", "held", "due", "waiting"]>;
            readonly worker: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        }>>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"resume", "POST", "/api/v1/consumers/:consumer/resume", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly topics: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly lanes: import("effect/Schema").Finite;
        readonly order: import("effect/Schema").Literals<readonly ["continue", "park"]>;
        readonly registeredAt: import("effect/Schema").Finite;
        readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            by: import("effect/Schema").String;
            at: import("effect/Schema").Finite;
            note: import("effect/Schema").String;
            until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            by: import("effect/Schema").String;
            at: import("effect/Schema").Finite;
            note: import("effect/Schema").String;
            until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>>, never, never>;
        readonly waiting: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        readonly rates: import("effect/Schema").Struct<{
            readonly inPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly outPerSecond: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
        }>;
        readonly delayedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly parkedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly pausedKeys: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly deadLetters: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly redriving: import("effect/Schema").Struct<{
            readonly value: import("effect/Schema").Finite;
            readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
        }>;
        readonly workers: import("effect/Schema").Finite;
        readonly codeVersions: import("effect/Schema").$Array<import("effect/Schema").String>;
        readonly ownedLanes: import("effect/Schema").Finite;
        readonly freeLanes: import("effect/Schema").Finite;
        readonly lag: import("effect/Schema").Struct<{
            readonly millis: import("effect/Schema").Finite;
            readonly cause: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Empty", {}>, import("effect/Schema").TaggedStruct<"Paused", {
                by: import("effect/Schema").String;
                at: import("effect/Schema").Finite;
                note: import("effect/Schema").String;
                until: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            }>, import("effect/Schema").TaggedStruct<"NoWorker", {}>, import("effect/Schema").TaggedStruct<"CommitWaits", {
                readonly blocker: import("effect/Schema").Struct<{
                    readonly waits: import("effect/Schema").Struct<{
                        readonly pid: import("effect/Schema").Finite;
                        readonly user: import("effect/Schema").String;
                        readonly application: import("effect/Schema").String;
                        readonly client: import("effect/Schema").String;
                        readonly state: import("effect/Schema").String;
                        readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                            readonly value: import("effect/Schema").String;
                        }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                            readonly reason: import("effect/Schema").String;
                        }>]>;
                        readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                        readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    }>;
                    readonly waitsMillis: import("effect/Schema").Finite;
                    readonly lock: import("effect/Schema").String;
                    readonly by: import("effect/Schema").Struct<{
                        readonly pid: import("effect/Schema").Finite;
                        readonly user: import("effect/Schema").String;
                        readonly application: import("effect/Schema").String;
                        readonly client: import("effect/Schema").String;
                        readonly state: import("effect/Schema").String;
                        readonly query: import("effect/Schema").Union<readonly [import("effect/Schema").TaggedStruct<"Visible", {
                            readonly value: import("effect/Schema").String;
                        }>, import("effect/Schema").TaggedStruct<"NotVisible", {
                            readonly reason: import("effect/Schema").String;
                        }>]>;
                        readonly transactionMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                        readonly stateMillis: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
                    }>;
                }>;
            }>, import("effect/Schema").TaggedStruct<"AllHeld", {
                readonly parked: import("effect/Schema").Struct<{
                    readonly value: import("effect/Schema").Finite;
                    readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                }>;
                readonly delayed: import("effect/Schema").Struct<{
                    readonly value: import("effect/Schema").Finite;
                    readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
                }>;
            }>, import("effect/Schema").TaggedStruct<"FreeLanes", {
                readonly free: import("effect/Schema").Finite;
                readonly lanes: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"OneKey", {
                readonly key: import("effect/Schema").String;
                readonly share: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Growing", {
                readonly perSecond: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Draining", {
                readonly millis: import("effect/Schema").Finite;
            }>, import("effect/Schema").TaggedStruct<"Waiting", {}>]>;
            readonly sentence: import("effect/Schema").String;
        }>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"resumeKey", "POST", "/api/v1/consumers/:consumer/keys/:key/resume", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
    key: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly key: import("effect/Schema").String;
        readonly held: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parked: import("effect/Schema").Boolean;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly behind: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>, never, never>;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parked: import("effect/Schema").Boolean;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly behind: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>, never, never>;
        }>>, never, never>;
        readonly deadLetters: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly consumer: import("effect/Schema").String;
            readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
            readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
            readonly parked: import("effect/Schema").Boolean;
            readonly retriedMillis: import("effect/Schema").Finite;
            readonly tag: import("effect/Schema").String;
            readonly fingerprint: import("effect/Schema").String;
            readonly redriven: import("effect/Schema").Finite;
            readonly diedAt: import("effect/Schema").Finite;
            readonly changedBy: import("effect/Schema").String;
            readonly changedAt: import("effect/Schema").Finite;
            readonly message: import("effect/Schema").Struct<{
                id: import("effect/Schema").String;
                topic: import("effect/Schema").String;
                key: import("effect/Schema").String;
                keyed: import("effect/Schema").Boolean;
                headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
                version: import("effect/Schema").Finite;
                publishedAt: import("effect/Schema").Finite;
            }>;
            readonly attempts: import("effect/Schema").Finite;
            readonly error: import("effect/Schema").String;
            readonly etag: import("effect/Schema").String;
        }>>;
        readonly waiting: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly topic: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly place: import("effect/Schema").String;
            readonly publishedAt: import("effect/Schema").Finite;
            readonly attempts: import("effect/Schema").Finite;
            readonly crashCount: import("effect/Schema").Finite;
            readonly redriven: import("effect/Schema").Finite;
            readonly held: import("effect/Schema").Boolean;
            readonly state: import("effect/Schema").Literals<readonly ["inFlight", "held", "due", "waiting"]>;
            readonly worker: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        }>>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never> | import("effect/http-api/HttpApiEndpoint").HttpApiEndpoint<"skipKey", "POST", "/api/v1/consumers/:consumer/keys/:key/skip", import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    consumer: import("effect/Schema").String;
    key: import("effect/Schema").String;
}>>, never, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly note: import("effect/Schema").optionalKey<import("effect/Schema").String>;
    readonly head: import("effect/Schema").String;
}>>, import("effect/Schema").toCodecStringTree<import("effect/Schema").Struct<{
    "idempotency-key": import("effect/Schema").optionalKey<import("effect/Schema").String>;
}>>, import("effect/Schema").toCodecJson<import("effect/Schema").Struct<{
    readonly schema: import("effect/Schema").Literal<1>;
    readonly asOf: import("effect/Schema").String;
    readonly data: import("effect/Schema").Struct<{
        readonly consumer: import("effect/Schema").String;
        readonly key: import("effect/Schema").String;
        readonly held: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parked: import("effect/Schema").Boolean;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly behind: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>, never, never>;
        }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
            readonly consumer: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly retryAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly parked: import("effect/Schema").Boolean;
            readonly paused: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly by: import("effect/Schema").String;
                readonly at: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly behind: import("effect/Schema").Struct<{
                readonly value: import("effect/Schema").Finite;
                readonly kind: import("effect/Schema").Literals<readonly ["exact", "atLeast", "estimate"]>;
            }>;
            readonly oldestAt: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Finite>>, import("effect/Schema").optionalKey<import("effect/Schema").Finite>, never, never>;
            readonly deadLetter: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly id: import("effect/Schema").String;
                readonly fingerprint: import("effect/Schema").String;
                readonly tag: import("effect/Schema").String;
                readonly diedAt: import("effect/Schema").Finite;
            }>>, never, never>;
            readonly lastFailure: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                readonly attempt: import("effect/Schema").Finite;
                readonly at: import("effect/Schema").Finite;
                readonly tag: import("effect/Schema").String;
                readonly error: import("effect/Schema").Unknown;
                readonly encoded: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Literal<true>>>, import("effect/Schema").optionalKey<import("effect/Schema").Literal<true>>, never, never>;
                readonly message: import("effect/Schema").String;
                readonly stack: import("effect/Schema").String;
                readonly step: import("effect/Schema").String;
                readonly failedStep: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>>, import("effect/Schema").optionalKey<import("effect/Schema").Struct<{
                    readonly name: import("effect/Schema").String;
                    readonly position: import("effect/Schema").Finite;
                }>>, never, never>;
                readonly frame: import("effect/Schema").String;
                readonly worker: import("effect/Schema").String;
                readonly codeVersion: import("effect/Schema").String;
            }>>, never, never>;
        }>>, never, never>;
        readonly deadLetters: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly consumer: import("effect/Schema").String;
            readonly reason: import("effect/Schema").Literals<readonly ["exhausted", "rejected", "undecodable", "crashed"]>;
            readonly state: import("effect/Schema").Literals<readonly ["open", "redriving", "resolved", "discarded"]>;
            readonly parked: import("effect/Schema").Boolean;
            readonly retriedMillis: import("effect/Schema").Finite;
            readonly tag: import("effect/Schema").String;
            readonly fingerprint: import("effect/Schema").String;
            readonly redriven: import("effect/Schema").Finite;
            readonly diedAt: import("effect/Schema").Finite;
            readonly changedBy: import("effect/Schema").String;
            readonly changedAt: import("effect/Schema").Finite;
            readonly message: import("effect/Schema").Struct<{
                id: import("effect/Schema").String;
                topic: import("effect/Schema").String;
                key: import("effect/Schema").String;
                keyed: import("effect/Schema").Boolean;
                headers: import("effect/Schema").$Record<import("effect/Schema").String, import("effect/Schema").String>;
                version: import("effect/Schema").Finite;
                publishedAt: import("effect/Schema").Finite;
            }>;
            readonly attempts: import("effect/Schema").Finite;
            readonly error: import("effect/Schema").String;
            readonly etag: import("effect/Schema").String;
        }>>;
        readonly waiting: import("effect/Schema").$Array<import("effect/Schema").Struct<{
            readonly id: import("effect/Schema").String;
            readonly topic: import("effect/Schema").String;
            readonly key: import("effect/Schema").String;
            readonly lane: import("effect/Schema").Finite;
            readonly place: import("effect/Schema").String;
            readonly publishedAt: import("effect/Schema").Finite;
            readonly attempts: import("effect/Schema").Finite;
            readonly crashCount: import("effect/Schema").Finite;
            readonly redriven: import("effect/Schema").Finite;
            readonly held: import("effect/Schema").Boolean;
            readonly state: import("effect/Schema").Literals<readonly ["inFlight", "held", "due", "waiting"]>;
            readonly worker: import("effect/Schema").decodeTo<import("effect/Schema").optional<import("effect/Schema").toType<import("effect/Schema").String>>, import("effect/Schema").optionalKey<import("effect/Schema").String>, never, never>;
        }>>;
    }>;
}>>, import("effect/Schema").toCodecJson<typeof import("./Problems.ts").InvalidRequest | typeof import("./Problems.ts").CursorMismatch | typeof import("./Problems.ts").Forbidden | typeof import("./Problems.ts").ConsumerNotFound | typeof import("./Problems.ts").DeadLetterNotFound | typeof import("./Problems.ts").RedriveRunNotFound | typeof import("./Problems.ts").WorkerNotFound | typeof import("./Problems.ts").KeyNotFound | typeof import("./Problems.ts").NothingToRedrive | typeof import("./Problems.ts").NothingToAdvance | typeof import("./Problems.ts").MessageNotWaiting | typeof import("./Problems.ts").DeadLetterConflict | typeof import("./Problems.ts").RedriveRunning | typeof import("./Problems.ts").RedriveRunConflict | typeof import("./Problems.ts").PauseConflict | typeof import("./Problems.ts").QueueChanged | typeof import("./Problems.ts").PreviewExpired | typeof import("./Problems.ts").StillRunning | typeof import("./Problems.ts").StaleVersion | typeof import("./Problems.ts").KeyChanged | typeof import("./Problems.ts").PayloadInvalid | typeof import("./Problems.ts").KeyReused | typeof import("./Problems.ts").PreconditionRequired | typeof import("./Problems.ts").StoreRefused | typeof import("./Problems.ts").QueryTimeout | typeof import("./Problems.ts").DatabaseUnavailable>, Access | HttpApiMiddleware.ProblemDetails, never>, false>>;

// src/http/api/Problems.ts
import * as HttpApiError from "effect/http-api/HttpApiError";
import * as Schema from "effect/Schema";
declare const InvalidRequest_base: HttpApiError.ProblemClass<InvalidRequest, "InvalidRequest", "/problems/invalid-request", 400, {}, {}>;
export declare class InvalidRequest extends InvalidRequest_base {
}
declare const CursorMismatch_base: HttpApiError.ProblemClass<CursorMismatch, "CursorMismatch", "/problems/cursor-mismatch", 400, {}, {}>;
export declare class CursorMismatch extends CursorMismatch_base {
}
declare const Unauthorized_base: HttpApiError.ProblemClass<Unauthorized, "Unauthorized", "/problems/unauthorized", 401, {}, {}>;
export declare class Unauthorized extends Unauthorized_base {
}
declare const Forbidden_base: HttpApiError.ProblemClass<Forbidden, "Forbidden", "/problems/forbidden", 403, {
    readonly needs: Schema.decodeTo<Schema.optional<Schema.toType<Schema.String>>, Schema.optionalKey<Schema.String>, never, never>;
}, {}>;
export declare class Forbidden extends Forbidden_base {
}
declare const CrossSite_base: HttpApiError.ProblemClass<CrossSite, "CrossSite", "/problems/cross-site", 403, {}, {}>;
export declare class CrossSite extends CrossSite_base {
}
declare const ConsumerNotFound_base: HttpApiError.ProblemClass<ConsumerNotFound, "ConsumerNotFound", "/problems/consumer-not-found", 404, {}, {}>;
export declare class ConsumerNotFound extends ConsumerNotFound_base {
}
declare const DeadLetterNotFound_base: HttpApiError.ProblemClass<DeadLetterNotFound, "DeadLetterNotFound", "/problems/dead-letter-not-found", 404, {}, {}>;
export declare class DeadLetterNotFound extends DeadLetterNotFound_base {
}
declare const RedriveRunNotFound_base: HttpApiError.ProblemClass<RedriveRunNotFound, "RedriveRunNotFound", "/problems/redrive-run-not-found", 404, {}, {}>;
export declare class RedriveRunNotFound extends RedriveRunNotFound_base {
}
declare const WorkerNotFound_base: HttpApiError.ProblemClass<WorkerNotFound, "WorkerNotFound", "/problems/worker-not-found", 404, {}, {}>;
export declare class WorkerNotFound extends WorkerNotFound_base {
}
declare const KeyNotFound_base: HttpApiError.ProblemClass<KeyNotFound, "KeyNotFound", "/problems/key-not-found", 404, {}, {}>;
export declare class KeyNotFound extends KeyNotFound_base {
}
declare const NothingToRedrive_base: HttpApiError.ProblemClass<NothingToRedrive, "NothingToRedrive", "/problems/nothing-to-redrive", 404, {}, {}>;
export declare class NothingToRedrive extends NothingToRedrive_base {
}
declare const NothingToAdvance_base: HttpApiError.ProblemClass<NothingToAdvance, "NothingToAdvance", "/problems/nothing-to-advance", 404, {}, {}>;
export declare class NothingToAdvance extends NothingToAdvance_base {
}
declare const MessageNotWaiting_base: HttpApiError.ProblemClass<MessageNotWaiting, "MessageNotWaiting", "/problems/message-not-waiting", 404, {}, {}>;
export declare class MessageNotWaiting extends MessageNotWaiting_base {
}
declare const NotFound_base: HttpApiError.ProblemClass<NotFound, "NotFound", "/problems/not-found", 404, {}, {}>;
export declare class NotFound extends NotFound_base {
}
declare const DeadLetterConflict_base: HttpApiError.ProblemClass<DeadLetterConflict, "DeadLetterConflict", "/problems/dead-letter-conflict", 409, {
    state: Schema.decodeTo<Schema.optional<Schema.toType<Schema.String>>, Schema.optionalKey<Schema.String>, never, never>;
    by: Schema.decodeTo<Schema.optional<Schema.toType<Schema.String>>, Schema.optionalKey<Schema.String>, never, never>;
    at: Schema.decodeTo<Schema.optional<Schema.toType<Schema.Finite>>, Schema.optionalKey<Schema.Finite>, never, never>;
}, {}>;
export declare class DeadLetterConflict extends DeadLetterConflict_base {
}
declare const RedriveRunning_base: HttpApiError.ProblemClass<RedriveRunning, "RedriveRunning", "/problems/redrive-running", 409, {
    readonly state: Schema.decodeTo<Schema.optional<Schema.toType<Schema.String>>, Schema.optionalKey<Schema.String>, never, never>;
    readonly by: Schema.decodeTo<Schema.optional<Schema.toType<Schema.String>>, Schema.optionalKey<Schema.String>, never, never>;
    readonly at: Schema.decodeTo<Schema.optional<Schema.toType<Schema.Finite>>, Schema.optionalKey<Schema.Finite>, never, never>;
    readonly run: Schema.String;
}, {}>;
export declare class RedriveRunning extends RedriveRunning_base {
}
declare const RedriveRunConflict_base: HttpApiError.ProblemClass<RedriveRunConflict, "RedriveRunConflict", "/problems/redrive-run-conflict", 409, {
    readonly state: Schema.decodeTo<Schema.optional<Schema.toType<Schema.String>>, Schema.optionalKey<Schema.String>, never, never>;
    readonly by: Schema.decodeTo<Schema.optional<Schema.toType<Schema.String>>, Schema.optionalKey<Schema.String>, never, never>;
    readonly at: Schema.decodeTo<Schema.optional<Schema.toType<Schema.Finite>>, Schema.optionalKey<Schema.Finite>, never, never>;
    readonly run: Schema.String;
}, {}>;
export declare class RedriveRunConflict extends RedriveRunConflict_base {
}
declare const PauseConflict_base: HttpApiError.ProblemClass<PauseConflict, "PauseConflict", "/problems/pause-conflict", 409, {
    state: Schema.decodeTo<Schema.optional<Schema.toType<Schema.String>>, Schema.optionalKey<Schema.String>, never, never>;
    by: Schema.decodeTo<Schema.optional<Schema.toType<Schema.String>>, Schema.optionalKey<Schema.String>, never, never>;
    at: Schema.decodeTo<Schema.optional<Schema.toType<Schema.Finite>>, Schema.optionalKey<Schema.Finite>, never, never>;
}, {}>;
export declare class PauseConflict extends PauseConflict_base {
}
declare const QueueChanged_base: HttpApiError.ProblemClass<QueueChanged, "QueueChanged", "/problems/queue-changed", 409, {
    readonly found: Schema.Finite;
}, {}>;
export declare class QueueChanged extends QueueChanged_base {
}
declare const PreviewExpired_base: HttpApiError.ProblemClass<PreviewExpired, "PreviewExpired", "/problems/preview-expired", 409, {}, {}>;
export declare class PreviewExpired extends PreviewExpired_base {
}
declare const StillRunning_base: HttpApiError.ProblemClass<StillRunning, "StillRunning", "/problems/still-running", 409, {}, {}>;
export declare class StillRunning extends StillRunning_base {
}
declare const StaleVersion_base: HttpApiError.ProblemClass<StaleVersion, "StaleVersion", "/problems/stale-version", 412, {
    state: Schema.decodeTo<Schema.optional<Schema.toType<Schema.String>>, Schema.optionalKey<Schema.String>, never, never>;
    by: Schema.decodeTo<Schema.optional<Schema.toType<Schema.String>>, Schema.optionalKey<Schema.String>, never, never>;
    at: Schema.decodeTo<Schema.optional<Schema.toType<Schema.Finite>>, Schema.optionalKey<Schema.Finite>, never, never>;
}, {}>;
export declare class StaleVersion extends StaleVersion_base {
}
declare const TooLarge_base: HttpApiError.ProblemClass<TooLarge, "TooLarge", "/problems/too-large", 413, {}, {}>;
export declare class TooLarge extends TooLarge_base {
}
declare const HostNotAllowed_base: HttpApiError.ProblemClass<HostNotAllowed, "HostNotAllowed", "/problems/host-not-allowed", 421, {}, {}>;
export declare class HostNotAllowed extends HostNotAllowed_base {
}
declare const KeyChanged_base: HttpApiError.ProblemClass<KeyChanged, "KeyChanged", "/problems/key-changed", 422, {}, {}>;
export declare class KeyChanged extends KeyChanged_base {
}
declare const PayloadInvalid_base: HttpApiError.ProblemClass<PayloadInvalid, "PayloadInvalid", "/problems/payload-invalid", 422, {
    readonly issues: Schema.$Array<Schema.Struct<{
        readonly path: Schema.String;
        readonly message: Schema.String;
    }>>;
}, {}>;
export declare class PayloadInvalid extends PayloadInvalid_base {
}
declare const KeyReused_base: HttpApiError.ProblemClass<KeyReused, "KeyReused", "/problems/idempotency-key-reused", 422, {}, {}>;
export declare class KeyReused extends KeyReused_base {
}
declare const PreconditionRequired_base: HttpApiError.ProblemClass<PreconditionRequired, "PreconditionRequired", "/problems/precondition-required", 428, {}, {}>;
export declare class PreconditionRequired extends PreconditionRequired_base {
}
declare const RateLimited_base: HttpApiError.ProblemClass<RateLimited, "RateLimited", "/problems/rate-limited", 429, {
    readonly retryAfterSeconds: Schema.Finite;
}, {}>;
export declare class RateLimited extends RateLimited_base {
}
declare const StoreRefused_base: HttpApiError.ProblemClass<StoreRefused, "StoreRefused", "/problems/store-refused", 500, {}, {}>;
export declare class StoreRefused extends StoreRefused_base {
}
declare const QueryTimeout_base: HttpApiError.ProblemClass<QueryTimeout, "QueryTimeout", "/problems/query-timeout", 503, {}, {}>;
export declare class QueryTimeout extends QueryTimeout_base {
}
declare const DatabaseUnavailable_base: HttpApiError.ProblemClass<DatabaseUnavailable, "DatabaseUnavailable", "/problems/database-unavailable", 503, {}, {}>;
export declare class DatabaseUnavailable extends DatabaseUnavailable_base {
}
export declare const reading: readonly [typeof InvalidRequest, typeof CursorMismatch, typeof Forbidden, typeof ConsumerNotFound, typeof DeadLetterNotFound, typeof RedriveRunNotFound, typeof KeyNotFound, typeof StoreRefused, typeof QueryTimeout, typeof DatabaseUnavailable];
export declare const acting: readonly [typeof InvalidRequest, typeof CursorMismatch, typeof Forbidden, typeof ConsumerNotFound, typeof DeadLetterNotFound, typeof RedriveRunNotFound, typeof KeyNotFound, typeof StoreRefused, typeof QueryTimeout, typeof DatabaseUnavailable, typeof WorkerNotFound, typeof NothingToRedrive, typeof NothingToAdvance, typeof MessageNotWaiting, typeof DeadLetterConflict, typeof RedriveRunning, typeof RedriveRunConflict, typeof PauseConflict, typeof PreviewExpired, typeof QueueChanged, typeof StillRunning, typeof StaleVersion, typeof KeyChanged, typeof PayloadInvalid, typeof KeyReused, typeof PreconditionRequired];
export type ReadingProblem = InstanceType<typeof reading[number]>;
export type ActionProblem = InstanceType<typeof acting[number]>;
export {};

// src/http/api/Types.ts
import type * as Schema from "effect/Schema";
import type { Answer, Count, Failure, Page } from "../schema/Answer.ts";
import type { AuditEntry } from "../schema/AuditSchema.ts";
import type { Consumer, Lane, Point, Suspect, Worker } from "../schema/ConsumerSchema.ts";
import type { Blocker, Database } from "../schema/DatabaseSchema.ts";
import type { DeadLetter, DeadLetterItem, Decided, EditCheck, FailureGroup, FailureHistory, PreviewFilter, Redrive, Trace } from "../schema/DeadLetterSchema.ts";
import type { Attention, ConsumerStats, Overview, SessionInfo, SignIn, Update } from "../schema/LiveSchema.ts";
import type { Elsewhere, Found, KeyAdvance, KeyDetail, StoredMessage, StoredMessages, StuckKey, WaitingMessage } from "../schema/MessageSchema.ts";
import type { Discarded, Preview, PurgePreview, Run, StartRun } from "../schema/RunSchema.ts";
export type AnswerJson<A> = Omit<ReturnType<typeof Answer<Schema.Codec<unknown>>>["Encoded"], "data"> & {
    readonly data: A;
};
export type PageJson<A> = Omit<ReturnType<typeof Page<Schema.Codec<unknown>>>["Encoded"], "data"> & {
    readonly data: ReadonlyArray<A>;
};
export type CountJson = typeof Count.Encoded;
export type FailureJson = typeof Failure.Encoded;
export type AuditEntryJson = typeof AuditEntry.Encoded;
export type ConsumerJson = typeof Consumer.Encoded;
export type LaneJson = typeof Lane.Encoded;
export type WorkerJson = typeof Worker.Encoded;
export type SuspectJson = typeof Suspect.Encoded;
export type PointJson = typeof Point.Encoded;
export type BlockerJson = typeof Blocker.Encoded;
export type DatabaseJson = typeof Database.Encoded;
export type DeadLetterJson = typeof DeadLetter.Encoded;
export type DeadLetterItemJson = typeof DeadLetterItem.Encoded;
export type DecidedJson = typeof Decided.Encoded;
export type EditCheckJson = typeof EditCheck.Encoded;
export type FailureGroupJson = typeof FailureGroup.Encoded;
export type FailureHistoryJson = typeof FailureHistory.Encoded;
export type PreviewFilterJson = typeof PreviewFilter.Encoded;
export type RedriveJson = typeof Redrive.Encoded;
export type SessionJson = typeof SessionInfo.Encoded;
export type SignInJson = typeof SignIn.Encoded;
export type AttentionJson = typeof Attention.Encoded;
export type OverviewJson = typeof Overview.Encoded;
export type ConsumerStatsJson = typeof ConsumerStats.Encoded;
export type UpdateJson = typeof Update.Encoded;
export type UpdateData = {
    readonly [U in typeof Update.Type as U["event"]]: U["data"];
};
export type StuckKeyJson = typeof StuckKey.Encoded;
export type WaitingMessageJson = typeof WaitingMessage.Encoded;
export type KeyDetailJson = typeof KeyDetail.Encoded;
export type KeyAdvanceJson = typeof KeyAdvance.Encoded;
export type TraceJson = typeof Trace.Encoded;
export type FoundJson = typeof Found.Encoded;
export type StoredMessageJson = typeof StoredMessage.Encoded;
export type StoredMessagesJson = typeof StoredMessages.Encoded;
export type ElsewhereJson = typeof Elsewhere.Encoded;
export type PreviewJson = typeof Preview.Encoded;
export type PurgePreviewJson = typeof PurgePreview.Encoded;
export type StartRunJson = typeof StartRun.Encoded;
export type RunJson = typeof Run.Encoded;
export type DiscardedJson = typeof Discarded.Encoded;
export interface ProblemJson {
    readonly type: string;
    readonly status: number;
    readonly title: string;
    readonly detail?: string;
    readonly [extension: string]: unknown;
}

// src/http/client/HttpOperations.ts
import type * as HttpClient from "effect/http/HttpClient";
import * as Layer from "effect/Layer";
import type * as Redacted from "effect/Redacted";
import { InvalidSetting } from "../../Errors.ts";
import { Operations } from "../../ops/Operations.ts";
import { Store } from "../../Store.ts";
export interface HttpOperationsOptions {
    readonly url: string;
    readonly token?: Redacted.Redacted | undefined;
}
export declare const layer: ({ token, url }: HttpOperationsOptions) => Layer.Layer<Operations | Store, InvalidSetting, HttpClient.HttpClient>;

// src/http/security/ServerSettings.ts
import * as Context from "effect/Context";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import type * as HttpServerRequest from "effect/http/HttpServerRequest";
import * as Redacted from "effect/Redacted";
import type * as Schema from "effect/Schema";
import type { FrozenSet } from "../../DeadLetter.ts";
import { InvalidSetting } from "../../Errors.ts";
import type { PurgePreview } from "../../ops/Purge.ts";
import type { RedrivePreview } from "../../ops/RedriveRun.ts";
import * as TraceLink from "../../ops/TraceLink.ts";
import type { Topic } from "../../Topic.ts";
import type { Actor, Role } from "../api/Access.ts";
import * as Redaction from "./Redaction.ts";
import * as Shelf from "./Shelf.ts";
export interface Token {
    readonly token: Redacted.Redacted;
    readonly role: Role;
    readonly name: string;
}
export interface ServerOptions {
    readonly path?: `/${string}` | undefined;
    readonly tokens?: ReadonlyArray<Token> | undefined;
    readonly code?: {
        readonly code: Redacted.Redacted;
        readonly actor: Actor;
    } | undefined;
    readonly authenticate?: ((request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Actor | undefined>) | undefined;
    readonly hosts?: ReadonlyArray<string> | undefined;
    readonly payloads?: "shown" | "onRequest" | undefined;
    readonly hide?: ReadonlyArray<string> | undefined;
    readonly traceUrl?: string | undefined;
    readonly topics?: ReadonlyArray<Topic<string, Schema.Codec<unknown, unknown>>> | undefined;
    readonly bodyBytes?: number | undefined;
    readonly streams?: number | undefined;
    readonly session?: Duration.Input | undefined;
}
export interface Entered {
    readonly actor: Actor;
    readonly countedAs: string;
}
declare const Settings_base: Context.ServiceClass<Settings, "millrace/http/Settings", {
    readonly path: string;
    readonly tokens: ReadonlyArray<Token>;
    readonly authenticate: NonNullable<ServerOptions["authenticate"]> | undefined;
    readonly hosts: ReadonlyArray<string>;
    readonly payloads: "shown" | "onRequest";
    readonly redaction: Redaction.Redaction;
    readonly traceLink: TraceLink.Link | undefined;
    readonly topics: ReadonlyMap<string, Topic<string, Schema.Codec<unknown, unknown>>>;
    readonly bodyBytes: number;
    readonly streams: number;
    readonly sessions: Shelf.Shelf<Entered>;
    readonly sessionMillis: number;
    readonly takeCode: (code: string) => Effect.Effect<Actor | undefined>;
    readonly previews: Shelf.Shelf<RedrivePreview>;
    readonly purges: Shelf.Shelf<PurgePreview>;
    readonly sets: Shelf.Shelf<FrozenSet>;
}>;
export declare class Settings extends Settings_base {
}
export declare const make: (options: ServerOptions) => Effect.Effect<{
    readonly path: string;
    readonly tokens: ReadonlyArray<Token>;
    readonly authenticate: NonNullable<ServerOptions["authenticate"]> | undefined;
    readonly hosts: ReadonlyArray<string>;
    readonly payloads: "shown" | "onRequest";
    readonly redaction: Redaction.Redaction;
    readonly traceLink: TraceLink.Link | undefined;
    readonly topics: ReadonlyMap<string, Topic<string, Schema.Codec<unknown, unknown>>>;
    readonly bodyBytes: number;
    readonly streams: number;
    readonly sessions: Shelf.Shelf<Entered>;
    readonly sessionMillis: number;
    readonly takeCode: (code: string) => Effect.Effect<Actor | undefined>;
    readonly previews: Shelf.Shelf<RedrivePreview>;
    readonly purges: Shelf.Shelf<PurgePreview>;
    readonly sets: Shelf.Shelf<FrozenSet>;
}, InvalidSetting, never>;
export {};

// src/http/serve/Server.ts
import type * as FileSystem from "effect/FileSystem";
import type * as Etag from "effect/http/Etag";
import type * as HttpPlatform from "effect/http/HttpPlatform";
import * as HttpRouter from "effect/http/HttpRouter";
import * as Layer from "effect/Layer";
import type * as Path from "effect/Path";
import type { PlatformError } from "effect/PlatformError";
import type { InvalidSetting } from "../../Errors.ts";
import type * as Operations from "../../ops/Operations.ts";
import type { Store } from "../../Store.ts";
import * as Settings from "../security/ServerSettings.ts";
type Platform = Etag.Generator | FileSystem.FileSystem | HttpPlatform.HttpPlatform | Path.Path;
export declare const layer: (options: Settings.ServerOptions) => Layer.Layer<never, InvalidSetting | PlatformError, HttpRouter.HttpRouter | Operations.Operations | Store | Platform>;
export {};

// ==== millrace/redis ====

// src/redis/index.ts
export * as RedisConnection from "./RedisConnection.ts";
export * as RedisInbox from "./RedisInbox.ts";
export * as RedisStreams from "./RedisStreams.ts";

// src/redis/RedisConnection.ts
import * as Layer from "effect/Layer";
import * as Redis from "effect/persistence/Redis";
import * as Redacted from "effect/Redacted";
import { InvalidConfig, InvalidSetting, StoreFailure } from "../Errors.ts";
export declare const layer: (url: Redacted.Redacted | string) => Layer.Layer<Redis.Redis, InvalidSetting | StoreFailure>;
export declare const layerLazy: (url: Redacted.Redacted | string) => Layer.Layer<Redis.Redis, InvalidSetting>;
export declare const layerConfig: Layer.Layer<Redis.Redis, InvalidConfig | InvalidSetting | StoreFailure>;
export declare const layerLazyConfig: Layer.Layer<Redis.Redis, InvalidConfig | InvalidSetting>;

// src/redis/RedisInbox.ts
import * as Context from "effect/Context";
import type * as Duration from "effect/Duration";
import * as Layer from "effect/Layer";
import { Redis } from "effect/persistence/Redis";
import type { InvalidSetting, StoreFailure } from "../Errors.ts";
import type { OutsideInbox } from "../Store.ts";
declare const RedisInbox_base: Context.ServiceClass<RedisInbox, "millrace/redis/RedisInbox", OutsideInbox>;
export declare class RedisInbox extends RedisInbox_base {
}
export interface RedisInboxOptions {
    readonly marker?: Duration.Input | undefined;
    readonly window?: Duration.Input | undefined;
    readonly prefix?: string | undefined;
    readonly requestTimeout?: Duration.Input | undefined;
}
export declare const layer: (options?: RedisInboxOptions) => Layer.Layer<RedisInbox, InvalidSetting | StoreFailure, Redis>;
export {};

// src/redis/RedisStreams.ts
import type * as Duration from "effect/Duration";
import * as Layer from "effect/Layer";
import { Redis } from "effect/persistence/Redis";
import type { InvalidSetting } from "../Errors.ts";
import { Store } from "../Store.ts";
import { Transport } from "../Transport.ts";
import * as Wire from "../wire/Wire.ts";
interface ReadingOptions {
    readonly block?: Duration.Input | undefined;
    readonly requestTimeout?: Duration.Input | undefined;
    readonly wire?: Wire.WireOptions | undefined;
}
export interface RedisStreamsOptions extends ReadingOptions {
    readonly stream: string;
    readonly group?: string | undefined;
    readonly create?: boolean | undefined;
    readonly acknowledged?: "delete" | "keep" | undefined;
}
export interface RedisLogOptions extends ReadingOptions {
    readonly stream: string;
    readonly shards?: number | undefined;
}
export declare const layer: (options: RedisStreamsOptions) => Layer.Layer<Transport, InvalidSetting, Redis | Store>;
export declare const layerLog: (options: RedisLogOptions) => Layer.Layer<Transport, InvalidSetting, Redis | Store>;
export {};

// ==== millrace/wire ====

// src/wire/index.ts
export * as Wire from "./Wire.ts";

// src/wire/Wire.ts
import * as Result from "effect/Result";
import { type InvalidMessage, InvalidSetting, type UnreadableMessage } from "../Errors.ts";
import type { Message } from "../Message.ts";
export interface WireMessage {
    readonly attributes: Readonly<Record<string, string>>;
    readonly body: string;
}
export interface Received {
    readonly attributes: Readonly<Record<string, string>>;
    readonly body: string | Uint8Array;
    readonly brokerId: string;
    readonly brokerKey?: string | undefined;
    readonly topic: string;
}
export interface ForeignMapping {
    readonly topic?: ((received: Received) => string | undefined) | undefined;
    readonly id?: ((received: Received) => string | undefined) | undefined;
    readonly key?: ((received: Received) => string | undefined) | undefined;
    readonly payload?: ((received: Received) => string | undefined) | undefined;
}
export interface WireOptions {
    readonly source?: string | undefined;
    readonly prefix?: string | undefined;
    readonly contentType?: string | undefined;
    readonly values?: "unicode" | "ascii" | undefined;
    readonly maxAttributes?: number | undefined;
    readonly maxBytes?: number | undefined;
    readonly foreign?: ForeignMapping | undefined;
}
export interface Wire {
    readonly encode: (message: Message) => Result.Result<WireMessage, InvalidMessage>;
    readonly decode: (received: Received) => Result.Result<Message, UnreadableMessage>;
}
export interface Settings {
    readonly source: string;
    readonly prefix: string;
    readonly contentType: string;
    readonly ascii: boolean;
    readonly maxAttributes: number;
    readonly maxBytes: number;
    readonly foreign: ForeignMapping;
}
export declare const make: (options?: WireOptions) => Result.Result<Wire, InvalidSetting>;

// ==== millrace/testing ====

// src/testing/index.ts
export * as TestPipeline from "./TestPipeline.ts";

// src/testing/TestPipeline.ts
import type * as Duration from "effect/Duration";
import type { What } from "./Injection.ts";
export { crashEverywhere, type CrashOptions, type Survived } from "./CrashEverywhere.ts";
export type { What, Where } from "./Injection.ts";
export { CrashDiverged, NeverStruck, NoSuchStep, NotDrained, NothingToCrash } from "./KitErrors.ts";
export type { Entry } from "./Tape.ts";
export { type Options, run, type Test } from "./TestRun.ts";
export { around } from "./WorkerLife.ts";
export declare const fail: <E>(error: E) => What<E>;
export declare const die: (defect: unknown) => What;
export declare const stall: What;
export declare const delay: (duration: Duration.Input) => What;
export declare const crash: What;
export declare const transientFailure: (times?: number) => What;
export declare const lostAnswer: What;
export declare const lostCommit: What;

// src/testing/CrashEverywhere.ts
import * as Effect from "effect/Effect";
import type * as Layer from "effect/Layer";
import type { Scope } from "effect/Scope";
import type * as Pipeline from "../Pipeline.ts";
import type { Store } from "../Store.ts";
import type { Transport } from "../Transport.ts";
import type { WorkerError } from "../worker/Worker.ts";
import { CrashDiverged, type NeverStruck, type NotDrained, NothingToCrash } from "./KitErrors.ts";
import { type Options, type Test } from "./TestRun.ts";
export interface CrashOptions<E, E2, R2, S, E3, R3, L, EL, RL> extends Options {
    readonly scenario: (test: Test<E>) => Effect.Effect<unknown, E2, R2>;
    readonly state: Effect.Effect<S, E3, R3>;
    readonly layer: Layer.Layer<L, EL, RL>;
    readonly same?: ((clean: S, crashed: S) => boolean) | undefined;
}
export interface Survived<S> {
    readonly state: S;
    readonly points: ReadonlyArray<string>;
}
export declare const crashEverywhere: <A, E, R, P extends Pipeline.Phase, E2, R2, S, E3, R3, L, EL, RL>(pipeline: Pipeline.Pipeline<A, E, R, P>, options: CrashOptions<E, E2, R2, S, E3, R3, L, EL, RL>) => Effect.Effect<Survived<S>, CrashDiverged | NothingToCrash | NeverStruck | NotDrained | WorkerError | E2 | E3 | EL, RL | Exclude<R | Store | Transport | Exclude<R2 | R3, Scope>, L>>;

// src/testing/Injection.ts
import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import type { DeliveryContext } from "../Delivery.ts";
import type * as Pipeline from "../Pipeline.ts";
export interface Where {
    readonly id?: string | undefined;
    readonly attempt?: number | "every" | undefined;
    readonly redriven?: number | undefined;
    readonly step?: number | "steps" | "commit" | undefined;
}
export type What<E = never> = {
    readonly _tag: "Fail";
    readonly error: E;
} | {
    readonly _tag: "Die";
    readonly defect: unknown;
} | {
    readonly _tag: "Stall";
} | {
    readonly _tag: "Delay";
    readonly duration: Duration.Input;
} | {
    readonly _tag: "Crash";
} | {
    readonly _tag: "TransientFailure";
    readonly times: number;
} | {
    readonly _tag: "LostAnswer";
} | {
    readonly _tag: "LostCommit";
};
type OfTransaction = Extract<What, {
    readonly _tag: "TransientFailure" | "LostAnswer" | "LostCommit";
}>;
export interface Injection {
    readonly where: Where;
    readonly what: What<unknown>;
    readonly struck: Map<string, number>;
}
export declare const ofTransaction: (what: What<unknown>) => what is OfTransaction;
export declare const stepOf: (steps: ReadonlyArray<Pipeline.Step>, where: Where["step"]) => number | undefined;
export interface Attempt {
    readonly id: string;
    readonly attempt: number;
    readonly redriven: number;
}
export declare const atStep: (injections: ReadonlyArray<Injection>, steps: ReadonlyArray<Pipeline.Step>, index: number, { attempt, message, redriven }: DeliveryContext) => What<unknown> | undefined;
export declare const atTransaction: (injections: ReadonlyArray<Injection>, members: ReadonlyArray<Attempt>) => OfTransaction | undefined;
export declare const strike: (what: What<unknown> | undefined, crash: Effect.Effect<never>) => Effect.Effect<void, unknown>;
export {};

// src/testing/KitErrors.ts
import * as Schema from "effect/Schema";
declare const NotDrained_base: Schema.Class<NotDrained, Schema.TaggedStruct<"NotDrained", {
    readonly waiting: Schema.$Array<Schema.String>;
    readonly unread: Schema.Number;
    readonly millis: Schema.Number;
    readonly story: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class NotDrained extends NotDrained_base {
    get message(): string;
}
declare const NoSuchStep_base: Schema.Class<NoSuchStep, Schema.TaggedStruct<"NoSuchStep", {
    readonly step: Schema.String;
    readonly steps: Schema.$Array<Schema.String>;
}>, import("effect/Cause").YieldableError>;
export declare class NoSuchStep extends NoSuchStep_base {
    get message(): string;
}
declare const NeverStruck_base: Schema.Class<NeverStruck, Schema.TaggedStruct<"NeverStruck", {
    readonly injections: Schema.$Array<Schema.String>;
    readonly story: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class NeverStruck extends NeverStruck_base {
    get message(): string;
}
declare const CrashDiverged_base: Schema.Class<CrashDiverged, Schema.TaggedStruct<"CrashDiverged", {
    readonly point: Schema.String;
    readonly number: Schema.Int;
    readonly points: Schema.Int;
    readonly clean: Schema.String;
    readonly crashed: Schema.String;
    readonly story: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class CrashDiverged extends CrashDiverged_base {
    get message(): string;
}
declare const NothingToCrash_base: Schema.Class<NothingToCrash, Schema.TaggedStruct<"NothingToCrash", {
    readonly consumer: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class NothingToCrash extends NothingToCrash_base {
    get message(): string;
}
export {};

// src/testing/Tape.ts
import type { DeadLetter, Reason } from "../DeadLetter.ts";
import type { ResolvedDelay } from "../Delay.ts";
import type { Delivery, Failure } from "../Delivery.ts";
import type { Message } from "../Message.ts";
export type Entry = {
    readonly _tag: "Published";
    readonly at: number;
    readonly id: string;
    readonly topic: string;
    readonly key: string;
} | {
    readonly _tag: "Delayed";
    readonly at: number;
    readonly id: string;
    readonly message: Message;
    readonly due: number;
    readonly name: string | undefined;
} | {
    readonly _tag: "Cancelled";
    readonly at: number;
    readonly id: string;
} | {
    readonly _tag: "Started";
    readonly at: number;
    readonly id: string;
    readonly attempt: number;
} | {
    readonly _tag: "Failed";
    readonly at: number;
    readonly id: string;
    readonly attempt: number;
    readonly tag: string;
    readonly message: string;
} | {
    readonly _tag: "Retry";
    readonly at: number;
    readonly id: string;
    readonly due: number;
} | {
    readonly _tag: "Held";
    readonly at: number;
    readonly id: string;
    readonly key: string;
    readonly until: number | "parked";
} | {
    readonly _tag: "Emitted";
    readonly at: number;
    readonly id: string;
    readonly message: Message;
} | {
    readonly _tag: "Committed";
    readonly at: number;
    readonly id: string;
    readonly attempt: number;
} | {
    readonly _tag: "Duplicate";
    readonly at: number;
    readonly id: string;
} | {
    readonly _tag: "Dead";
    readonly at: number;
    readonly id: string;
    readonly reason: Reason;
    readonly tag: string;
} | {
    readonly _tag: OperatorStep;
    readonly at: number;
    readonly id: string;
} | {
    readonly _tag: "Disturbed";
    readonly at: number;
    readonly id: string;
    readonly tag: string;
} | {
    readonly _tag: "Crashed";
    readonly at: number;
    readonly id: string;
    readonly point: string;
};
export type OperatorStep = "Redriven" | "Discarded" | "Restored" | "Released";
export type Delayed = Extract<Entry, {
    readonly _tag: "Delayed";
}>;
export declare class Tape {
    readonly entries: Array<Entry>;
    activity: number;
    private readonly topics;
    private readonly millis;
    private readonly began;
    private readonly open;
    private readonly keys;
    private readonly holds;
    private readonly due;
    private readonly read;
    private readonly writing;
    private readonly failures;
    private readonly tries;
    private readonly redrives;
    private readonly told;
    private closed;
    constructor(topics: ReadonlyArray<string>, millis: () => number);
    get now(): number;
    get isClosed(): boolean;
    close(): void;
    note(entry: Entry): void;
    write(messages: ReadonlyArray<Message>): void;
    unwritten(messages: ReadonlyArray<Message>): void;
    written(messages: ReadonlyArray<Message>): void;
    stored(messages: ReadonlyArray<Message>): void;
    unread(messages: ReadonlyArray<Message>): () => ReadonlyArray<Message>;
    dueOf(later: ResolvedDelay | undefined): number | undefined;
    cancelled(topic: string, key: string, name: string | undefined): void;
    handed(delivery: Delivery): void;
    private published;
    decided(tag: OperatorStep, { message, parked }: Pick<DeadLetter, "message" | "parked">): () => void;
    started(message: Message): void;
    attemptOf(message: Message): number;
    tried(message: Message, attempts: number): void;
    failed(handed: Message, failure: Pick<Failure, "attempt" | "at" | "tag" | "message">): void;
    retry(id: string, delay: number): void;
    held({ id, key }: Message, delay: number | "parked"): void;
    ended(entry: Extract<Entry, {
        readonly _tag: "Committed" | "Duplicate" | "Dead";
    }>): void;
    crashed(point: string): void;
    get waiting(): ReadonlyArray<string>;
    get busy(): boolean;
    get nextDue(): number | undefined;
    get paused(): ReadonlyArray<{
        readonly key: string;
        readonly until: number | "parked";
    }>;
    private since;
}
export declare const delayedIn: (entries: ReadonlyArray<Entry>) => ReadonlyArray<Delayed>;
export declare const deadIn: (entries: ReadonlyArray<Entry>) => ReadonlyArray<Extract<Entry, {
    readonly _tag: "Dead";
}>>;
export declare const lifeLine: (entries: ReadonlyArray<Entry>, id: string) => string;
export declare const lifeLines: (entries: ReadonlyArray<Entry>) => string;

// src/testing/TestRun.ts
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import * as Scope from "effect/Scope";
import type { Reason } from "../DeadLetter.ts";
import type { DeadLetterConflict, DeadLetterNotFound, DecodeFailed, EncodeFailed, InvalidMessage, InvalidName, StoreFailure } from "../Errors.ts";
import type * as Pipeline from "../Pipeline.ts";
import { Store } from "../Store.ts";
import * as Topic from "../Topic.ts";
import { Transport } from "../Transport.ts";
import type { WorkerOptions } from "../worker/start/Settings.ts";
import * as Worker from "../worker/Worker.ts";
import { type What, type Where } from "./Injection.ts";
import { NeverStruck, NoSuchStep, NotDrained } from "./KitErrors.ts";
import { type Entry } from "./Tape.ts";
export interface Options extends Omit<WorkerOptions, "grace" | "name"> {
    readonly seed?: string | number | undefined;
    readonly logs?: boolean | undefined;
}
type Refused = InvalidName | InvalidMessage | EncodeFailed | StoreFailure;
export interface Test<in E = never> {
    readonly publish: <Name extends string, S extends Schema.Constraint>(topic: Topic.Topic<Name, S>, value: S["Type"], options?: Topic.PublishOptions) => Effect.Effect<string, Refused, S["EncodingServices"]>;
    readonly publishAll: <Name extends string, S extends Schema.Constraint>(topic: Topic.Topic<Name, S>, values: Iterable<S["Type"]>) => Effect.Effect<ReadonlyArray<string>, Refused, S["EncodingServices"]>;
    readonly runReady: Effect.Effect<void, Worker.WorkerError>;
    readonly advance: (duration: Duration.Input) => Effect.Effect<void, Worker.WorkerError>;
    readonly drain: (within?: Duration.Input) => Effect.Effect<void, NotDrained | Worker.WorkerError>;
    readonly inject: (where: Where, what: What<E>) => Effect.Effect<void, NoSuchStep>;
    readonly crash: Effect.Effect<void>;
    readonly redrive: (id: string) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>;
    readonly discard: (id: string) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>;
    readonly committed: ReadonlyArray<string>;
    readonly dead: ReadonlyArray<{
        readonly id: string;
        readonly reason: Reason;
        readonly tag: string;
    }>;
    readonly held: ReadonlyArray<{
        readonly key: string;
        readonly until: number | "parked";
    }>;
    readonly emitted: <Name extends string, S extends Schema.Constraint>(topic: Topic.Topic<Name, S>) => Effect.Effect<ReadonlyArray<S["Type"]>, DecodeFailed, S["DecodingServices"]>;
    readonly delayed: <Name extends string, S extends Schema.Constraint>(topic: Topic.Topic<Name, S>) => Effect.Effect<ReadonlyArray<{
        readonly id: string;
        readonly value: S["Type"];
        readonly due: number;
        readonly name: string | undefined;
    }>, DecodeFailed, S["DecodingServices"]>;
    readonly attempts: (id: string) => ReadonlyArray<number>;
    readonly life: (id: string) => string;
    readonly story: string;
    readonly entries: ReadonlyArray<Entry>;
}
export declare const run: <A, E, R, P extends Pipeline.Phase, B, E2, R2>(pipeline: Pipeline.Pipeline<A, E, R, P>, scenario: (test: Test<E>) => Effect.Effect<B, E2, R2>, options?: Options) => Effect.Effect<B, E2 | NeverStruck | Worker.WorkerError, R | Exclude<R2, Scope.Scope> | Store | Transport>;
export declare const stagedRun: <A, E, R, P extends Pipeline.Phase, B, E2, R2>(pipeline: Pipeline.Pipeline<A, E, R, P>, scenario: (test: Test<E>) => Effect.Effect<B, E2, R2>, options: Options, crashAt: number | undefined) => Effect.Effect<{
    readonly result: B;
    readonly points: ReadonlyArray<string>;
    readonly test: Test<E>;
}, E2 | NeverStruck | Worker.WorkerError, R | Exclude<R2, Scope.Scope> | Store | Transport>;
export {};

// src/testing/WorkerLife.ts
import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import type * as Fiber from "effect/Fiber";
import type * as Pipeline from "../Pipeline.ts";
import { type Injection } from "./Injection.ts";
import type { Tape } from "./Tape.ts";
export interface Stage {
    readonly tape: Tape;
    readonly consumer: string;
    readonly steps: ReadonlyArray<Pipeline.Step>;
    readonly injections: Array<Injection>;
    readonly points: Array<string>;
    readonly emitters: Map<string, string>;
    readonly crashAt: number | undefined;
}
export declare const Handled: Context.Reference<string | undefined>;
export declare const around: <A, E, R>(name: string, call: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>;
export declare class WorkerLife {
    readonly stage: Stage;
    readonly death: Deferred.Deferred<void, never>;
    fiber: Fiber.Fiber<unknown, unknown> | undefined;
    private over;
    constructor(stage: Stage);
    get dead(): boolean;
    readonly pass: (point: string) => Effect.Effect<void>;
    readonly crash: (point: string) => Effect.Effect<never>;
    end(point: string): void;
    alive<A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R>;
    whileAlive<A, E, R>(wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R>;
}
type AnyPipeline = Pipeline.Pipeline<unknown, unknown, unknown>;
export declare const watch: (life: WorkerLife, pipeline: AnyPipeline) => AnyPipeline;
export {};

// ==== millrace/testing/conformance ====

// src/testing/conformance/index.ts
import type * as Layer from "effect/Layer";
import type { Store } from "../../Store.ts";
import type { Transport } from "../../Transport.ts";
import { type Options } from "./kit.ts";
export { type Draft, makeMessage, type Options, type Tests } from "./kit.ts";
export type Suite = <E>(name: string, layer: Layer.Layer<Store | Transport, E>, options: Options) => void;
export declare const transport: Suite;
export declare const inbox: Suite;
export declare const deadLetters: Suite;
export declare const consumers: Suite;
export declare const leases: Suite;
export declare const unsettled: Suite;
export declare const suite: Suite;

// src/testing/conformance/kit.ts
import { type Vitest } from "@effect/vitest";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { DeadLetterOrder } from "../../DeadLetter.ts";
import type { ResolvedDelay } from "../../Delay.ts";
import type { Delivery, Failure } from "../../Delivery.ts";
import type { InvalidMessage } from "../../Errors.ts";
import * as Message from "../../Message.ts";
import { Store } from "../../Store.ts";
import { type Capabilities, type Demand, type Subscription, Transport } from "../../Transport.ts";
export interface Options {
    readonly elapse: (duration: Duration.Duration) => Effect.Effect<void>;
    readonly lease: Duration.Input;
    readonly idlePoll: Duration.Input;
    readonly concurrentTransactions?: boolean | undefined;
    readonly live?: boolean | undefined;
    readonly transport?: Effect.Effect<Transport["Service"], unknown, Scope.Scope | Store> | undefined;
    readonly onePerKey?: boolean | undefined;
}
export type Tests = Pick<Vitest.MethodsNonLive<Store | Transport>, "effect">;
export interface Draft {
    readonly topic?: string | undefined;
    readonly id?: string | undefined;
    readonly key?: string | undefined;
    readonly payload?: string | undefined;
    readonly headers?: Readonly<Record<string, string>> | undefined;
}
export declare const makeMessage: (draft: Draft & {
    readonly topic: string;
}) => Effect.Effect<Message.Message, InvalidMessage>;
export declare const fresh: (kind: string) => string;
export declare const roomy: Demand;
export declare const failure: (attempt: number, tag?: string) => Failure;
export declare const bench: (options: Options, given?: {
    readonly lanes?: number | undefined;
    readonly order?: DeadLetterOrder | undefined;
} | undefined) => Effect.Effect<{
    store: {
        readonly engine: string;
        readonly maxGroup: number;
        readonly maxTransactions: number;
        readonly deduplicationWindow: Duration.Duration;
        readonly joinsTransactions: (context: import("effect/Context").Context<never>) => boolean;
        readonly transact: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | import("../../Store.ts").TransactionFailure, Exclude<R, import("../../Store.ts").Transaction>>;
        readonly savepoint: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | import("../../Store.ts").TransactionFailure, R | import("../../Store.ts").Transaction>;
        readonly commitData?: import("../../Store.ts").CommitData | undefined;
        readonly inTransaction: Effect.Effect<boolean>;
        readonly checkAccess: (role: "publisher" | "worker") => Effect.Effect<void, import("../../Errors.ts").StoreFailure>;
        readonly notListeningMillis: () => number;
        readonly statements: Effect.Effect<number | undefined, never, import("../../Store.ts").Transaction>;
        readonly inbox: import("../../Store.ts").InboxStore;
        readonly outbox: import("../../Store.ts").OutboxStore;
        readonly deadLetters: import("../../Store.ts").DeadLetterStore;
        readonly consumers: import("../../Store.ts").ConsumerStore;
        readonly leases: import("../../Store.ts").LeaseStore;
        readonly audit: import("../../Store.ts").AuditStore;
        readonly unsettled: import("../../Store.ts").UnsettledStore;
        readonly logs?: import("../../Store.ts").LogStore | undefined;
        readonly overflow?: import("../../Store.ts").OverflowStore | undefined;
    };
    transport: {
        readonly capabilities: Effect.Effect<Capabilities, import("../../Errors.ts").TransportError>;
        readonly publish: (messages: ReadonlyArray<Message.Message>) => Effect.Effect<void, import("../../Errors.ts").TransportError | import("../../Errors.ts").StoreFailure | import("../../Errors.ts").PublishFailed>;
        readonly open: (spec: import("../../Transport.ts").SubscriptionSpec) => Effect.Effect<Subscription, import("../../Errors.ts").TransportError | import("../../Errors.ts").Unsupported, Scope.Scope>;
    };
    can: Capabilities;
    lanes: number;
    consumer: string;
    topic: string;
    lease: Duration.Duration;
    open: (change?: {
        readonly consumer?: string;
        readonly idlePoll?: Duration.Duration;
        readonly lease?: Duration.Duration;
        readonly worker?: string;
    }) => Effect.Effect<Subscription, import("../../Errors.ts").TransportError | import("../../Errors.ts").Unsupported, Scope.Scope>;
    send: (messages: ReadonlyArray<Message.Message>, later?: ResolvedDelay) => Effect.Effect<void, import("../../Errors.ts").PublishFailed | import("../../Errors.ts").StoreFailure | import("../../Errors.ts").TransportError, never>;
    publish: (drafts: ReadonlyArray<Draft>, later?: ResolvedDelay) => Effect.Effect<void, InvalidMessage | import("../../Errors.ts").PublishFailed | import("../../Errors.ts").StoreFailure | import("../../Errors.ts").TransportError, never>;
    takeOnce: (subscription: Subscription, demand?: Demand) => Effect.Effect<Delivery[], import("../../Errors.ts").ConsumerRemoved | import("../../Errors.ts").SubscriptionLost | import("../../Errors.ts").TransportError, never>;
    receive: (subscription: Subscription, count: number, demand?: Demand) => Effect.Effect<Delivery[], import("../../Errors.ts").ConsumerRemoved | import("../../Errors.ts").SubscriptionLost | import("../../Errors.ts").TransportError, never>;
    nothing: (subscription: Subscription, demand?: Demand) => Effect.Effect<void, import("../../Errors.ts").ConsumerRemoved | import("../../Errors.ts").SubscriptionLost | import("../../Errors.ts").TransportError, never>;
    working: (subscription: Subscription, duration: Duration.Duration) => Effect.Effect<ReadonlySet<import("../../Delivery.ts").HeldLease>, import("../../Errors.ts").TransportError, never>;
    settle: (subscription: Subscription, deliveries: ReadonlyArray<Delivery>) => Effect.Effect<readonly Delivery[], import("../../Errors.ts").StoreFailure | import("../../Errors.ts").TransportError | import("../../Store.ts").TransactionFailure, never>;
    drain: (subscription: Subscription, count: number) => Effect.Effect<Delivery[], import("../../Errors.ts").ConsumerRemoved | import("../../Errors.ts").StoreFailure | import("../../Errors.ts").SubscriptionLost | import("../../Errors.ts").TransportError | import("../../Store.ts").TransactionFailure, never>;
    expire: Effect.Effect<void, never, never>;
}, unknown, Scope.Scope | Store | Transport>;
export declare const ids: (deliveries: ReadonlyArray<Delivery>) => Array<string>;
export declare const idsOf: (deliveries: ReadonlyArray<Delivery>, key: string) => Array<string>;
export declare const assertIds: ({ order }: Capabilities, deliveries: ReadonlyArray<Delivery>, expected: ReadonlyArray<string>) => void;
export declare const claimOf: (delivery: Delivery) => {
    id: string;
    fingerprint: string;
    deadLetterId: string | undefined;
};
export declare const needs: (context: {
    readonly skip: (note?: string) => never;
}, able: boolean, why: string) => Effect.Effect<void>;
declare const abilities: {
    order: [({ order }: Capabilities) => boolean, string];
    lanes: [({ lease }: Capabilities) => boolean, string];
    token: [({ fence }: Capabilities) => boolean, string];
    inbox: [({ fence }: Capabilities) => boolean, string];
    routing: [({ queue }: Capabilities) => boolean, string];
    rows: [({ queue }: Capabilities) => boolean, string];
    after: [({ acknowledge }: Capabilities) => boolean, string];
    alone: [({ lease, queue }: Capabilities) => boolean, string];
    places: [({ queue }: Capabilities) => boolean, string];
    inPlace: [({ hold }: Capabilities) => boolean, string];
    size: [({ maxBytes }: Capabilities) => boolean, string];
    several: [(_: Capabilities, { onePerKey }: Options) => boolean, string];
};
export type Ability = keyof typeof abilities;
export declare const requires: (it: Tests, options: Options, ...needed: ReadonlyArray<Ability>) => Tests;
export declare const needsTwoTransactions: (context: {
    readonly skip: (note?: string) => never;
}, options: Options) => Effect.Effect<void>;
export {};
