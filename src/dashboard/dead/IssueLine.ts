/** Finds the line of a payload that an issue of the Schema names. */

/** Returns the names of a path such as `$.lines[0].cents` or `lines.0.cents`. */
const namesOf = (path: string): ReadonlyArray<string> => path.match(/[^.[\]"'$\s]+/g) ?? []

/**
 * Returns the line, from 1, on which the last name of the path stands. The text may be no JSON while it is edited. So
 * names are searched one behind the other, and the last one that is found counts.
 */
export const lineOf = (text: string, path: string): number => {
  let at = 0
  for (const name of namesOf(path)) {
    const next = text.indexOf(JSON.stringify(name), at)
    if (next >= 0) at = next
  }
  return text.slice(0, at).split("\n").length
}
