import { effect, signal } from '@preact/signals'
import { call } from '../api/client.ts'
import { onLive } from '../api/live.ts'
import { callerState, seesLab } from '../state/caller.ts'

/** Days before its end from which a certificate that is served needs attention. */
const EXPIRES_SOON_DAYS = 14

/** How many things on a page need attention, by its path. Shown in the rail. */
export const attention = signal<Readonly<Record<string, number>>>({})

export function needAttention(path: string, count: number): void {
  if ((attention.value[path] ?? 0) !== count) attention.value = { ...attention.value, [path]: count }
}

// The page of the sessions sets the count back: whoever is there sees them.
onLive(({ name }) => {
  if (name === 'session.refused') needAttention('sessions', (attention.value.sessions ?? 0) + 1)
})

/** What the rail counts on pages that are not open: the events that may change it, and the count. */
const counts: readonly {
  readonly path: string
  readonly events: readonly string[]
  readonly count: () => Promise<number>
}[] = [
  {
    path: 'certificates',
    events: ['certificate.changed', 'configuration.reloaded'],
    async count() {
      const { items } = await call('certificates.list', {})
      return items.filter(({ daysLeft, usedBy }) => daysLeft < EXPIRES_SOON_DAYS && usedBy.length > 0).length
    },
  },
  {
    path: 'authorities',
    events: ['request.queued', 'certificate.changed'],
    async count() {
      const { items } = await call('authorities.requests', {})
      return items.filter(({ state }) => state === 'pending').length
    },
  },
]

/** Counts what an event may have changed, or everything. */
function countAgain(event?: string): void {
  if (callerState.value.name !== 'in' || !seesLab()) return
  for (const { path, events, count } of counts) {
    if (event !== undefined && !events.includes(event)) continue
    // The page itself shows why it cannot read what is counted.
    count().then(
      (found) => needAttention(path, found),
      () => {},
    )
  }
}

effect(() => countAgain())
onLive(({ name }) => countAgain(name))
