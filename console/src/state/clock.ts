import { computed, effect, signal } from '@preact/signals'
import { call, type OutputOf } from '../api/client.ts'
import { onLive, reconnects } from '../api/live.ts'
import { callerState } from './caller.ts'

const TICK_MS = 30_000

/** The time of the browser, for times that count from it. */
export const browserNow = signal(Date.now())
setInterval(() => {
  browserNow.value = Date.now()
}, TICK_MS)

interface Reading {
  /** How far the lab is ahead of the browser. */
  readonly aheadMs: number
  /** The time of a clock that is stopped. */
  readonly stoppedAt?: number
}
const reading = signal<Reading>({ aheadMs: 0 })

function read({ now, frozen }: Pick<OutputOf<'clock.get'>, 'now' | 'frozen'>): void {
  const at = Date.parse(now)
  reading.value = { aheadMs: at - Date.now(), ...(frozen ? { stoppedAt: at } : {}) }
}

/** The time of the lab, which certificates and messages follow. */
export const labNow = computed(() => reading.value.stoppedAt ?? browserNow.value + reading.value.aheadMs)

effect(() => {
  if (callerState.value.name !== 'in' || reconnects.value < 0) return
  // Pages that the lab does not answer say so themselves.
  call('clock.get', {}).then(read, () => {})
})
onLive(({ name, data }) => {
  if (name === 'clock.changed') read(data as unknown as OutputOf<'clock.get'>)
})
