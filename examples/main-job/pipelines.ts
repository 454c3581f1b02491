/**
 * The two pipelines. This is the whole use of the library.
 *
 * Each says what runs before the transaction, what runs inside it, what is emitted, and how often it is tried.
 */
import { Effect } from "effect"
import { Pipeline, Retry } from "millrace"
import * as Activity from "./activity.ts"
import { Followers } from "./downstream.ts"
import * as Projection from "./projection.ts"
import type { Tables } from "./tables.ts"
import { Notification, Notifications, Webhooks } from "./topics.ts"

/** Applies each webhook to the projection, and emits one notification for it. */
export const activity = (tables: Tables) =>
  Pipeline.from(Webhooks, { consumer: "activity" }).pipe(
    Pipeline.mapEffect((webhook, { attempt }) =>
      Followers.use((followers) => followers.of(webhook, attempt)).pipe(
        Effect.map((followers) => ({ webhook, followers }))
      )
    ),
    Pipeline.commit(({ followers, webhook }) =>
      Projection.apply(tables, webhook).pipe(Effect.map((sequence) => ({ webhook, followers, sequence })))
    ),
    Pipeline.emit(Notifications, ({ followers, sequence, webhook }) =>
      new Notification({
        delivery: webhook.delivery,
        source: webhook.source,
        sequence,
        text: Activity.describe(webhook),
        followers
      })),
    Pipeline.retry(Retry.exponential("50 millis", { attempts: 4 })),
    Pipeline.deadLetter({ order: "continue" })
  )

/** Records notifications, where a real program would send mail. No statement needs the result of another one. */
export const notifier = (tables: Tables) =>
  Pipeline.from(Notifications, { consumer: "notifier" }).pipe(
    Pipeline.commitSql(({ delivery, followers, sequence, source, text }, sql) =>
      sql`insert into ${sql(tables.notified)} ${sql.insert({ source, sequence, delivery, followers, text })}`
    )
  )
