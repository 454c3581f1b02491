// BullMQ on Redis, with its effects in Postgres.
import { Queue, Worker } from "bullmq"
import { inThousands, insert, measure, pool, redis, tick } from "./work.mjs"

const connection = { host: redis?.hostname, port: Number(redis?.port), maxRetriesPerRequest: null }

export const contenders = {
  "BullMQ": async () => {
    const queue = new Queue("q", { connection })
    await queue.obliterate({ force: true })
    await measure(
      { guarantees: "at least once, no order, effect apart", settings: "Redis, 100 at once, pool 20" },
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
}
