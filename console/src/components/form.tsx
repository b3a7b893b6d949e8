import type { ComponentChildren, JSX } from 'preact'
import { createContext } from 'preact'
import { useContext, useId, useState } from 'preact/hooks'
import { type Problem, problemOf } from '../api/problem.ts'
import { Button } from './button.tsx'

/** The mistakes that the lab found, by the name of the field. */
const Mistakes = createContext<ReadonlyMap<string, string>>(new Map())

/** Returns the field that a mistake points at: `/to/0` and `to` are both the field `to`. */
const fieldOf = (pointer: string): string => pointer.replace(/^\//, '').split('/')[0] ?? ''

interface FormProps {
  /** Sends the form. A problem that it throws is shown at its fields. */
  readonly onSubmit: () => Promise<void>
  readonly submit: string
  /** Names of the fields. Mistakes elsewhere are shown above the button. */
  readonly fields: readonly string[]
  readonly children: ComponentChildren
  /** Further buttons. */
  readonly actions?: ComponentChildren
}

/** A form whose mistakes appear at their fields. Control and Enter send it from anywhere in it. */
export function Form({ onSubmit, submit, fields, children, actions }: FormProps) {
  const [problem, setProblem] = useState<Problem>()
  const [isSending, setSending] = useState(false)
  const send = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (isSending) return
    setSending(true)
    setProblem(undefined)
    try {
      await onSubmit()
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setSending(false)
    }
  }
  const mistakes = new Map((problem?.errors ?? []).map(({ pointer, message }) => [fieldOf(pointer), message]))
  const isAtField = mistakes.size > 0 && [...mistakes.keys()].every((field) => fields.includes(field))
  return (
    <Mistakes.Provider value={mistakes}>
      <form
        class="form"
        noValidate
        onSubmit={send}
        onKeyDown={(event) => event.key === 'Enter' && (event.ctrlKey || event.metaKey) && send(event)}
      >
        {children}
        {problem && !isAtField && (
          <p class="form-problem" role="alert">
            <strong>{problem.title}.</strong> {problem.message}
          </p>
        )}
        <div class="form-actions">
          {actions}
          <Button kind="primary" type="submit" disabled={isSending}>
            {submit}
          </Button>
        </div>
      </form>
    </Mistakes.Provider>
  )
}

interface FieldProps extends Omit<JSX.InputHTMLAttributes<HTMLInputElement>, 'onInput' | 'label'> {
  readonly name: string
  readonly label: string
  readonly hint?: ComponentChildren
  readonly value: string
  readonly onInput: (value: string) => void
  /** A text of several lines. */
  readonly rows?: number
}

interface ChoiceProps<Value extends string> {
  readonly name: string
  readonly label: string
  readonly hint?: ComponentChildren
  readonly value: Value
  readonly choices: readonly { readonly value: Value; readonly label: string }[]
  readonly onChoose: (value: Value) => void
}

/** A labelled list to choose from, with its hint and its mistake. */
export function Choice<Value extends string>({ name, label, hint, value, choices, onChoose }: ChoiceProps<Value>) {
  const id = useId()
  const mistake = useContext(Mistakes).get(name)
  return (
    <div class={`field ${mistake ? 'bad' : ''}`}>
      <label for={id}>{label}</label>
      <select
        id={id}
        name={name}
        value={value}
        aria-invalid={mistake !== undefined}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChoose(event.currentTarget.value as Value)}
      >
        {choices.map((one) => (
          <option key={one.value} value={one.value}>
            {one.label}
          </option>
        ))}
      </select>
      <p id={`${id}-hint`} class="hint">
        {mistake ?? hint}
      </p>
    </div>
  )
}

/** A labelled text field with its hint and its mistake. */
export function Field({ name, label, hint, value, onInput, rows, ...rest }: FieldProps) {
  const id = useId()
  const mistake = useContext(Mistakes).get(name)
  const shared = {
    id,
    name,
    value,
    'aria-invalid': mistake !== undefined,
    'aria-describedby': `${id}-hint`,
    onInput: (event: Event) => onInput((event.currentTarget as HTMLInputElement).value),
  }
  return (
    <div class={`field ${mistake ? 'bad' : ''}`}>
      <label for={id}>{label}</label>
      {rows === undefined ? (
        <input {...rest} {...shared} />
      ) : (
        <textarea placeholder={rest.placeholder} autofocus={rest.autofocus} {...shared} rows={rows} />
      )}
      <p id={`${id}-hint`} class="hint">
        {mistake ?? hint}
      </p>
    </div>
  )
}
