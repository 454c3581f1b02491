/**
 * Decides whether tests run that need a program or a server which npm does not bring. A machine without it says so
 * loudly, and its other tests run. With `CI=true`, as in `.ci/run`, the test file fails instead.
 */
export const runsHere = (
  there: boolean,
  what: string,
  lacks: string,
  ci: string = process.env["CI"] ?? ""
): boolean => {
  if (there) return true
  const line = `DID NOT RUN: ${what}. ${lacks}`
  if (ci === "true") throw new Error(`${line} With CI=true every test has to run.`)
  console.warn(line)
  return false
}
