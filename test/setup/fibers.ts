/** Gives each turn of a worker a fiber of its own, for the project that runs the worker's promises a second time. */
import { Permitted } from "../../src/worker/attempt/TurnBatch.ts"

const changed: { defaultValue: () => boolean } = Permitted as never
changed.defaultValue = () => false
