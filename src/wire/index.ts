/**
 * `millrace/wire`: messages as CloudEvents, for brokers.
 *
 * @since 0.1.0
 */
export * as Wire from "./Wire.ts"
