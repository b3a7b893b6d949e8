import type { Problem } from './api/problem.ts'
import { ProblemState } from './components/states.tsx'
import { LogOnPage } from './shell/log-on.tsx'
import { Shell } from './shell/shell.tsx'
import { callerState, start } from './state/caller.ts'

/** The console: the shell for those who are logged on, and the log-on page for others. */
export function App() {
  const state = callerState.value
  if (state.name === 'in') return <Shell />
  if (state.name === 'out') return <LogOnPage />
  return state.name === 'unreachable' ? <Unreachable problem={state.problem} /> : null
}

/** The page of a lab that does not answer, or refuses everything. */
const Unreachable = ({ problem }: { readonly problem: Problem }) => (
  <main class="log-on">
    <ProblemState problem={problem} onRetry={start} />
  </main>
)
