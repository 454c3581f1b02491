/**
 * The contenders of `npm run bench -- all`, each a process of its own. The programs of other queues are copied to
 * `.tmp/peers`, and their packages are installed there in the pinned versions. So nothing of them is in the tree.
 */
import { execFileSync, spawn } from "node:child_process"
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../scripts/run.ts"

const source = join(root, "test/bench/peers")
const folder = join(root, ".tmp/peers")

export interface Contender {
  readonly name: string
  readonly args: ReadonlyArray<string>
  /** The part of the messages that a slow contender gets. */
  readonly part: number
  readonly needsRedis?: boolean
}

/** The environment of a contender's processes. */
export const environment = ({ redis, url }: Work, messages: number): NodeJS.ProcessEnv => ({
  ...process.env,
  DATABASE_URL: url,
  ...(redis === undefined ? {} : { REDIS_URL: redis }),
  LEDGER: "ledger",
  MESSAGES: String(messages),
  WARM_UP: String(Math.round(messages / 4))
})

const form = (name: string): Contender => ({
  name: `Millrace ${name}`,
  args: ["--conditions=millrace-source", join(root, "test/bench/contender.ts"), name],
  part: 1
})

const peer = (file: string, name: string, part: number, needsRedis = false): Contender => ({
  name,
  args: [join(folder, "run.mjs"), file, name],
  part,
  needsRedis
})

export const contenders: ReadonlyArray<Contender> = [
  form("commitSql"),
  form("commit"),
  form("commitBatch"),
  form("no commit step"),
  peer("graphile-worker", "graphile-worker tuned", 0.5),
  peer("graphile-worker", "graphile-worker ordered", 0.1),
  peer("pg-boss", "pg-boss tuned", 0.5),
  peer("pg-boss", "pg-boss key_strict_fifo", 0.2),
  peer("pg-boss", "pg-boss by hand", 1),
  peer("bullmq", "BullMQ", 0.5, true),
  peer("bullmq", "BullMQ on Postgres", 0.2),
  peer("persisted-queue", "PersistedQueue", 0.2),
  peer("effect-mq", "effect-mq", 0.1),
  peer("pg-transactional-outbox", "pg-transactional-outbox", 0.1),
  peer("pg-transactional-outbox", "pg-transactional-outbox ordered", 0.1),
  peer("dbos", "DBOS", 0.1)
]

/** The line that a contender prints. */
export interface Figures {
  readonly guarantees: string
  readonly settings: string
  /** Messages a second, after the warm-up. */
  readonly rate: number
  readonly publishRate: number
  /** Microseconds of processor time of its process for each message. */
  readonly cpuMicros: number
  readonly heapMb: number
  readonly rows: number
}

/** Copies the programs, and installs their packages if the lock file has changed since. */
export const install = (): void => {
  const lock = readFileSync(join(source, "package-lock.json"), "utf8")
  const installed = join(folder, "installed.json")
  const isCurrent = existsSync(installed) && readFileSync(installed, "utf8") === lock
  cpSync(source, folder, { recursive: true })
  if (isCurrent) return
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: folder, stdio: "inherit" })
  writeFileSync(installed, lock)
}

export interface Work {
  readonly url: string
  readonly redis: string | undefined
  readonly messages: number
}

/** How long a contender may take. */
const limitMillis = 240_000

/** Runs a contender once. Returns its figures, or why there are none. */
export const measure = ({ args, part }: Contender, work: Work): Promise<Figures | string> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: limitMillis,
      killSignal: "SIGKILL",
      env: environment(work, Math.round(work.messages * part))
    })
    let output = ""
    let errors = ""
    child.stdout.on("data", (chunk) => output += String(chunk))
    child.stderr.on("data", (chunk) => errors = (errors + String(chunk)).slice(-2_000))
    child.once("close", (code, signal) => {
      const line = output.split("\n").findLast((line) => line.startsWith("{\""))
      resolve(
        code === 0 && line !== undefined
          ? JSON.parse(line)
          : signal === null
          ? `ended with code ${code}: ${errors.split("\n").find((line) => line.includes("Error")) ?? errors}`
          : `did not end within ${limitMillis / 1000} s`
      )
    })
  })
