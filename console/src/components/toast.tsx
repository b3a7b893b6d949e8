import { signal } from '@preact/signals'
import { X } from 'lucide-preact'
import type { Problem } from '../api/problem.ts'
import { t } from '../texts/index.ts'
import { Button } from './button.tsx'

/** How long something can be undone. */
const UNDO_MS = 10_000
const NOTE_MS = 5_000

interface Toast {
  readonly id: number
  readonly text: string
  readonly problem?: Problem
  readonly undo?: () => void
}

const toasts = signal<readonly Toast[]>([])
let count = 0

function add(toast: Omit<Toast, 'id'>): number {
  const id = ++count
  toasts.value = [...toasts.value, { id, ...toast }]
  return id
}

const remove = (id: number): void => {
  toasts.value = toasts.value.filter((one) => one.id !== id)
}

/** Says something that is not visible otherwise. */
export function notify(text: string): void {
  const id = add({ text })
  setTimeout(() => remove(id), NOTE_MS)
}

/** Shows a refusal until it is dismissed. */
export function notifyProblem(problem: Problem): void {
  add({ text: problem.title, problem })
}

/** Actions that can still be undone. */
const waiting = new Set<() => void>()
// Pending actions also run when the page closes.
addEventListener('pagehide', () => {
  for (const finish of waiting) finish()
})

/**
 * Runs an action after ten seconds, unless the user undoes it first. Also runs it when the page closes.
 * @param act does it. Called in any case, unless `undo` was
 */
export function doUnlessUndone(
  text: string,
  { act, undo }: { readonly act: () => void; readonly undo: () => void },
): void {
  const end = (): void => {
    clearTimeout(timer)
    waiting.delete(finish)
    remove(id)
  }
  const finish = (): void => {
    end()
    act()
  }
  const id = add({
    text,
    undo: () => {
      end()
      undo()
    },
  })
  const timer = setTimeout(finish, UNDO_MS)
  waiting.add(finish)
}

/** The messages at the lower edge. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, problem, undo }) => (
        <div key={id} class={`toast ${problem ? 'bad' : ''}`}>
          <div>
            <strong>{text}</strong>
            {problem && <p>{problem.message}</p>}
          </div>
          {undo && (
            <Button kind="plain" class="undo" onClick={undo}>
              {t('shell.undo')}
            </Button>
          )}
          {problem && <Button kind="plain" icon={X} label={t('shell.dismiss')} onClick={() => remove(id)} />}
        </div>
      ))}
    </div>
  )
}
