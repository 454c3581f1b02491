/** Guarantees by name, in the order of the table in test/README.md; the first seven stand in README.md. */
export const guarantees = {
  "no loss": "A published message is waiting, committed, or a dead letter, at every instant.",
  "effectively once": "The effects inside of the transaction are committed once for each consumer and message id.",
  "order per key": "A key's next message starts after the one before it has ended, in all processes.",
  "one owner": "A worker that lost its lease commits nothing.",
  "poison cannot block": "A message that cannot succeed becomes a dead letter; other keys never wait for it.",
  "bounded": "Memory does not depend on backlog or keys, and every wait ends.",
  "graceful": "A worker that stops finishes or gives back its messages, and counts no attempt for it.",
  "operations": "Operator actions happen once, whole, and are recorded with the operator's name.",
  "observability": "Metrics, spans, log lines and health tell the truth, and no payload.",
  "the test kit": "`TestPipeline` shows what happened, and fails where it should.",
  "the history checker": "The checker accepts correct histories and no others.",
  "the test server": "The tests find their Postgres on every machine, or say why not."
} as const

/** One break of the code, and the test that must fail with it. */
export interface Mutant {
  readonly name: string
  readonly guarantee: keyof typeof guarantees
  readonly file: string
  /** Stands exactly once in the file. */
  readonly from: string
  readonly to: string
  readonly test: string
  /** Finds the test in its file: a regular expression for a part of its name, as `vitest -t` takes it. */
  readonly named: string
}

/** The mutants whose text to break does not stand exactly once in its file, and those whose test does not exist. */
export const stale = (
  mutants: ReadonlyArray<Mutant>,
  read: (path: string) => string,
  exists: (path: string) => boolean
): ReadonlyArray<string> => {
  const texts = new Map<string, string>()
  return mutants.flatMap(({ file, from, name, test }) => {
    if (!exists(file)) return [`${name}: there is no file ${file}`]
    const text = texts.get(file) ?? read(file)
    texts.set(file, text)
    const times = text.split(from).length - 1
    return [
      ...(times === 1 ? [] : [`${name}: the text to break stands ${times} times in ${file}`]),
      ...(test.endsWith(".test.ts") && exists(test) ? [] : [`${name}: there is no test file ${test}`])
    ]
  })
}

/**
 * Returns the mutants whose test is not in its file. `testsOf` returns the names of a file's tests, or undefined for a
 * file that did not run.
 */
export const unnamed = (
  mutants: ReadonlyArray<Mutant>,
  testsOf: (path: string) => ReadonlyArray<string> | undefined
): ReadonlyArray<string> =>
  mutants.flatMap(({ name, named, test }) => {
    const pattern = new RegExp(named)
    const tests = testsOf(test)
    return tests === undefined || tests.some((one) => pattern.test(one))
      ? []
      : [`${name}: ${test} has no test "${named}"`]
  })
