/**
 * `millrace audit`: which operator did what, and when.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Audit from "../../Audit.ts"
import { Operations } from "../../ops/Operations.ts"
import { connected } from "../frame/Connect.ts"
import * as Output from "../output/Output.ts"
import * as Times from "../output/Times.ts"
import * as Options from "./Options.ts"

/** Returns the table of audit entries. */
export const auditTable = (all: ReadonlyArray<Audit.Entry>): ReadonlyArray<Output.OutputLine> =>
  Output.table(all, [
    { title: "TIME", of: ({ at }) => Times.utc(at) },
    { title: "BY", of: ({ by }) => by },
    { title: "ACTION", of: ({ action }) => action },
    { title: "CONSUMER", of: ({ consumer }) => consumer },
    {
      title: "WHAT",
      of: ({ deadLetterId, key, topic }) =>
        [
          deadLetterId === "" ? undefined : Options.shortId(deadLetterId),
          topic === "" ? undefined : `topic ${topic}`,
          key === "" ? undefined : `key ${key}`
        ].filter((part) => part !== undefined).join(" ") || "-"
    },
    { title: "NOTE", of: ({ detail, note }) => [note, detail].filter((part) => part !== "").join("; ") }
  ], "No operator action matches.")

export const audit = Command.make(
  "audit",
  {
    consumer: Options.consumer,
    actor: Options.text("actor", "name", "Only actions of this operator"),
    action: Flag.Literals("action", Audit.actions).pipe(
      Flag.withDescription("Only this kind of action"),
      Flag.optional
    ),
    deadLetter: Options.id("dead-letter", "Only actions on this dead letter"),
    run: Options.id("run", "Only actions on this redrive run, and by it"),
    before: Options.before,
    since: Times.flag("since", "Only actions at this time or later"),
    limit: Options.limit
  },
  ({ action, actor, before, consumer, deadLetter, limit, run, since }) =>
    Effect.gen(function*() {
      const given = Option.getOrUndefined
      const from = yield* Times.given(given(since))
      const read = yield* connected(Effect.gen(function*() {
        const entries = yield* Audit.list({
          consumer: given(consumer),
          by: given(actor),
          action: given(action),
          deadLetterId: given(deadLetter),
          redriveRunId: given(run),
          before: given(before),
          limit
        })
        // The entries of a removed consumer stay. A name without an entry must be that of a consumer.
        if (entries.length === 0 && Option.isSome(consumer)) {
          yield* Operations.use(({ lanes }) => lanes(consumer.value))
        }
        return entries
      }))
      // The newest come first, so a page that goes back behind the time is the last one.
      const all = read.filter(({ at }) => at >= (from ?? 0))
      const next = read.length < limit || all.length < read.length ? undefined : all.at(-1)?.id
      yield* Output.emit({ data: all, next, lines: auditTable(all) })
      if (next !== undefined) yield* Output.hint(`There may be more: --before ${next}`)
    })
).pipe(Command.withDescription("List the operator actions, newest first"))
