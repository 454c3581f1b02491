// pg-boss: effect and completion apart; in order by key; and a hundred jobs a transaction, written by hand.
import { PgBoss } from "pg-boss"
import { connections, inThousands, insert, left, measure, pool, steadily, tick, url } from "./work.mjs"

const polling = { batchSize: 200, pollingIntervalSeconds: 0.5 }

const open = async (queue, useListenNotify) => {
  await pool.query("drop schema if exists pgboss cascade")
  return connect(queue, useListenNotify)
}

/** LISTEN wakes a worker sooner than its poll, but makes a backlog slower: such a worker polls seldom. */
const connect = async (queue = {}, useListenNotify = false) => {
  const boss = new PgBoss({ connectionString: url, max: 20, useListenNotify })
  boss.on("error", () => {})
  await boss.start()
  await boss.createQueue("q", { ...queue, notify: useListenNotify })
  return boss
}

const publish = (boss, ordered) => async () => {
  for (const some of inThousands) {
    await boss.insert("q", some.map((data) => ordered ? { data, singletonKey: data.key } : { data }))
  }
}

const work = (boss) => async () => {
  for (let worker = 0; worker < 4; worker++) {
    await boss.work("q", polling, async (jobs) => {
      await Promise.all(jobs.map((job) => insert(pool, job.data)))
      for (const _ of jobs) tick()
    })
  }
}

const loops = connections / 5

/** Fetch, effects and completion in one transaction. */
const byHand = (boss) => async () => {
  const loop = async () => {
    const client = await pool.connect()
    const db = { executeSql: (text, values) => client.query(text, values) }
    while (left()) {
      await client.query("begin")
      const jobs = await boss.fetch("q", { batchSize: 100, db })
      for (const job of jobs) await insert(client, job.data)
      if (jobs.length > 0) await boss.complete("q", jobs.map(({ id }) => id), undefined, { db })
      await client.query("commit")
      for (const _ of jobs) tick()
      if (jobs.length === 0) break
    }
    client.release()
  }
  for (let n = 0; n < loops; n++) void loop()
}

const settings = `4 workers, ${JSON.stringify(polling)}, pool ${connections}`

export const contenders = {
  "pg-boss tuned": async () => {
    const boss = await open()
    const about = { guarantees: "at least once, no order, effect apart", settings }
    await measure(about, publish(boss, false), work(boss))
  },
  "pg-boss key_strict_fifo": async () => {
    const boss = await open({ policy: "key_strict_fifo" })
    const about = { guarantees: "at least once, order by key, effect apart", settings }
    await measure(about, publish(boss, true), work(boss))
  },
  "pg-boss by hand": async () => {
    const boss = await open()
    const about = {
      guarantees: "effect with completion, no order, one failure fails 100",
      settings: `${loops} loops of fetch 100, inserts, complete in one transaction, pool ${connections}`
    }
    await measure(about, publish(boss, false), byHand(boss))
  }
}

export const latency = {
  serve: async () => work(await open({}, true))(),
  publish: async (rate, seconds) => {
    const boss = await connect({}, true)
    await steadily(rate, seconds, (data) => boss.send("q", data))
  }
}
