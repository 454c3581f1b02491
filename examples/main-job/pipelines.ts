/**
 * The two pipelines, which is all that the library needs to be told: what to do before the transaction, what inside of it,
 * what to publish with it, and how often to try.
 */
import { Effect } from "effect"
import { Pipeline, Retry } from "millrace"
import * as Activity from "./activity.ts"
import { Followers } from "./downstream.ts"
import * as Projection from "./projection.ts"
import type { Tables } from "./tables.ts"
import { Notification, Notifications, Webhooks } from "./topics.ts"

/** Webhooks become the projection, and one notification each. */
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

/** Notifications are written down, where a real program would send mail. Statements as data: nothing is decided between. */
export const notifier = (tables: Tables) =>
  Pipeline.from(Notifications, { consumer: "notifier" }).pipe(
    Pipeline.commitSql(({ delivery, followers, sequence, source, text }, sql) =>
      sql`insert into ${sql(tables.notified)} ${sql.insert({ source, sequence, delivery, followers, text })}`
    )
  )
