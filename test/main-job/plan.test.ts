/** The plan of the main job: runs are repeatable, and contain every fault. */
import { assert, describe, it } from "vitest"
import * as Activity from "../../examples/main-job/activity.ts"
import * as Fault from "../../examples/main-job/faultPlan.ts"
import * as Payloads from "../../examples/main-job/payloads.ts"
import * as Plan from "../../examples/main-job/plan.ts"

const seed = 7
const deliveries = Plan.deliveries(seed, 20_000)
const steps = Plan.steps(seed, deliveries, 4)

describe("the plan of the main job", () => {
  it("is the same for the same seed, and another one for another seed", () => {
    const again = Plan.deliveries(seed, 20_000)
    assert.deepEqual(again, deliveries)
    assert.deepEqual(Plan.steps(seed, again, 4), steps)
    assert.notDeepEqual(Plan.deliveries(8, 100).map((d) => d.delivery), deliveries.slice(0, 100).map((d) => d.delivery))
  })

  it("uses every example of every kind of webhook, spread over 500 repositories", () => {
    assert.equal(Payloads.examples.length, 329)
    assert.equal(new Set(deliveries.map(({ example }) => example)).size, 329)
    assert.equal(new Set(deliveries.map(({ example }) => example.kind)).size, 58)
    assert.equal(
      new Set(deliveries.filter(({ example }) => example.ofRepository).map(({ source }) => source)).size,
      500
    )
  })

  it("gives every delivery an id of its own and a place in its source without gaps", () => {
    assert.equal(new Set(deliveries.map(({ delivery }) => delivery)).size, 20_000)
    for (const [source, own] of Map.groupBy(deliveries, (delivery) => delivery.source)) {
      assert.deepEqual(own.map(({ position }) => position), own.map((_, index) => index + 1), source)
    }
  })

  it("leaves every source to one sender, which sends its deliveries in order and none before its redelivery", () => {
    const senderOf = new Map<string, number>()
    const last = new Map<string, number>()
    const first = new Set<string>()
    for (const [sender, own] of steps.entries()) {
      for (const { copy, delivery } of own.flatMap((step) => step.sendings)) {
        assert.equal(senderOf.get(delivery.source) ?? sender, sender)
        senderOf.set(delivery.source, sender)
        if (copy === 2) {
          assert.isTrue(first.has(delivery.delivery), "a redelivery came before its delivery")
        } else {
          assert.equal(delivery.position, (last.get(delivery.source) ?? 0) + 1)
          last.set(delivery.source, delivery.position)
          first.add(delivery.delivery)
        }
      }
    }
    assert.equal(first.size, 20_000)
  })

  it("sends one delivery in ten twice, some of them by two transactions that race", () => {
    const sendings = steps.flat().flatMap((step) => step.sendings)
    const redelivered = sendings.filter(({ copy }) => copy === 2)
    assert.isTrue(redelivered.length > 1_800 && redelivered.length < 2_200, String(redelivered.length))
    assert.equal(new Set(redelivered.map(({ delivery }) => delivery)).size, redelivered.length)
    const races = steps.flat().filter(({ _tag }) => _tag === "Race")
    assert.isTrue(races.length > 300, String(races.length))
    assert.isTrue(steps.flat().some((step) => step._tag === "Together" && step.sendings.length === 1))
    assert.isTrue(steps.flat().some((step) => step.sendings.length > 40))
  })

  it("has faults of every kind, also in a small run", () => {
    for (const [plan, some] of [[deliveries, 50], [Plan.deliveries(seed, 1_000), 1]] as const) {
      const fault = Map.groupBy(plan, (delivery) => delivery.fault._tag)
      for (const kind of ["None", "Unavailable", "Throttled", "Malformed", "Refused", "AlwaysFails"] as const) {
        assert.isAtLeast(fault.get(kind)?.length ?? 0, some, kind)
      }
    }
  })

  it("renames repository and account, and leaves the rest of a payload as GitHub sent it", () => {
    const planned = deliveries.find(({ example }) => example.kind === "issues")!
    const { payload } = Plan.webhook(planned)
    const repository = payload["repository"] as Record<string, string>
    assert.equal(repository["full_name"], planned.source)
    assert.equal(planned.source, `${planned.account}/${repository["name"]}`)
    assert.deepEqual(payload["issue"], planned.example.payload["issue"])
  })

  it("opens and closes issues and pull requests", () => {
    const states = deliveries.map(({ example }) => Activity.stateChange(example.kind, example.payload)?.state)
    assert.deepEqual(new Set(states), new Set([undefined, "open", "closed", "gone"]))
    assert.equal(Fault.outcome({ _tag: "Unavailable", failures: 2 }), "applied")
  })
})
