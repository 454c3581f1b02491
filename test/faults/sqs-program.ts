/**
 * The emulator of SQS in a process of its own. With a data directory it writes each change there before it answers, so
 * a process that is killed forgets nothing. That is why no run can show here what a queue does that loses its messages.
 */
import { startFauxqs } from "fauxqs"
import { given } from "../harness/given.ts"

export interface SqsSetup {
  readonly port: number
  readonly dataDir?: string | undefined
}

const setup = given<SqsSetup>()
if (setup !== undefined) {
  const { dataDir, port } = setup
  await startFauxqs({ port, logger: false, ...(dataDir === undefined ? {} : { dataDir }) })
  // A parent that is gone must not leave it behind.
  process.once("disconnect", () => process.exit())
  process.stdout.write("ready\n")
}
