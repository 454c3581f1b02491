/** What a process that a test started was given by it (`child.ts`). */

/** The setup of this process; undefined where it was not started as a child. */
export const given = <S>(): S | undefined => {
  const text = process.env["MILLRACE_SETUP"]
  return text === undefined ? undefined : JSON.parse(text) as S
}
