/** Started by `server.ts`: its standard input ends when the process that owns the server ends, however that happens. */
import { endNow } from "./server.ts"

const databaseDir = process.argv[2]
if (databaseDir === undefined) throw new Error("the directory of the server is missing")
process.stdin.resume().once("end", () => endNow(databaseDir))
