import { Badge } from '../../components/badge.tsx'
import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'
import type { Connector } from './facts.ts'

const WHEN = { automatic: 'accent', release: 'neutral', never: 'neutral' } as const

/** When a connector sends mail, as a badge. */
export const When = ({ when }: Pick<Connector, 'when'>) => <Badge tone={WHEN[when]}>{t(`outgoing.when_${when}`)}</Badge>

type Tone = 'neutral' | 'good' | 'warning' | 'bad' | 'accent'

/** How the state of a message, or of a recipient, is shown. */
const states: Readonly<Record<string, { readonly tone: Tone; readonly text: TextKey }>> = {
  waiting: { tone: 'neutral', text: 'outgoing.state_waiting' },
  sending: { tone: 'accent', text: 'outgoing.state_sending' },
  deferred: { tone: 'warning', text: 'outgoing.state_deferred' },
  held: { tone: 'neutral', text: 'outgoing.state_held' },
  sent: { tone: 'good', text: 'outgoing.state_sent' },
  failed: { tone: 'bad', text: 'outgoing.state_failed' },
}

/** The state of a message or a recipient, as a badge. */
export const State = ({ of }: { readonly of: string }) => {
  const state = states[of]
  return state ? <Badge tone={state.tone}>{t(state.text)}</Badge> : null
}
