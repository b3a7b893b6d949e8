import { call } from '../api/client.ts'
import { problemOf } from '../api/problem.ts'
import { doUnlessUndone, notifyProblem } from './toast.tsx'

/**
 * Offers to undo the change of the configuration that was made last.
 * @param text what was changed
 * @param undone called when it is undone
 */
export function offerUndo(text: string, undone?: () => void): void {
  call('configuration.history', { limit: 1 }).then(
    ({ items: [latest] }) => {
      if (!latest) return
      const undo = (): void =>
        void call('configuration.undo', { id: latest.id, dryRun: false }).then(undone, (error) =>
          notifyProblem(problemOf(error)),
        )
      doUnlessUndone(text, { act: () => {}, undo })
    },
    (error) => notifyProblem(problemOf(error)),
  )
}
