/** The breaks of what reaches other engines: the inbox and the streams of Redis, the codec and the relay. */
import { overflowMutants } from "./overflowMutants.ts"
import { redisInboxMutants } from "./redisInboxMutants.ts"
import { redisLogMutants } from "./redisLogMutants.ts"
import { redisStreamMutants } from "./redisStreamMutants.ts"
import { relayMutants } from "./relayMutants.ts"
import type { Mutant } from "./types.ts"
import { wireMutants } from "./wireMutants.ts"

export const engineMutants: ReadonlyArray<Mutant> = [
  ...redisInboxMutants,
  ...overflowMutants,
  ...redisLogMutants,
  ...redisStreamMutants,
  ...relayMutants,
  ...wireMutants
]
