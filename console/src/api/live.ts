import { signal } from '@preact/signals'
import { type EventName, eventNames } from '../../../src/core/config/schema/event-names.ts'
import { urlOf } from '../base.ts'

export type { EventName }

/** The lab's message about an event. docs/api.md lists the events with their data. */
export interface LiveEvent {
  readonly name: EventName
  readonly data: { readonly at: string; readonly [key: string]: unknown }
}

type LiveState =
  | { readonly name: 'live' }
  | { readonly name: 'reconnecting'; readonly at: number }
  | { readonly name: 'offline'; readonly since: number }

/** Milliseconds until each attempt. The last is repeated. */
const PAUSES = [500, 1_000, 2_000, 5_000, 10_000]
/** After this many attempts without an answer, the lab is shown as offline. */
const ATTEMPTS_UNTIL_OFFLINE = 4

/** Whether events arrive. */
export const liveState = signal<LiveState>({ name: 'reconnecting', at: Date.now() })
/** Grows when events are missing or may be: the lab is reached again, or says so. Pages then read their data again. */
export const reconnects = signal(0)
/** When the last event arrived, or the connection was opened. */
export const lastLiveAt = signal<number | undefined>(undefined)

type Listener = (event: LiveEvent) => void
const listeners = new Set<Listener>()
let source: EventSource | undefined
let timer: ReturnType<typeof setTimeout> | undefined
let lastEventId = ''
let attempts = 0
let wasLive = false
/** Whether the stream should be open: somebody is logged on. */
let isWanted = false

/** Calls `listener` with each event of the lab. Returns the function that removes the listener. */
export function onLive(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Opens the stream of events, and keeps it open. */
export function connectLive(): void {
  disconnectLive()
  isWanted = true
  open()
}

/** Closes the stream, as when nobody is logged on. */
export function disconnectLive(): void {
  source?.close()
  source = undefined
  isWanted = false
  clearTimeout(timer)
  attempts = 0
}

/** Tries again now. */
export function reconnectNow(): void {
  clearTimeout(timer)
  source?.close()
  open()
}

function open(): void {
  const query = lastEventId === '' ? '' : `?lastEventId=${lastEventId}`
  const opened = new EventSource(urlOf(`api/v1/events${query}`))
  source = opened
  opened.addEventListener('open', () => {
    attempts = 0
    lastLiveAt.value = Date.now()
    liveState.value = { name: 'live' }
    if (wasLive) reconnects.value++
    wasLive = true
  })
  opened.addEventListener('error', () => retry(opened))
  for (const name of eventNames) {
    opened.addEventListener(name, (event) => {
      if (event.lastEventId !== '') lastEventId = event.lastEventId
      lastLiveAt.value = Date.now()
      if (name === 'events.lost') reconnects.value++
      const data = JSON.parse(event.data)
      for (const listener of listeners) listener({ name, data })
      if (name === 'lab.stopping') retry(opened)
    })
  }
}

/** The pauses are our own rather than the browser's, so that the page can show when it tries again. */
function retry(failed: EventSource): void {
  failed.close()
  if (source !== failed) return
  source = undefined
  const pause = PAUSES[Math.min(attempts++, PAUSES.length - 1)] as number
  liveState.value =
    attempts > ATTEMPTS_UNTIL_OFFLINE
      ? { name: 'offline', since: lastLiveAt.value ?? Date.now() }
      : { name: 'reconnecting', at: Date.now() + pause }
  timer = setTimeout(open, pause)
}

// Browsers know immediately when the network is back, or the machine is awake again.
addEventListener('online', () => {
  if (isWanted && !source) reconnectNow()
})
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && isWanted && !source) reconnectNow()
})
