/**
 * Splits a JSON text into its tokens, each as it is written. Parsing would change numbers above 2^53 and repeated
 * names.
 *
 * @since 0.1.0
 */

/**
 * A string, also one without an end, or a sign, or any other word. No part can match in two ways, so the time is linear
 * for every text.
 */
const tokens = /"(?:[^"\\]|\\[\s\S]?)*"?|[{}[\],:]|[^\s{}[\],:"]+/g

/** Returns the tokens of a text, without the white space between them. */
export const of = (json: string): ReadonlyArray<string> => Array.from(json.matchAll(tokens), ([token]) => token)
