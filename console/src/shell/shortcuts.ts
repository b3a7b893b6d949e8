import { useEffect } from 'preact/hooks'
import type { TextKey } from '../texts/catalogue.ts'

/** A key, or two in a row such as `g m`, and what it does. */
export interface Shortcut {
  readonly keys: string
  readonly text: TextKey
  readonly run: () => void
}

/** Groups of shortcuts that are active, the page's after the shell's. */
const groups = new Set<readonly Shortcut[]>()
const PREFIX_MS = 1_000
let prefix = ''
let prefixTimer: ReturnType<typeof setTimeout> | undefined

export const activeShortcuts = (): readonly Shortcut[] => [...groups].flat()

/** Makes shortcuts active while the component is shown. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  useEffect(() => {
    groups.add(shortcuts)
    return () => {
      groups.delete(shortcuts)
    }
  }, [shortcuts])
}

/** Returns whether keys type something where they are pressed, or belong to an open dialog. */
const isTaken = (target: EventTarget | null): boolean =>
  document.querySelector('dialog[open]') !== null ||
  (target instanceof Element &&
    target.closest('input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]') !== null)

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTaken(event.target)) return
  const keys = prefix === '' ? event.key : `${prefix} ${event.key}`
  prefix = ''
  clearTimeout(prefixTimer)
  const all = activeShortcuts().toReversed()
  const found = all.find((one) => one.keys === keys) ?? all.find((one) => one.keys === event.key)
  if (found) {
    event.preventDefault()
    found.run()
  } else if (all.some((one) => one.keys.startsWith(`${event.key} `))) {
    prefix = event.key
    prefixTimer = setTimeout(() => {
      prefix = ''
    }, PREFIX_MS)
  }
})
