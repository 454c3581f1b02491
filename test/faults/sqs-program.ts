/**
 * The emulator of SQS in a process of its own. It writes each change to its data directory before it answers, so a
 * process that is killed forgets nothing. That is why no run can show here what a queue does that loses its messages.
 */
import { startFauxqs } from "fauxqs"
import { given } from "../harness/given.ts"

export interface SqsSetup {
  readonly port: number
  readonly dataDir: string
}

const setup = given<SqsSetup>()
if (setup !== undefined) {
  await startFauxqs({ ...setup, logger: false })
  process.stdout.write("ready\n")
}
