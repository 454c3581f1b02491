/**
 * How many attempts a retry policy makes at most, where that is known: for the policies that `Retry.ts` makes. A
 * schedule of the user's own does not say it.
 *
 * The start check compares it with the number of deliveries after which an engine discards a message.
 *
 * @since 0.1.0
 */
export const knownAttempts = new WeakMap<object, number>()
