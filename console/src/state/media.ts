import { type Signal, signal } from '@preact/signals'

function matches(query: string): Signal<boolean> {
  const list = matchMedia(query)
  const found = signal(list.matches)
  list.addEventListener('change', () => {
    found.value = list.matches
  })
  return found
}

/** Whether there is room for one pane only, as on a phone. */
export const isNarrow = matches('(max-width: 600px)')
/** Whether there is room for two panes at most. */
export const isMedium = matches('(max-width: 900px)')
/** The system's theme. A theme that the user chose takes precedence. */
export const isDark = matches('(prefers-color-scheme: dark)')
export const isHighContrast = matches('(prefers-contrast: more)')
