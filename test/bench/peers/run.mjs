// Runs one contender, named on the command line, in this process. For latencies it only serves, or only publishes.
const files = ["pg-boss", "graphile-worker", "bullmq", "persisted-queue", "dbos", "effect-mq", "pg-transactional-outbox"]
const [, , file, name, role, rate, seconds] = process.argv
if (!files.includes(file)) throw new Error(`There is no contender in "${file}". There are ${files.join(", ")}.`)
const { contenders, latency } = await import(`./${file}.mjs`)
if (role === undefined) await contenders[name]()
if (role === "serve") {
  await latency.serve()
  console.log("ready")
}
if (role === "publish") await latency.publish(Number(rate), Number(seconds))
