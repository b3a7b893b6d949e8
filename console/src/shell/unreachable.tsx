import type { Problem } from '../api/problem.ts'
import { ProblemState } from '../components/states.tsx'
import { start } from '../state/caller.ts'

/** The page of a lab that does not answer, or refuses everything. */
export const Unreachable = ({ problem }: { readonly problem: Problem }) => (
  <main class="log-on">
    <ProblemState problem={problem} onRetry={start} />
  </main>
)
