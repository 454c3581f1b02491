/** The breaks of what reaches other engines: the inbox and the streams of Redis, the codec and the relay. */
import { overflowMutants } from "./overflow.ts"
import { redisInboxMutants } from "./redisInbox.ts"
import { redisLogMutants } from "./redisLog.ts"
import { redisStreamMutants } from "./redisStreams.ts"
import { relayMutants } from "./relay.ts"
import type { Mutant } from "./types.ts"
import { wireMutants } from "./wire.ts"

export const engineMutants: ReadonlyArray<Mutant> = [
  ...redisInboxMutants,
  ...overflowMutants,
  ...redisLogMutants,
  ...redisStreamMutants,
  ...relayMutants,
  ...wireMutants
]
