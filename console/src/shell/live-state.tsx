import { useEffect, useState } from 'preact/hooks'
import { lastLiveAt, liveState, reconnectNow } from '../api/live.ts'
import { shortTime } from '../components/relative-time.tsx'
import { t } from '../texts/index.ts'

const SECOND_MS = 1_000

/** Whether events arrive: ● live, ◐ reconnecting with its countdown, ○ offline with the last time. A click tries now. */
export function LiveState() {
  const state = liveState.value
  const seconds = useCountdown(state.name === 'reconnecting' ? state.at : undefined)
  const text = {
    live: () => t('shell.live'),
    reconnecting: () => t('shell.reconnecting', { seconds }),
    offline: () => t('shell.offline', { time: shortTime(lastLiveAt.value ?? Date.now()) }),
  }[state.name]()
  const sign = { live: '●', reconnecting: '◐', offline: '○' }[state.name]
  return (
    <button
      type="button"
      class={`live ${state.name}`}
      title={state.name === 'live' ? t('shell.liveHint') : t('shell.reconnectNow')}
      onClick={() => state.name !== 'live' && reconnectNow()}
    >
      <span aria-hidden="true" class="sign">
        {sign}
      </span>
      <span role="status">{text}</span>
    </button>
  )
}

/** Returns the seconds until a time, counted down. */
function useCountdown(at: number | undefined): number {
  const [, render] = useState({})
  useEffect(() => {
    if (at === undefined) return
    const timer = setInterval(() => render({}), SECOND_MS)
    return () => clearInterval(timer)
  }, [at])
  return at === undefined ? 0 : Math.max(0, Math.ceil((at - Date.now()) / SECOND_MS))
}
