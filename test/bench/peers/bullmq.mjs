// BullMQ on Redis with its effects in Postgres, and on Postgres.
import { createPostgresBackend, createRedisBackend, withBackend } from "bullmq"
import { inThousands, insert, measure, pool, redis, tick, url } from "./work.mjs"

const contender = (backend, connection, settings) => async () => {
  const { Queue, Worker } = withBackend(backend)
  const queue = new Queue("q", { connection })
  await queue.obliterate({ force: true })
  await measure(
    { guarantees: "at least once, no order, effect apart", settings },
    async () => {
      for (const some of inThousands) {
        await queue.addBulk(some.map((data) => ({ name: "insert", data, opts: { removeOnComplete: true } })))
      }
    },
    async () => {
      const handle = async (job) => {
        await insert(pool, job.data)
        tick()
      }
      return new Worker("q", handle, { connection, concurrency: 100 })
    }
  )
}

const onRedis = { host: redis?.hostname, port: Number(redis?.port), maxRetriesPerRequest: null }
const onPostgres = { connectionString: url, max: 20, migrate: true }

export const contenders = {
  "BullMQ": contender(createRedisBackend, onRedis, "Redis, 100 at once, pool 20"),
  "BullMQ on Postgres": async () => {
    await pool.query("drop schema if exists bullmq cascade")
    await contender(createPostgresBackend, onPostgres, "Postgres, 100 at once, pools 20 and 20")()
  }
}
