import { TestClock } from "effect/testing"
import * as Memory from "../../src/memory/index.ts"
import * as Conformance from "../../src/testing/conformance/index.ts"

Conformance.suite("memory", Memory.layer, {
  elapse: (duration) => TestClock.adjust(duration),
  lease: "30 seconds",
  idlePoll: "1 second"
})
