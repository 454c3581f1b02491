/**
 * The breaks: for each guarantee one line of the landed code, made wrong, and the test that must go red.
 */
import { boundMutants } from "./boundMutants.ts"
import { brokerGroupMutants } from "./brokerGroupMutants.ts"
import { brokerSubscriptionMutants } from "./brokerSubscriptionMutants.ts"
import { capabilityMutants } from "./capabilityMutants.ts"
import { cliMutants } from "./cliMutants.ts"
import { crashedAloneMutants } from "./crashedAloneMutants.ts"
import { dataGroupMutants } from "./dataGroupMutants.ts"
import { defaultMutants } from "./defaultMutants.ts"
import { delayed } from "./delayedMutants.ts"
import { engineMutants } from "./engineMutants.ts"
import { factMutants } from "./factMutants.ts"
import { failureMutants } from "./failureMutants.ts"
import { firstMutants } from "./firstMutants.ts"
import { flowMutants } from "./flowMutants.ts"
import { handlerMutants } from "./handlerMutants.ts"
import { holdMutants } from "./holdMutants.ts"
import { httpMutants } from "./httpMutants.ts"
import { isolationMutants } from "./isolationMutants.ts"
import { kitMutants } from "./kitMutants.ts"
import { lookingMutants } from "./lookingMutants.ts"
import { machineMutants } from "./machineMutants.ts"
import { messageMutants } from "./messageMutants.ts"
import { observabilityMutants } from "./observabilityMutants.ts"
import { once } from "./onceMutants.ts"
import { operations } from "./operationMutants.ts"
import { operatorActionMutants } from "./operatorActionMutants.ts"
import { outcomeMutants } from "./outcomeMutants.ts"
import { overHttpMutants } from "./overHttpMutants.ts"
import { pageMutants } from "./pageMutants.ts"
import { pipelineMutants } from "./pipelineMutants.ts"
import { publishingMutants } from "./publishingMutants.ts"
import { redriveRunMutants } from "./redriveRunMutants.ts"
import { reopeningMutants } from "./reopeningMutants.ts"
import { rowMutants } from "./rowMutants.ts"
import { serverLifeMutants } from "./serverLifeMutants.ts"
import { serverMutants } from "./serverMutants.ts"
import { sessionMutants } from "./sessionMutants.ts"
import { sqsMutants } from "./sqsMutants.ts"
import { steeringMutants } from "./steeringMutants.ts"
import { survivors } from "./survivorMutants.ts"
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
