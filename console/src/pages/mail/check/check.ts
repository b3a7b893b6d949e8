import data from 'virtual:client-support'
import { readHtml, useOf } from './detect.ts'

/** The support for a feature in the forms of a mail program. */
export interface ClientSupport {
  /** Gmail (iOS, Android). */
  readonly name: string
  readonly notes: readonly string[]
}

/** A feature that a message uses. */
export interface UsedFeature {
  readonly title: string
  /** Its page at caniemail.com. */
  readonly url: string
  readonly category: string
  readonly uses: number
  readonly none: readonly ClientSupport[]
  readonly partial: readonly ClientSupport[]
  readonly full: number
  /** Share of the programs that support it, 0 to 1. Partial support counts as half. */
  readonly share: number
}

interface CheckResult {
  readonly features: readonly UsedFeature[]
  readonly share: number
  /** Date of the data. */
  readonly updated: string
}

/** The programs that can be chosen. */
export const families: readonly (readonly [id: string, name: string])[] = Object.entries(data.families)
  .map(([id, name]) => [id, name] as const)
  .sort(([, a], [, b]) => a.localeCompare(b))

/** Finds the features that a message uses, and the mail programs that do not support them. */
export function checkHtml(html: string, chosen: ReadonlySet<string>): CheckResult {
  const used = readHtml(html)
  const features = data.features
    .flatMap((feature) => {
      const uses = useOf(feature, used) ?? 0
      return uses > 0 ? [supportOf(feature, uses, chosen)] : []
    })
    .filter(({ none, partial, full }) => none.length + partial.length + full > 0)
    .sort((a, b) => a.share - b.share || a.title.localeCompare(b.title))
  const share = features.length === 0 ? 1 : features.reduce((sum, one) => sum + one.share, 0) / features.length
  return { features, share, updated: data.updated }
}

type Feature = (typeof data.features)[number]

function supportOf(
  { title, slug, category, notes, support }: Feature,
  uses: number,
  chosen: ReadonlySet<string>,
): UsedFeature {
  const found = { y: [] as Client[], a: [] as Client[], n: [] as Client[] }
  for (const [client, text] of Object.entries(support)) {
    const [family = '', platform = ''] = client.split('.')
    const kind = text[0] as keyof typeof found
    if (!(kind in found) || (chosen.size > 0 && !chosen.has(family))) continue
    const numbers = [...text.matchAll(/#(\d+)/g)].map(([, number = '']) => notes[number] ?? '')
    found[kind].push({ family, platform: data.platforms[platform] ?? platform, notes: numbers.filter(Boolean) })
  }
  const { y, a, n } = found
  const all = y.length + a.length + n.length
  return {
    title,
    url: `https://www.caniemail.com/features/${slug}/`,
    category,
    uses,
    none: byFamily(n),
    partial: byFamily(a),
    full: y.length,
    share: all === 0 ? 1 : (y.length + a.length / 2) / all,
  }
}

interface Client {
  readonly family: string
  readonly platform: string
  readonly notes: readonly string[]
}

function byFamily(clients: readonly Client[]): ClientSupport[] {
  return [...new Set(clients.map(({ family }) => family))].map((family) => {
    const forms = clients.filter((one) => one.family === family)
    const platforms = forms.map(({ platform }) => platform).join(', ')
    return {
      name: `${data.families[family] ?? family} (${platforms})`,
      notes: [...new Set(forms.flatMap(({ notes }) => notes))],
    }
  })
}
