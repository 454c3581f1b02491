// graphile-worker: tuned, and with one queue for each key, which keeps order.
import { Logger, makeWorkerUtils, run } from "graphile-worker"
import { connections, inThousands, insert, measure, pool, steadily, tick, url } from "./work.mjs"

const migrated = async () => {
  await pool.query("drop schema if exists graphile_worker cascade")
  const utils = await makeWorkerUtils({ connectionString: url })
  await utils.migrate()
  return utils
}

const publish = (ordered) => async () => {
  const utils = await migrated()
  for (const some of inThousands) {
    await utils.addJobs(
      some.map((payload) => ({ identifier: "insert", payload, ...(ordered ? { queueName: payload.key } : {}) }))
    )
  }
  await utils.release()
}

const work = (worker) => async () => {
  await run({
    pgPool: pool,
    logger: new Logger(() => () => {}),
    concurrency,
    noHandleSignals: true,
    pollInterval: 1000,
    preset: { worker },
    taskList: {
      insert: async (payload, helpers) => {
        await helpers.withPgClient((client) => insert(client, payload))
        tick()
      }
    }
  })
}

const concurrency = connections + 4
const tuned = { concurrentJobs: concurrency, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
const ordered = { concurrentJobs: concurrency }

export const contenders = {
  "graphile-worker tuned": () =>
    measure(
      { guarantees: "at least once, no order, effect apart", settings: `${JSON.stringify(tuned)}, pool ${connections}` },
      publish(false),
      work(tuned)
    ),
  "graphile-worker ordered": () =>
    measure(
      {
        guarantees: "at least once, order by key, effect apart",
        settings: `${JSON.stringify(ordered)}, a queue for each key, pool ${connections}`
      },
      publish(true),
      work(ordered)
    )
}

/** Without a local queue, which adds to the latency. LISTEN wakes the worker. */
export const latency = {
  serve: async () => {
    await migrated()
    await work(ordered)()
  },
  publish: async (rate, seconds) => {
    const utils = await makeWorkerUtils({ pgPool: pool })
    await steadily(rate, seconds, (data) => utils.addJob("insert", data))
  }
}
