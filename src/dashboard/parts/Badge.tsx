/** A state by word, shape and colour, so that none of the three is needed alone. */

export type Tone = "ok" | "warn" | "bad" | "info" | "plain"

export const Badge = ({ children, tone }: { readonly tone: Tone; readonly children: string }) => (
  <span class={`badge is-${tone}`}>
    <i aria-hidden="true" />
    {children}
  </span>
)

/** Shows a short fact without a state: a version, a reason, a filter. */
export const Chip = ({ children }: { readonly children: preact.ComponentChildren }) => (
  <span class="chip">{children}</span>
)
