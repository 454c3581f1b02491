/** Gives a process the setup that the test which started it has chosen (`child.ts`). */

/** The setup of this process; undefined where it was not started as a child. */
export const given = <S>(): S | undefined => {
  const text = process.env["MILLRACE_SETUP"]
  return text === undefined ? undefined : JSON.parse(text) as S
}
