import { signal } from '@preact/signals'
import { type Language, language } from '../state/preferences.ts'
import type { TextKey } from './catalogue.ts'

type Area = Readonly<Record<string, string>>

/** Each area of the catalogue in each language is a file that is loaded when a page needs it. */
const files = import.meta.glob<{ default: Area }>(['./en/*.ts', './ja/*.ts', './de/*.ts'])
const loaded = signal<Readonly<Record<string, string>>>({})
const areas = new Set<string>()

/** Loads the texts of areas, such as `shell` and `mail`. Those that a language lacks are English. */
export async function loadTexts(...names: string[]): Promise<void> {
  for (const name of names) areas.add(name)
  await show(language.value, names)
}

/** Changes the language of everything that is shown. */
export async function changeLanguage(to: Language): Promise<void> {
  await show(to, [...areas])
  language.value = to
}

async function show(to: Language, names: readonly string[]): Promise<void> {
  const wanted = names.flatMap((name) => [`./en/${name}.ts`, ...(to === 'en' ? [] : [`./${to}/${name}.ts`])])
  const found = await Promise.all(wanted.map((path) => files[path]?.()))
  loaded.value = Object.assign({}, loaded.value, ...found.map((one) => one?.default ?? {}))
}

/**
 * Returns a text in the language of the console. `{name}` is replaced by a value. A text with `|` has forms for one and for
 * other counts, of which `n` decides: `{n} message|{n} messages`.
 */
export function t(key: TextKey, values: Readonly<Record<string, string | number>> = {}): string {
  const text = loaded.value[key] ?? key
  const forms = text.split('|')
  const isOne = new Intl.PluralRules(language.value).select(Number(values.n ?? 2)) === 'one'
  const form = forms.length === 1 || isOne ? (forms[0] as string) : (forms[1] as string)
  return form.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name]
    return value === undefined ? whole : typeof value === 'number' ? formatNumber(value) : value
  })
}

export const formatNumber = (value: number): string => value.toLocaleString(language.value)
