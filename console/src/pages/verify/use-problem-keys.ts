import { useMemo, useRef } from 'preact/hooks'
import { useShortcuts } from '../../shell/shortcuts.ts'

type Cell = readonly [row: string, column: string]

/** Makes `j` and `k` open the next and the previous problem, and Escape close it. */
export function useProblemKeys(
  problems: readonly Cell[],
  selected: Cell | undefined,
  select: (cell: Cell | undefined) => void,
): void {
  const latest = useRef({ problems, selected, select })
  latest.current = { problems, selected, select }
  const shortcuts = useMemo(() => {
    const step = (by: number) => (): void => {
      const now = latest.current
      const at = now.problems.findIndex(([row, column]) => row === now.selected?.[0] && column === now.selected[1])
      const count = now.problems.length
      if (count > 0) now.select(now.problems[at === -1 ? (by > 0 ? 0 : count - 1) : (at + by + count) % count])
    }
    return [
      { keys: 'j', text: 'verify.nextProblem' as const, run: step(1) },
      { keys: 'k', text: 'verify.previousProblem' as const, run: step(-1) },
      { keys: 'Escape', text: 'verify.closeDetail' as const, run: () => latest.current.select(undefined) },
    ]
  }, [])
  useShortcuts(shortcuts)
}
