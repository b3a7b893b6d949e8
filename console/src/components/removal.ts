import { signal } from '@preact/signals'
import { problemOf } from '../api/problem.ts'
import { doUnlessUndone, notifyProblem } from './toast.tsx'

const leaving = signal<ReadonlySet<string>>(new Set())

/** Returns whether something is removed soon, so that lists hide it. */
export const isLeaving = (id: string): boolean => leaving.value.has(id)

/**
 * Removes something after the time to undo it.
 * @param remove removes it, and reads what lists it again. @throws Problem, which is shown
 */
export function removeUnlessUndone(id: string, text: string, remove: () => Promise<unknown>): void {
  leaving.value = new Set([...leaving.value, id])
  const back = (): void => {
    leaving.value = new Set([...leaving.value].filter((one) => one !== id))
  }
  doUnlessUndone(text, {
    act: () =>
      void remove()
        .catch((error) => notifyProblem(problemOf(error)))
        .finally(back),
    undo: back,
  })
}
