import { effect, signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'
export type Language = 'en' | 'ja' | 'de'

const KEY = 'sealpost'
export const languages: readonly Language[] = ['en', 'ja', 'de']

function read(): Record<string, unknown> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, unknown>
  } catch {
    return {}
  }
}

const browserLanguage = (): Language =>
  languages.find((one) => navigator.languages.some((wanted) => wanted.toLowerCase().startsWith(one))) ?? 'en'

const stored = read()
export const theme = signal<Theme>((['light', 'dark'] as const).find((one) => one === stored.theme) ?? 'system')
export const language = signal<Language>(languages.find((one) => one === stored.language) ?? browserLanguage())
const others = signal<Record<string, unknown>>((stored.others ?? {}) as Record<string, unknown>)

/** Returns a remembered choice of a page, such as the width of a pane. */
export const remembered = <T>(name: string, missing: T): T => (others.value[name] as T | undefined) ?? missing

export function remember(name: string, value: unknown): void {
  others.value = { ...others.value, [name]: value }
}

effect(() => {
  const { dataset } = document.documentElement
  if (theme.value === 'system') delete dataset.theme
  else dataset.theme = theme.value
  document.documentElement.lang = language.value
  try {
    localStorage.setItem(KEY, JSON.stringify({ theme: theme.value, language: language.value, others: others.value }))
  } catch {
    // Without storage, the choices last as long as the page.
  }
})
