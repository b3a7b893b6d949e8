import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

/** A box to tick, with its words. */
export const Check = ({
  checked,
  onChange,
  children,
}: {
  readonly checked: boolean
  readonly onChange: () => void
  readonly children: ComponentChildren
}) => (
  <label class="check">
    <input type="checkbox" checked={checked} onChange={onChange} />
    <span>{children}</span>
  </label>
)

type Option = readonly [value: string, text: string]

/** One of a few, all of them in sight. */
export const Choices = ({
  name,
  value,
  options,
  onChange,
}: {
  readonly name: string
  readonly value: string
  readonly options: readonly Option[]
  readonly onChange: (value: string) => void
}) => (
  <div class="verify-radios">
    {options.map(([option, text]) => (
      <label key={option} class="check">
        <input type="radio" name={name} checked={option === value} onChange={() => onChange(option)} />
        <span>{text}</span>
      </label>
    ))}
  </div>
)

/** One of several, with its label. */
export function Select({
  label,
  value,
  options,
  onChange,
}: {
  readonly label: string
  readonly value: string
  readonly options: readonly Option[]
  readonly onChange: (value: string) => void
}) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </div>
  )
}
