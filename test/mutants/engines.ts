/** The breaks of what reaches other engines: the inbox outside of the store, the codec and the relay. */
import { redisInboxMutants } from "./redisInbox.ts"
import { relayMutants } from "./relay.ts"
import type { Mutant } from "./types.ts"
import { wireMutants } from "./wire.ts"

export const engineMutants: ReadonlyArray<Mutant> = [...redisInboxMutants, ...relayMutants, ...wireMutants]
