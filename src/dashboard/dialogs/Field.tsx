/** Fields of a form: a label, the control, a hint, and what is wrong with the value. */
import type { ComponentChildren } from "preact"
import { useId } from "preact/hooks"

export interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly hint?: ComponentChildren
  readonly problem?: string | undefined
  readonly placeholder?: string
  readonly unit?: string
  readonly kind?: "text" | "number" | "password"
  readonly narrow?: boolean
  readonly required?: boolean
  readonly autofocus?: boolean
}

export const Field = (props: FieldProps) => {
  const { hint, kind = "text", label, narrow, onInput, placeholder, problem, required, unit, value } = props
  const id = useId()
  return (
    <div class={`field${narrow === true ? " is-narrow" : ""}`}>
      <label for={id}>{label}</label>
      <span class="field-line">
        <input
          id={id}
          {...(kind === "password" ? { type: "password" } : { type: "text" })}
          inputMode={kind === "number" ? "decimal" : undefined}
          value={value}
          placeholder={placeholder}
          required={required}
          autocomplete={kind === "password" ? "current-password" : "off"}
          spellcheck={false}
          aria-invalid={problem === undefined ? undefined : "true"}
          aria-describedby={`${id}-hint`}
          ref={(input) => {
            if (props.autofocus === true && input !== null && input.dataset["ready"] === undefined) {
              input.dataset["ready"] = "yes"
              setTimeout(() => input.focus(), 0)
            }
          }}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
        {unit !== undefined && <span class="field-unit">{unit}</span>}
      </span>
      <span id={`${id}-hint`} class={problem === undefined ? "field-hint" : "field-hint bad"}>{problem ?? hint}</span>
    </div>
  )
}

export const Choice = (
  { label, onChange, options, value }: {
    readonly label: string
    readonly value: string
    readonly options: ReadonlyArray<readonly [value: string, text: string]>
    readonly onChange: (value: string) => void
  }
) => {
  const id = useId()
  return (
    <div class="field is-narrow">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([each, text]) => <option value={each} key={each}>{text}</option>)}
      </select>
    </div>
  )
}

export const Radios = (
  { legend, onChange, options, value }: {
    readonly legend: string
    readonly value: string
    readonly options: ReadonlyArray<readonly [value: string, text: string, hint: string]>
    readonly onChange: (value: string) => void
  }
) => {
  const name = useId()
  return (
    <fieldset class="radios">
      <legend>{legend}</legend>
      {options.map(([each, text, hint]) => (
        <label key={each} class={each === value ? "is-chosen" : ""}>
          <input type="radio" name={name} value={each} checked={each === value} onChange={() => onChange(each)} />
          <span>
            {text}
            <small>{hint}</small>
          </span>
        </label>
      ))}
    </fieldset>
  )
}
