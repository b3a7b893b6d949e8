import { useId, useRef } from 'preact/hooks'
import { t } from '../../texts/index.ts'

/** A mistake in a script. Lines count from 1. */
export interface Mistake {
  readonly line: number
  /** With the line and the column. */
  readonly message: string
}

interface ScriptTextProps {
  readonly value: string
  /** Undefined: not known yet. */
  readonly mistakes: readonly Mistake[] | undefined
  readonly readOnly: boolean
  readonly onInput: (value: string) => void
}

/** A text area with the numbers of its lines. A mistake marks its line; the list of mistakes below leads there. */
export function ScriptText({ value, mistakes, readOnly, onInput }: ScriptTextProps) {
  const id = useId()
  const area = useRef<HTMLTextAreaElement>(null)
  const numbers = useRef<HTMLDivElement>(null)
  const lines = value.split('\n')
  const bad = new Map(mistakes?.map(({ line, message }) => [line, message]))
  const go = (line: number): void => {
    const { current } = area
    if (!current) return
    const start = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0)
    current.focus()
    current.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0))
    current.scrollTop = (current.scrollHeight / lines.length) * Math.max(0, line - 3)
  }
  return (
    <div class={`field ${bad.size > 0 ? 'bad' : ''}`}>
      <label for={id}>{t('scripts.content')}</label>
      <div class="script-text">
        <div ref={numbers} class="line-numbers" aria-hidden="true">
          {lines.map((_, index) => (
            <span key={index} class={bad.has(index + 1) ? 'bad' : undefined} title={bad.get(index + 1)}>
              {index + 1}
            </span>
          ))}
        </div>
        <textarea
          ref={area}
          id={id}
          name="content"
          wrap="off"
          spellcheck={false}
          autocapitalize="off"
          readOnly={readOnly}
          value={value}
          aria-invalid={bad.size > 0}
          aria-describedby={`${id}-mistakes`}
          onInput={(event) => onInput(event.currentTarget.value)}
          onScroll={(event) => numbers.current && (numbers.current.scrollTop = event.currentTarget.scrollTop)}
        />
      </div>
      <div id={`${id}-mistakes`} class="script-mistakes" role="status">
        {mistakes?.length === 0 && <p class="hint">{t('scripts.valid')}</p>}
        {mistakes && mistakes.length > 0 && (
          <ul>
            {mistakes.map(({ line, message }, index) => (
              <li key={index}>
                <button type="button" onClick={() => go(line)}>
                  {message}
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  )
}
