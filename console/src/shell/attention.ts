import { signal } from '@preact/signals'
import { onLive } from '../api/live.ts'

/** How many things on a page need attention, by its path. Shown in the rail. */
export const attention = signal<Readonly<Record<string, number>>>({})

export function needAttention(path: string, count: number): void {
  if ((attention.value[path] ?? 0) !== count) attention.value = { ...attention.value, [path]: count }
}

// The page of the sessions sets the count back: whoever is there sees them.
onLive(({ name }) => {
  if (name === 'session.refused') needAttention('sessions', (attention.value.sessions ?? 0) + 1)
})
