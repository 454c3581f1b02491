/**
 * Counts the elements of a list for an answer: up to 10,000, or all of them if the request asks for `exact=true`. Then
 * counting has 10 seconds, and the count still says whether it came to the end.
 */
import type { Listed } from "../../ops/Listed.ts"
import type { Operations } from "../../ops/Operations.ts"

export const of = (
  { count }: Pick<Operations["Service"], "count">,
  listed: Listed,
  { exact }: { readonly exact?: "true" | "false" }
): ReturnType<typeof count> => count(listed, exact === "true" ? { exactWithin: "10 seconds" } : {})
