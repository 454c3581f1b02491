/**
 * The functions for operators with psql: `redrive`, `release`, `pause` and `resume`. `DeadLetters` and `Consumers`
 * carry out the same actions by the same inner functions.
 *
 * These functions run with the rights of the migrating role (`security definer`), on a search path of their own. No
 * role may execute them until an operator grants the right. The operator is the role of the session by default.
 *
 * @since 0.1.0
 */
import { limits } from "../../internal/OperatorAction.ts"
import * as OperatorDecision from "../../internal/OperatorDecision.ts"
import * as ConsumerOperations from "./consumerOperations.ts"
import * as Decisions from "./decisions.ts"
import { wake } from "./functions.ts"
import type { Names } from "./names.ts"

const shielded = "security definer set search_path = pg_catalog, pg_temp"

/** Returns a statement that refuses an action with this SQLSTATE. The message's parts are expressions of SQL. */
const refuse = (when: string, code: string, message: string, hint: string) =>
  `if ${when} then
    raise exception using errcode = '${code}', message = ${message} || ' Nothing was changed.', hint = '${hint}';
  end if;`

/**
 * Refuses an action whose `by` or `note` the audit cannot keep. `by` must not be blank, `note` must not be null, and
 * neither may be too long.
 */
const named = (name: string) =>
  [
    refuse(
      `coalesce(${name}.by, '') !~ '\\S' or octet_length(${name}.by) > ${limits.by}`,
      "MR005",
      `'The operator action was refused: its by is empty, or has more than ${limits.by} bytes.'`,
      "Give your name in by, or leave it out."
    ),
    refuse(
      `${name}.note is null or octet_length(${name}.note) > ${limits.note}`,
      "MR005",
      `'The operator action was refused: its note is null, or has more than ${limits.note} bytes.'`,
      "Shorten the note, or leave it out."
    )
  ].join("\n  ")

/**
 * Returns an expression of SQL for the message of a conflict: the operator of the last action, and its time. Its value
 * is an empty text if no operator is recorded.
 */
const byWhom = (by: string, at: string) =>
  `coalesce(', by ' || nullif(${by}, '') || ' at ' || ${ConsumerOperations.utc(at)}, '')`

const onDeadLetter = (
  t: Names,
  name: "redrive" | "release",
  { action, from, parked }: OperatorDecision.OperatorDecision
) =>
  `create function ${t[name]}(dead_letter bigint, by text default session_user, note text default '')
returns text language plpgsql volatile ${shielded} as $body$
#variable_conflict use_column
declare
  v record;
begin
  ${named(name)}
  select d.queue_id, d.state, d.parked, d.changed_by, d.changed_at into v from ${t.deadLetters} d where d.id = ${name}.dead_letter for update;
  ${
    refuse(
      "not found",
      "MR004",
      `'There is no dead letter ' || coalesce(${name}.dead_letter::text, 'null') || '.'`,
      "Look at v_failures, or select id from dead_letters."
    )
  }
  ${
    refuse(
      `v.state <> '${from}'${parked ? " or not v.parked" : ""}`,
      "MR003",
      `'Dead letter ' || ${name}.dead_letter || ' cannot be ${action}: it is ' || case when v.state = '${from}' then 'not parked' else v.state end
      || ${byWhom("v.changed_by", "v.changed_at")} || '.'`,
      "Look at it again."
    )
  }
  perform ${t.decide}(array[${name}.dead_letter], '${action}', ${name}.by, ${name}.note);
  ${wake(t, "array[v.queue_id]")}
  return '${action}';
end $body$`

const onConsumer = (t: Names, name: "pause" | "resume") => {
  const action = name === "pause" ? "paused" : "resumed"
  const pause = name === "pause"
  const checks = [named(name)]
  if (pause) {
    checks.push(refuse(
      "pause.duration <= interval '0' or pause.duration > interval '366 days'",
      "MR005",
      "'The operator action was refused: its duration is not above zero, or is more than 366 days.'",
      "Give another duration, or none."
    ))
  }
  return `create function ${t[name]}(consumer text, by text default session_user, note text default ''${
    pause ? ", duration interval default null" : ""
  })
returns text language plpgsql volatile ${shielded} as $body$
#variable_conflict use_column
declare
  v record;
begin
  ${checks.join("\n  ")}
  select id, paused_by, paused_at, coalesce(${ConsumerOperations.over()}, false) as pause_over into v from ${t.consumers} where name = ${name}.consumer and lanes > 0 for no key update;
  ${
    refuse(
      "not found",
      "MR004",
      `'There is no consumer ' || coalesce(quote_literal(${name}.consumer), 'null') || '.'`,
      "Look at v_consumers."
    )
  }
  ${
    refuse(
      pause ? "v.paused_by is not null and not v.pause_over" : "v.paused_by is null",
      "MR003",
      `'Consumer ' || quote_literal(${name}.consumer) || ' cannot be ${action}: it is ${
        pause ? "paused" : "not paused"
      }' || ${byWhom("v.paused_by", "v.paused_at")} || '.'`,
      "Look at v_consumers."
    )
  }
  perform ${t.setPaused}(v.id, '${action}', ${name}.by, ${name}.note${
    pause ? ", (extract(epoch from pause.duration) * 1000)::float8" : ""
  });
  ${wake(t, "array[v.id]")}
  return '${action}';
end $body$`
}

/** Returns the statements that create the functions, each after those that it uses. */
export const make = (t: Names): ReadonlyArray<string> => [
  Decisions.decide(t),
  ConsumerOperations.setPaused(t),
  onDeadLetter(t, "redrive", OperatorDecision.redriven),
  onDeadLetter(t, "release", OperatorDecision.released),
  onConsumer(t, "pause"),
  onConsumer(t, "resume"),
  `revoke all on function ${t.redrive}, ${t.release}, ${t.pause}, ${t.resume} from public`
]
