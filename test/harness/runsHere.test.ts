/** Tests that this machine cannot run: they are loud, and they fail a run of CI. */
import { assert, it, vi } from "@effect/vitest"
import { runsHere } from "./runsHere.ts"

it("fails the file of tests that cannot run with CI=true, and only warns without it", () => {
  const warned = vi.spyOn(console, "warn").mockReturnValue(undefined)
  try {
    assert.throws(
      () => runsHere(false, "the tests on X", "Install X.", "true"),
      /the tests on X\. Install X\..*CI=true/
    )
    assert.lengthOf(warned.mock.calls, 0)
    for (const ci of ["", "false"]) assert.isFalse(runsHere(false, "the tests on X", "Install X.", ci))
    assert.deepStrictEqual(warned.mock.calls[0], ["DID NOT RUN: the tests on X. Install X."])
    assert.lengthOf(warned.mock.calls, 2)
    assert.isTrue(runsHere(true, "the tests on X", "Install X.", "true"))
  } finally {
    warned.mockRestore()
  }
})
