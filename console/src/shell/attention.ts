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

/** Events after which other certificates may be served. */
const CERTIFICATE_EVENTS = ['certificate.changed', 'configuration.reloaded']

async function countCertificates(): Promise<void> {
  if (callerState.value.name !== 'in' || !seesLab()) return
  const { items } = await call('certificates.list', {})
  const ending = items.filter(({ daysLeft, usedBy }) => daysLeft < EXPIRES_SOON_DAYS && usedBy.length > 0)
  needAttention('certificates', ending.length)
}

// The page of the certificates shows why they cannot be read.
effect(() => void countCertificates().catch(() => {}))
onLive(({ name }) => CERTIFICATE_EVENTS.includes(name) && void countCertificates().catch(() => {}))
