import { signal } from '@preact/signals'

/** How many things on a page need attention, by its path. Shown in the rail. */
export const attention = signal<Readonly<Record<string, number>>>({})

export function needAttention(path: string, count: number): void {
  if ((attention.value[path] ?? 0) !== count) attention.value = { ...attention.value, [path]: count }
}
