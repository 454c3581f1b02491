/** A choice among few views, as radio buttons do it: arrow keys move, and one is chosen. */
export const Tabs = (
  { label, onChange, tabs, value }: {
    readonly label: string
    readonly tabs: ReadonlyArray<readonly [value: string, text: string]>
    readonly value: string
    readonly onChange: (value: string) => void
  }
) => {
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    const at = tabs.findIndex(([each]) => each === value)
    const next = (at + step + tabs.length) % tabs.length
    onChange(tabs[next]![0])
    const button = (event.currentTarget as HTMLElement).children[next]
    if (button instanceof HTMLElement) button.focus()
  }
  return (
    <div class="tabs" role="radiogroup" aria-label={label} onKeyDown={move}>
      {tabs.map(([each, text]) => (
        <button
          key={each}
          type="button"
          role="radio"
          aria-checked={each === value}
          tabIndex={each === value ? 0 : -1}
          onClick={() => onChange(each)}
        >
          {text}
        </button>
      ))}
    </div>
  )
}
