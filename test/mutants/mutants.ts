/**
 * The breaks: for each guarantee one line of the landed code, made wrong, and the test that must go red.
 */
import { boundMutants } from "./bounds.ts"
import { brokerGroupMutants } from "./brokerGroups.ts"
import { brokerSubscriptionMutants } from "./brokerSubscriptions.ts"
import { capabilityMutants } from "./capabilities.ts"
import { cliMutants } from "./cli.ts"
import { crashedAloneMutants } from "./crashedAlone.ts"
import { dataGroupMutants } from "./dataGroups.ts"
import { defaultMutants } from "./defaults.ts"
import { delayed } from "./delayed.ts"
import { engineMutants } from "./engines.ts"
import { factMutants } from "./facts.ts"
import { failureMutants } from "./failures.ts"
import { firstMutants } from "./firstMutants.ts"
import { flowMutants } from "./flow.ts"
import { handlerMutants } from "./handlers.ts"
import { holdMutants } from "./holds.ts"
import { httpMutants } from "./http.ts"
import { isolationMutants } from "./isolation.ts"
import { lookingMutants } from "./looking.ts"
import { messageMutants } from "./messages.ts"
import { observabilityMutants } from "./observability.ts"
import { once } from "./once.ts"
import { operations } from "./operations.ts"
import { operatorActionMutants } from "./operatorActions.ts"
import { outcomeMutants } from "./outcomes.ts"
import { overHttpMutants } from "./overHttp.ts"
import { pageMutants } from "./pages.ts"
import { pipelineMutants } from "./pipelines.ts"
import { publishingMutants } from "./publishing.ts"
import { redriveRunMutants } from "./redriveRuns.ts"
import { reopeningMutants } from "./reopening.ts"
import { rowMutants } from "./rows.ts"
import { serverLifeMutants } from "./serverLife.ts"
import { serverMutants } from "./servers.ts"
import { sessionMutants } from "./sessions.ts"
import { sqsMutants } from "./sqs.ts"
import { steeringMutants } from "./steering.ts"
import { survivors } from "./survivors.ts"
import { kitMutants } from "./testPipeline.ts"
import { machineMutants } from "./testServer.ts"
import type { Mutant } from "./types.ts"

export const mutants: ReadonlyArray<Mutant> = [
  ...firstMutants,
  ...boundMutants,
  ...capabilityMutants,
  ...cliMutants,
  ...crashedAloneMutants,
  ...defaultMutants,
  ...delayed,
  ...engineMutants,
  ...factMutants,
  ...failureMutants,
  ...dataGroupMutants,
  ...brokerGroupMutants,
  ...brokerSubscriptionMutants,
  ...flowMutants,
  ...outcomeMutants,
  ...handlerMutants,
  ...holdMutants,
  ...httpMutants,
  ...lookingMutants,
  ...messageMutants,
  ...isolationMutants,
  ...kitMutants,
  ...machineMutants,
  ...observabilityMutants,
  ...once,
  ...operations,
  ...operatorActionMutants,
  ...overHttpMutants,
  ...pageMutants,
  ...pipelineMutants,
  ...publishingMutants,
  ...redriveRunMutants,
  ...reopeningMutants,
  ...rowMutants,
  ...serverLifeMutants,
  ...sessionMutants,
  ...sqsMutants,
  ...steeringMutants,
  ...survivors,
  ...serverMutants
]
