/** The built program as a process: its exit codes, what it writes where, its start, and its end by a signal. */
import { Artefacts } from "millrace/ops"
import { spawn, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, beforeAll, describe, inject, it } from "vitest"
import { root } from "../scripts/run.ts"

const program = join(root, "dist/cli/millrace.js")
const url = inject("databaseUrl")

const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}, input = "") => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    input,
    env: { PATH: process.env["PATH"], USER: "anna", DATABASE_URL: url, MILLRACE_SCHEMA: "cli_process", ...env }
  })
  return { status, stdout, stderr }
}

describe("the program", () => {
  beforeAll(() => {
    const bundled = spawnSync(process.execPath, [join(root, "test/scripts/bundle-cli.ts")], { encoding: "utf8" })
    assert.strictEqual(bundled.status, 0, bundled.stderr)
  }, 120_000)

  it("ends with the exit code of what happened, and writes data and problems apart", () => {
    assert.strictEqual(run(["migrate"]).status, 0)
    const ended: ReadonlyArray<readonly [number, ReadonlyArray<string>, Readonly<Record<string, string>>?]> = [
      [0, ["status"]],
      [0, ["--help"]],
      [0, ["--version"]],
      [0, ["roles", "--sql"], { DATABASE_URL: "" }],
      [2, []],
      [2, ["nonsense"]],
      [2, ["status", "--nonsense"]],
      [2, ["status"], { DATABASE_URL: "" }],
      [2, ["status", "--database-url", "mysql://a:canary-secret@127.0.0.1/c"]],
      [3, ["status", "unknown"]],
      [3, ["dead", "show", "7"]],
      [6, ["status"], { MILLRACE_SCHEMA: "not_there" }],
      [75, ["status"], { DATABASE_URL: "postgres://a:canary-secret@127.0.0.1:1/c" }]
    ]
    for (const [code, args, env] of ended) {
      const { status, stderr, stdout } = run(args, env)
      assert.strictEqual(status, code, `${args.join(" ")}: ${stderr}`)
      assert.strictEqual(stdout === "", code !== 0, args.join(" "))
      assert.notInclude(stderr, "canary-secret")
    }
    const problem = run(["status", "unknown", "--json"])
    assert.strictEqual(JSON.parse(problem.stderr).type, "/problems/consumer-not-found")
  })

  it("prints the files for a monitoring system as the package contains them", () => {
    const names = ["grafana", "prometheus", "prometheus-tests", "runbook"] as const
    for (const name of names) {
      const { status, stderr, stdout } = run(["artefacts", name], { DATABASE_URL: "" })
      assert.deepStrictEqual([status, stderr], [0, ""], name)
      assert.strictEqual(stdout, readFileSync(Artefacts.paths[name], "utf8"), name)
    }
    assert.strictEqual(run(["artefacts", "datadog"]).status, 2)
    const { data } = JSON.parse(run(["artefacts", "grafana", "--json"]).stdout)
    assert.deepStrictEqual([data.path, typeof JSON.parse(data.text)], [Artefacts.paths.grafana, "object"])
  })

  it("ends quietly when its reader does, and with 130 at Ctrl-C", async () => {
    const closed = spawnSync("sh", ["-c", `"${process.execPath}" "${program}" roles --sql | head -c 1`], {
      encoding: "utf8"
    })
    assert.deepStrictEqual([closed.stdout.length, closed.stderr], [1, ""])
    const long = `for i in 1 2 3; do "${process.execPath}" "${program}" migrate --sql --schema ${
      "s".repeat(50)
    }; done | head -c 1`
    const large = spawnSync("sh", ["-c", long], { encoding: "utf8" })
    assert.deepStrictEqual([large.stdout.length, large.stderr], [1, ""])
    const watching = spawn(process.execPath, [program, "watch", "--every", "100ms"], {
      env: { PATH: process.env["PATH"], DATABASE_URL: url, MILLRACE_SCHEMA: "cli_process" }
    })
    const exited = new Promise<number | null>((resolve) => watching.once("exit", resolve))
    // With its first line the program has connected, and no consumer has one: the second look is enough.
    await new Promise((resolve) => watching.stdout.once("data", resolve))
    watching.kill("SIGINT")
    assert.strictEqual(await exited, 130)
  })

  it("starts, looks at the status and ends with less than half a second of work", () => {
    // The time of a clock grows with the load of the machine, and the time of the processor hardly does.
    const report = "process.on(`exit`,()=>{const{user,system}=process.cpuUsage();process._rawDebug((user+system)/1e3)})"
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(report)}`
    const millis = Math.min(...Array.from({ length: 5 }, () => Number(run(["status"], { NODE_OPTIONS }).stderr)))
    console.log(`millrace status took ${Math.round(millis)} ms of the processor`)
    assert.isBelow(millis, 500)
  })
})
