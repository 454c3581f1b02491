/**
 * Every error that a user of Millrace can meet.
 *
 * An error has a tag and fields that a program can branch on. Its message tells the operator what happened and to
 * what, what is safe, and what to do. No message contains a payload or a secret. The catalogue of errors in
 * `src/README.md` is made from the files that this one exports.
 *
 * @since 0.1.0
 */
export * from "./internal/errors/AttemptErrors.ts"
export * from "./internal/errors/InboxErrors.ts"
export * from "./internal/errors/LeaseErrors.ts"
export * from "./internal/errors/MessageErrors.ts"
export * from "./internal/errors/OperationsErrors.ts"
export * from "./internal/errors/SettingsErrors.ts"
export * from "./internal/errors/StatementErrors.ts"
export * from "./internal/errors/StoreErrors.ts"
export * from "./internal/errors/TransactionErrors.ts"
export * from "./internal/errors/TransportErrors.ts"
