/** The breaks of the test kit for users: what it must show, and the handlers that it must not let pass. */
import type { Mutant } from "./types.ts"

const kit = "test/testing/TestPipeline.test.ts"
const apart = "test/testing/TestPipeline.apart.test.ts"
const crashes = "test/testing/crashEverywhere.test.ts"

export const kitMutants: ReadonlyArray<Mutant> = [
  {
    name: "kit: a dead process gives its lanes back",
    guarantee: "the test kit",
    file: "src/testing/TapeHooks.ts",
    from: "life.dead ? Effect.sync(() => void abandoned.push(scope)) : close",
    to: "close",
    test: kit,
    named: "a crash gives its messages to the next process"
  },
  {
    name: "kit: all states treated as equal",
    guarantee: "the test kit",
    file: "src/testing/CrashEverywhere.ts",
    from: "if (!equal(clean.left, crashed.left)) {",
    to: "if (points === 0) {",
    test: crashes,
    named: "catches: a mail that is sent again"
  },
  {
    name: "kit: emitted messages not compared",
    guarantee: "the test kit",
    file: "src/testing/CrashEverywhere.ts",
    from: "Equal.equals([a.committed, a.dead, a.emitted], [",
    to: "Equal.equals([b.committed, b.dead, b.emitted], [",
    test: crashes,
    named: "catches: a message that is emitted with another content after a crash"
  },
  {
    name: "kit: no crash after a step",
    guarantee: "the test kit",
    file: "src/testing/WorkerLife.ts",
    from: "Effect.tap(() => life.pass(placeOf(\"after\", step, index, context))),",
    to: "Effect.tap(() => Effect.void),",
    test: crashes,
    named: "changes nothing where effects are in the transaction"
  },
  {
    name: "kit: the process does not die at its point",
    guarantee: "the test kit",
    file: "src/testing/WorkerLife.ts",
    from: "return points.length === crashAt ? this.crash(point) : Effect.void",
    to: "return Effect.void",
    test: crashes,
    named: "catches: a mail that is sent again"
  },
  {
    name: "kit: injected failures strike nothing",
    guarantee: "the test kit",
    file: "src/testing/WorkerLife.ts",
    from: "return strike(what, life",
    to: "return strike(undefined, life",
    test: kit,
    named: "shows retries in place, holds and the times of attempts"
  },
  {
    name: "kit: a lost answer delivered",
    guarantee: "the test kit",
    file: "src/testing/TapeHooks.ts",
    from: "open.lost === \"no answer\" ? Effect.fail(unknown) : Effect.void",
    to: "Effect.void",
    test: kit,
    named: "a COMMIT without an answer has one effect, if it happened"
  },
  {
    name: "kit: rolled back work reported as emitted",
    guarantee: "the test kit",
    file: "src/testing/HookedPorts.ts",
    from: "savepoint(inner.savepoint(body), open)",
    to: "inner.savepoint(body)",
    test: "test/testing/TestPipeline.sql.test.ts",
    named: "shows nothing of a commit step that was undone to its savepoint"
  },
  {
    name: "kit: work undone in a transaction that joins its commit reported as emitted",
    guarantee: "the test kit",
    file: "src/testing/HookedPorts.ts",
    from: "savepoint(inner.transact(body), outer)",
    to: "inner.transact(body)",
    test: apart,
    named: "shows nothing of what a commit step undid in a transaction that joined"
  },
  {
    name: "kit: a transaction of the scenario's own reported before it commits",
    guarantee: "the test kit",
    file: "src/testing/OwnTransaction.ts",
    from: "inTransaction ? within : Effect.suspend(alone)",
    to: "inTransaction && store === undefined ? within : Effect.suspend(alone)",
    test: "test/testing/TestPipeline.sql.test.ts",
    named: "publishes in transactions of the scenario's own"
  },
  {
    name: "kit: the publishes of a step's own transaction reported as the commit's",
    guarantee: "the test kit",
    file: "src/testing/TapeHooks.ts",
    from: "own: (body) => life.alive(ofStep(life, inner, body)),",
    to: "",
    test: apart,
    named: "shows as published, and not as emitted"
  },
  {
    name: "kit: the scenario's own transaction in memory not reported",
    guarantee: "the test kit",
    file: "src/testing/OwnTransaction.ts",
    from: "for (const tell of own) tell()",
    to: "own.splice(0)",
    test: "test/testing/TestPipeline.delayed.test.ts",
    named: "shows what the scenario did in a transaction of its own"
  },
  {
    name: "kit: work undone by the scenario's own transaction reported",
    guarantee: "the test kit",
    file: "src/testing/OwnTransaction.ts",
    from: "pending?.splice(mark)",
    to: "pending?.at(mark)",
    test: "test/testing/TestPipeline.delayed.test.ts",
    named: "shows what the scenario did in a transaction of its own"
  },
  {
    name: "kit: a dead letter searched among the newest only",
    guarantee: "the test kit",
    file: "src/testing/SeenStore.ts",
    from: "state: \"open\", id, limit: 1 }",
    to: "state: \"open\", limit: 1 }",
    test: kit,
    named: "finds the dead letter of a message"
  },
  {
    name: "kit: work undone by a commit step in its own transaction reported with the commit",
    guarantee: "the test kit",
    file: "src/testing/OwnTransaction.ts",
    from: "let kept = client._tag === \"None\"",
    to: "let kept = true",
    test: "test/testing/TestPipeline.sql.test.ts",
    named: "tells what a commit step publishes and cancels in a transaction of its own"
  },
  {
    name: "kit: a drain does not wait for a decision about a dead letter",
    guarantee: "the test kit",
    file: "src/testing/SeenStore.ts",
    from: "found.consumer === stage.consumer ? told(stage, inner, decision, [found], call) : call",
    to: "call",
    test: "test/testing/TestPipeline.sql.test.ts",
    named: "a drain waits for an operator's decisions about dead letters, on PGlite"
  },
  {
    name: "kit: a refused decision reported",
    guarantee: "the test kit",
    file: "src/testing/SeenStore.ts",
    from: "Effect.onError(() => undo(() => false))",
    to: "Effect.onError(() => undo(() => true))",
    test: kit,
    named: "shows an operator's decisions past it, and nothing that the store refuses"
  },
  {
    name: "kit: the log lines of a dead worker printed",
    guarantee: "the test kit",
    file: "src/testing/TestRun.ts",
    from: "life.dead || life.stage.tape.isClosed ? undefined : logger.log(line)",
    to: "logger.log(line)",
    test: crashes,
    named: "with `logs` only what a living worker logs"
  },
  {
    name: "kit: a delayed publish not reported",
    guarantee: "the test kit",
    file: "src/testing/TapeHooks.ts",
    from: "tape.note({ _tag: \"Delayed\", at: tape.now, id: by ?? message.id, message, due, name })",
    to: "tape.dueOf(undefined)",
    test: "test/testing/TestPipeline.delayed.test.ts",
    named: "shows what commits published for later"
  },
  {
    name: "kit: a replaced message still waits",
    guarantee: "the test kit",
    file: "src/testing/TapeHooks.ts",
    from: "tape.cancelled(message.topic, message.key, name)\n    tape.note",
    to: "tape.note",
    test: "test/testing/TestPipeline.delayed.test.ts",
    named: "shows what commits published for later"
  },
  {
    name: "kit: the failures of two redrives treated as one",
    guarantee: "the test kit",
    file: "src/testing/Tape.ts",
    from: "JSON.stringify([id, this.redrives.get(handed), attempt, failure.at])",
    to: "JSON.stringify([id, attempt, failure.at])",
    test: kit,
    named: "shows every failure of a message that is redriven"
  },
  {
    name: "kit: a failure that strikes nothing accepted",
    guarantee: "the test kit",
    file: "src/testing/TestRun.ts",
    from: "if (crashAt === undefined) yield* allStruck(stage)",
    to: "",
    test: kit,
    named: "an injection that strikes nothing fails the test, if nothing else does"
  },
  {
    name: "kit: a drain reads only its own tape",
    guarantee: "the test kit",
    file: "src/testing/TestTime.ts",
    from: "paused ? 0 : waiting)",
    to: "paused ? 0 : waiting - waiting)",
    test: "test/testing/TestPipeline.sql.test.ts",
    named: "a drain waits for what the pipeline around it emits"
  },
  {
    name: "kit: a drain waits for a paused consumer",
    guarantee: "the test kit",
    file: "src/testing/TestTime.ts",
    from: "({ paused, waiting }) => paused ? 0 : waiting)",
    to: "({ waiting }) => waiting)",
    test: "test/testing/TestPipeline.sql.test.ts",
    named: "a drain waits for what the pipeline around it emits"
  },
  {
    name: "kit: a drain lets the worker run after its time",
    guarantee: "the test kit",
    file: "src/testing/TestRun.ts",
    from: "yield* runReadyWithin(until - tape.now)",
    to: "yield* runReadyWithin(10_000)",
    test: "test/testing/TestPipeline.sql.test.ts",
    named: "a drain ends when its time is up"
  },
  {
    name: "kit: a test lets the worker run after its end",
    guarantee: "the test kit",
    file: "src/testing/TestRun.ts",
    from: "Effect.andThen(time.runReadyWithin(0), time.pass(time.step(0)))",
    to: "Effect.andThen(time.runReadyWithin(10_000), time.pass(time.step(0)))",
    test: "test/testing/TestPipeline.sql.test.ts",
    named: "a drain ends when its time is up"
  },
  {
    name: "kit: runs share one isolation",
    guarantee: "the test kit",
    file: "src/testing/TestRun.ts",
    from: "Effect.provideService(CrashIsolation.Process, new CrashIsolation.ProcessWorkers()),",
    to: "",
    test: apart,
    named: "is a process of its own"
  },
  {
    name: "kit: a worker that logs by default",
    guarantee: "the test kit",
    file: "src/testing/TestRun.ts",
    from: "const { logs = false, ...workerOptions } = options",
    to: "const { logs = true, ...workerOptions } = options",
    test: crashes,
    named: "logs nothing by default"
  },
  {
    name: "kit: runs share their health",
    guarantee: "the test kit",
    file: "src/testing/TestRun.ts",
    from: "Effect.provideService(Effect.scoped(staged), Health.Workers, new Set())",
    to: "Effect.scoped(staged)",
    test: apart,
    named: "is a process of its own"
  },
  {
    name: "memory: sleeps too short to move a clock",
    guarantee: "the test kit",
    file: "src/memory/MemoryTransport.ts",
    from: "Math.ceil(Math.min(queue.untilDue(claim, now), state.delayed.next(now) - now))",
    to: "Math.min(queue.untilDue(claim, now), state.delayed.next(now) - now)",
    test: kit,
    named: "repeats itself with one seed"
  }
]
