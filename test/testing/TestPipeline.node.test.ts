// The kit without a test framework's help: what a user of node:test writes, run as a program of its own.
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, it } from "vitest"

it("a test written for node:test passes there", () => {
  const file = fileURLToPath(new URL("./with-node-test.ts", import.meta.url))
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const ran = spawnSync(process.execPath, ["--conditions=millrace-source", "--test-reporter=tap", file], {
    encoding: "utf8",
    env,
    timeout: 60_000
  })
  assert.strictEqual(ran.status, 0, ran.stdout + ran.stderr)
  assert.match(ran.stdout, /# pass 2/)
})
