/** All fault runs, in the order in which they are performed. */
import type { Run } from "../run.ts"
import { backends } from "./backends.ts"
import { kills } from "./kills.ts"
import { terms } from "./terms.ts"
import { zombies } from "./zombies.ts"

export const runs: ReadonlyArray<Run> = [kills, zombies, terms, backends]
