/** All fault runs, in the order in which they are performed. */
import type { Run } from "../fault-run.ts"
import { backends } from "./backends.ts"
export { brokerRuns } from "./brokerFaults.ts"
import { clocks } from "./clocks.ts"
import { commits } from "./commits.ts"
import { crashLoops } from "./crashLoops.ts"
import { backendKilled, beforeNextPoll, failover, lastMoments } from "./forgetting.ts"
import { kills } from "./kills.ts"
import { poison } from "./poison.ts"
import { restarts } from "./restarts.ts"
import { retention } from "./retentionRuns.ts"
import { staleOwners } from "./staleOwners.ts"
import { stalls } from "./stalls.ts"
import { starts } from "./starts.ts"
import { terms } from "./terms.ts"
import { windows } from "./windows.ts"

export const runs: ReadonlyArray<Run> = [
  windows,
  retention,
  kills,
  staleOwners,
  stalls,
  clocks,
  commits,
  terms,
  backends,
  restarts,
  backendKilled,
  lastMoments,
  beforeNextPoll,
  failover,
  starts,
  poison,
  crashLoops
]
