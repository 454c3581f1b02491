// The work of every contender: messages of about 200 bytes over 1,000 keys, queued beforehand. Each inserts one row.
import pg from "pg"

export const url = process.env.DATABASE_URL
export const redis = process.env.REDIS_URL === undefined ? undefined : new URL(process.env.REDIS_URL)
const messages = Number(process.env.MESSAGES ?? 0)
const warmUp = Number(process.env.WARM_UP ?? 0)
const keys = 1000

/** The connections of the effects. A network away more of them are needed. */
export const connections = Number(process.env.CONNECTIONS ?? 20)
export const pool = new pg.Pool({ connectionString: url, max: connections })
pool.on("error", () => {})
pool.on("connect", (client) => client.on("error", () => {}))

const table = process.env.LEDGER
export const insert = (client, item) =>
  client.query({
    name: "insert",
    text: `insert into ${table} (message_id, key, amount) values ($1, $2, $3)`,
    values: [item.id, item.key, item.amount]
  })

export const item = (i) => ({ id: `m${i}`, key: `k${i * 7919 % keys}`, amount: i, pad: "x".repeat(150) })
export const items = Array.from({ length: messages + warmUp }, (_, i) => item(i))
export const inThousands = Array.from(
  { length: Math.ceil(items.length / 1000) },
  (_, i) => items.slice(i * 1000, i * 1000 + 1000)
)

let done = 0
let started
let cpu
const finished = Promise.withResolvers()

/** Counts one message that is done. The clock runs from the last message of the warm-up to the last one. */
export const tick = () => {
  done++
  if (done === warmUp) {
    started = performance.now()
    cpu = process.cpuUsage()
  }
  if (done === items.length) finished.resolve()
}

export const left = () => done < items.length

/** Publishes, consumes, and prints the figures as one line of JSON. */
export const measure = async (contender, publish, consume) => {
  const published = performance.now()
  await publish()
  const publishRate = items.length / (performance.now() - published) * 1000
  await consume()
  await finished.promise
  const seconds = (performance.now() - started) / 1000
  const { system, user } = process.cpuUsage(cpu)
  const rows = Number((await pool.query(`select count(*) from ${table}`)).rows[0].count)
  const figures = {
    rate: messages / seconds,
    publishRate,
    cpuMicros: (system + user) / messages,
    heapMb: process.memoryUsage().rss / 1e6,
    rows
  }
  console.log(JSON.stringify({ ...contender, ...figures }))
  process.exit(rows >= items.length ? 0 : 1)
}

/**
 * Publishes at a steady rate for some seconds, and does not wait for one publish before the next. The id of a message
 * is the time of its publish, so that the reader of the ledger knows how long it took.
 */
export const steadily = async (rate, seconds, publish) => {
  const started = performance.now()
  const publishing = []
  for (let i = 0; i < rate * seconds; i++) {
    const wait = started + i * 1000 / rate - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    publishing.push(publish({ ...item(i), id: `${performance.timeOrigin + performance.now()}:${i}` }))
  }
  await Promise.all(publishing)
  process.exit(0)
}
