import { effect, signal } from '@preact/signals'
import { call } from '../api/client.ts'
import { type EventName, onLive, reconnects } from '../api/live.ts'
import { callerState, seesLab } from '../state/caller.ts'
import { EXPIRES_SOON_DAYS } from '../state/expiry.ts'

/** How many things on a page need attention, by its path. Shown in the rail. */
export const attention = signal<Readonly<Record<string, number>>>({})

export function needAttention(path: string, count: number): void {
  if ((attention.value[path] ?? 0) !== count) attention.value = { ...attention.value, [path]: count }
}

// The page of the sessions sets the count back.
onLive(({ name }) => {
  if (name === 'session.refused') needAttention('sessions', (attention.value.sessions ?? 0) + 1)
})

/** The rail's counts for pages that are not open: the events that may change it, and the count. */
const counts: readonly {
  readonly path: string
  readonly events: readonly EventName[]
  readonly count: () => Promise<number>
}[] = [
  {
    path: 'certificates',
    events: ['certificate.changed', 'clock.changed', 'configuration.reloaded', 'lab.reset'],
    async count() {
      const { items } = await call('certificates.list', {})
      return items.filter(({ daysLeft, usedBy }) => daysLeft < EXPIRES_SOON_DAYS && usedBy.length > 0).length
    },
  },
  {
    path: 'outgoing',
    events: ['queue.sent', 'queue.deferred', 'queue.failed', 'queue.changed', 'lab.reset'],
    count: async () => (await call('queue.list', { state: 'deferred', limit: 1 })).total,
  },
  {
    path: 'authorities',
    events: ['request.queued', 'certificate.changed', 'lab.reset'],
    async count() {
      const { items } = await call('authorities.requests', {})
      return items.filter(({ state }) => state === 'pending').length
    },
  },
]

/** Events in a burst cause one request. */
const GATHER_MS = 500
/** Paths of what is counted soon. */
const due = new Set<string>()
let timer: ReturnType<typeof setTimeout> | undefined

function countDue(): void {
  clearTimeout(timer)
  timer = undefined
  const paths = new Set(due)
  due.clear()
  if (callerState.peek().name !== 'in' || !seesLab()) return
  for (const { path, count } of counts) {
    if (!paths.has(path)) continue
    // The page itself shows why it cannot read what is counted.
    count().then(
      (found) => needAttention(path, found),
      () => {},
    )
  }
}

effect(() => {
  if (callerState.value.name === 'out') attention.value = {}
})
effect(() => {
  // Other callers may see other things. After a reconnection, events may be missing.
  if (callerState.value.name !== 'in' || reconnects.value < 0) return
  for (const { path } of counts) due.add(path)
  countDue()
})
onLive(({ name }) => {
  for (const { path, events } of counts) if (events.includes(name)) due.add(path)
  if (due.size > 0) timer ??= setTimeout(countDue, GATHER_MS)
})
