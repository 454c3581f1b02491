// DBOS: each message is a workflow of one step on a queue.
import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk"
import { insert, inThousands, measure, pool, tick, url } from "./work.mjs"

export const contenders = {
  "DBOS": async () => {
    const database = new URL(url)
    database.pathname = "/dbos"
    await pool.query("drop database if exists dbos with (force)")
    await pool.query("create database dbos")
    const systemDatabaseUrl = database.toString()
    DBOS.setConfig({ name: "bench", systemDatabaseUrl, logLevel: "error", systemDatabasePoolSize: 20 })
    DBOS.registerWorkflow(async (item) => {
      await DBOS.runStep(() => insert(pool, item), { name: "insert" })
      tick()
    }, { name: "one" })
    await DBOS.launch()
    const client = await DBOSClient.create({ systemDatabaseUrl })
    await measure(
      { guarantees: "at least once, no order, effect apart", settings: "a workflow of one step, 200 at once, poll 100 ms, pool 20" },
      async () => {
        for (const some of inThousands) {
          await Promise.all(some.map((item) => client.enqueue({ workflowName: "one", queueName: "q" }, item)))
        }
      },
      // A process takes workflows of a queue when it knows the queue.
      () => DBOS.registerQueue("q", { workerConcurrency: 200, minPollingIntervalMs: 100 })
    )
  }
}
