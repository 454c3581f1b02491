/**
 * Lets one layer at a time open a PGlite directory. PGlite itself lets two layers open it, and silently loses the
 * commits of one of them.
 *
 * A layer first writes a claim file of its own into the directory, and then looks at the other claim files. If two
 * layers open the directory at once, at least one sees the other's claim, so at most one continues. If both begin at
 * the same moment, perhaps none continues. The claim of a living process is never removed.
 *
 * The claim of a killed process stays. The next layer removes the claim if that process is gone. It also does so if the
 * process number now belongs to another program, which the start time shows. A claim that cannot be checked counts as
 * valid, and the error says which file to delete. Claims of another host or container cannot be checked.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import * as Fs from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { DataInUse } from "../Errors.ts"

const Claim = Schema.Struct({
  pid: Schema.Int,
  /** When the process began, according to the operating system; empty if unknown. */
  started: Schema.String,
  /** The host on which the process number is valid. */
  host: Schema.String,
  /** When the process opened the directory, in milliseconds since the epoch. */
  at: Schema.Number
})
type Claim = typeof Claim.Type

const ClaimText = Schema.fromJsonString(Claim)
const written = Schema.encodeSync(ClaimText)
const parsed = Schema.decodeUnknownOption(ClaimText)

const prefix = "millrace-open-"

/**
 * Creates the directory if necessary, and claims it until the scope closes. Fails with `DataInUse` if another process
 * or layer has it open. A failure of the file system fails with the result of `onError`.
 */
export const acquire = <E>(
  directory: string,
  onError: (cause: unknown) => E
): Effect.Effect<void, DataInUse | E, Scope.Scope> => {
  const attempt = <A>(evaluate: () => A): Effect.Effect<A, E> => Effect.try({ try: evaluate, catch: onError })
  return Effect.gen(function*() {
    const at = yield* Clock.currentTimeMillis
    const own = `${prefix}${randomUUID()}`
    const me: Claim = { pid: process.pid, started: startOf(process.pid), host: here(), at }
    yield* Effect.acquireRelease(
      attempt(() => write(directory, own, me)),
      () => Effect.ignore(attempt(() => Fs.rmSync(join(directory, own), { force: true })))
    )
    const other = yield* attempt(() => otherThan(directory, own))
    if (other === undefined) return
    const { claim, file } = other
    return yield* new DataInUse({
      dataDir: directory,
      pid: claim.pid,
      host: claim.host === me.host ? "" : claim.host,
      same: claim.pid === me.pid && claim.started === me.started && claim.host === me.host,
      certain: claim.host === me.host && claim.started !== "" && me.started !== "",
      at: claim.at,
      file
    })
  })
}

/** Writes a claim file under another name, and then renames it. So no reader finds half of a claim. */
const write = (directory: string, name: string, claim: Claim): void => {
  Fs.mkdirSync(directory, { recursive: true })
  const draft = join(directory, `.${name}`)
  Fs.writeFileSync(draft, written(claim))
  Fs.renameSync(draft, join(directory, name))
}

/**
 * Returns the first other claim that is valid, and removes invalid ones before it. Each claim file has a random name,
 * so removing an invalid claim cannot remove a new one.
 */
const otherThan = (directory: string, own: string): { readonly claim: Claim; readonly file: string } | undefined => {
  for (const name of Fs.readdirSync(directory)) {
    if (!name.startsWith(prefix) || name === own) continue
    const file = join(directory, name)
    const claim = read(file)
    if (claim === "missing") continue
    if (claim !== "torn" && isValid(claim)) return { claim, file }
    Fs.rmSync(file, { force: true })
  }
  return undefined
}

/**
 * Reads a claim file. Returns `missing` if the file does not exist any more, and `torn` if it does not parse. A loss of
 * power can leave half of a claim, and no process survives that, so a torn claim is not valid.
 */
const read = (file: string): Claim | "missing" | "torn" => {
  try {
    const claim = parsed(Fs.readFileSync(file, "utf8"))
    return claim._tag === "Some" ? claim.value : "torn"
  } catch (error) {
    return codeOf(error) === "ENOENT" ? "missing" : { pid: 0, started: "", host: "an unknown host", at: 0 }
  }
}

/** Returns whether the process of a claim may still run. */
const isValid = (claim: Claim): boolean => {
  if (claim.host !== here()) return true
  if (!isAlive(claim.pid)) return false
  const started = startOf(claim.pid)
  return claim.started === "" || started === "" || started === claim.started
}

const isAlive = (pid: number): boolean => {
  try {
    // Signal 0 ends nothing: it only asks whether the process exists, and Node has no other call for that.
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM means that the process exists, and belongs to another user.
    return codeOf(error) === "EPERM"
  }
}

const codeOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "code" in error ? error.code : undefined

/**
 * Returns the host's name, with the container's process namespace on Linux. A container may have the name of its host,
 * but process numbers of its own.
 */
const here = (): string => {
  try {
    return `${hostname()} ${Fs.readlinkSync("/proc/self/ns/pid")}`
  } catch {
    return hostname()
  }
}

/**
 * Returns when a process began, as a text to compare: boot and clock ticks on Linux, a date elsewhere. Returns an empty
 * text if the operating system does not show it.
 */
const startOf = (pid: number): string => {
  try {
    const stat = Fs.readFileSync(`/proc/${pid}/stat`, "latin1")
    // The start of the process is the 22nd field. The second field is the program's name in parentheses, which may
    // contain spaces, so the fields are counted from the last parenthesis.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]
    return `${Fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()} ${ticks}`
  } catch {
    return startByPs(pid)
  }
}

const startByPs = (pid: number): string => {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 2_000
    }).trim()
  } catch {
    return ""
  }
}
