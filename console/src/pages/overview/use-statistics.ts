import { useEffect, useRef } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { reconnects } from '../../api/live.ts'
import { type Live, useLive } from '../../api/use-live.ts'
import { type Hour, withNewer } from './samples.ts'

const INTERVAL_MS = 10_000

/** Reads the last hour, and again what is new: with each interval, and when mail arrives or a session begins or ends. */
export function useStatistics(): Live<Hour> {
  const known = useRef<{ readonly connection: number; readonly hour: Hour }>()
  const live = useLive(
    async () => {
      // A lab that has started again has other samples.
      const connection = reconnects.peek()
      const before = known.current?.connection === connection ? known.current.hour : undefined
      const since = before?.samples.at(-1)?.at
      const hour = withNewer(before, await call('statistics.get', since === undefined ? {} : { since }))
      known.current = { connection, hour }
      return hour
    },
    ({ name }) => name === 'message.received' || name.startsWith('session.'),
  )
  const { again } = live
  useEffect(() => {
    const readIfSeen = (): void => {
      if (document.visibilityState === 'visible') void again()
    }
    const timer = setInterval(readIfSeen, INTERVAL_MS)
    document.addEventListener('visibilitychange', readIfSeen)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', readIfSeen)
    }
  }, [again])
  return live
}
