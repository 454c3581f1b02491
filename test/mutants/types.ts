/** What a break is made of. */
export interface Mutant {
  readonly name: string
  /** Number of the guarantee in README.md. */
  readonly guarantee: number
  readonly file: string
  /** Stands exactly once in the file. */
  readonly from: string
  readonly to: string
  readonly test: string
  /** Part of the test's name. */
  readonly named: string
}
