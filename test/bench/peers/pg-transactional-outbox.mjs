// pg-transactional-outbox: its inbox with the polling listener, whose handler shares the transaction of the message.
import pgOutbox from "pg-transactional-outbox"
import { createHash } from "node:crypto"
import { inThousands, insert, measure, pool, tick, url } from "./work.mjs"

const { DatabaseSetup, getDisabledLogger, initializeMessageStorage, initializePollingMessageListener, IsolationLevel } =
  pgOutbox
const setup = {
  outboxOrInbox: "inbox",
  database: "unused",
  schema: "pg_outbox",
  table: "inbox",
  listenerRole: "unused",
  nextMessagesName: "next_inbox_messages"
}
const batch = 100
const config = {
  outboxOrInbox: "inbox",
  dbHandlerConfig: { connectionString: url, max: 20 },
  dbListenerConfig: { connectionString: url, max: 2 },
  settings: {
    dbSchema: setup.schema,
    dbTable: setup.table,
    nextMessagesFunctionSchema: setup.schema,
    nextMessagesFunctionName: setup.nextMessagesName,
    nextMessagesBatchSize: batch,
    nextMessagesLockInMs: 30_000,
    nextMessagesPollingIntervalInMs: 100
  }
}
const logger = getDisabledLogger()

/** Ids are UUIDs there. */
const uuid = (id) => createHash("md5").update(id).digest("hex")

const publish = (isOrdered) => async () => {
  for (const part of ["dropAndCreateTable", "createPollingFunction", "setupPollingIndexes"]) {
    await pool.query(DatabaseSetup[part](setup))
  }
  const store = initializeMessageStorage(config, logger)
  const client = await pool.connect()
  for (const some of inThousands) {
    await client.query("begin")
    for (const payload of some) {
      const place = isOrdered ? { segment: payload.key } : { concurrency: "parallel" }
      const message = { id: uuid(payload.id), aggregateType: "bench", aggregateId: payload.key, messageType: "insert" }
      await store({ ...message, ...place, payload }, client)
    }
    await client.query("commit")
  }
  client.release()
}

const work = async () => {
  const handler = {
    aggregateType: "bench",
    messageType: "insert",
    handle: async ({ payload }, client) => {
      await insert(client, payload)
      tick()
    }
  }
  initializePollingMessageListener(config, [handler], logger, {
    // Its default loads one message at a time at first.
    batchSizeStrategy: async () => batch,
    messageProcessingTransactionLevelStrategy: () => IsolationLevel.ReadCommitted
  })
}

const contender = (isOrdered) => () =>
  measure(
    {
      guarantees: `effectively once, ${isOrdered ? "order by key" : "no order"}, effect in a transaction of its own`,
      settings: `polling listener, ${batch} at once, poll 100 ms, ${isOrdered ? "segments" : "parallel"}, pool 20`
    },
    publish(isOrdered),
    work
  )

export const contenders = {
  "pg-transactional-outbox": contender(false),
  "pg-transactional-outbox ordered": contender(true)
}
