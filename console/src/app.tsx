import { LogOnPage } from './shell/log-on.tsx'
import { Shell } from './shell/shell.tsx'
import { Unreachable } from './shell/unreachable.tsx'
import { callerState } from './state/caller.ts'

/** The console: the shell for those who are logged on, and the log-on page for others. */
export function App() {
  const state = callerState.value
  if (state.name === 'in') return <Shell />
  if (state.name === 'out') return <LogOnPage />
  return state.name === 'unreachable' ? <Unreachable problem={state.problem} /> : null
}
