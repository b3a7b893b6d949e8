import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Plugin } from 'vite'

const NAME = 'virtual:client-support'

/** The part of the data of caniemail.com that is used. */
interface Source {
  readonly last_update_date: string
  readonly nicenames: { readonly family: Record<string, string>; readonly platform: Record<string, string> }
  readonly data: readonly {
    readonly title: string
    readonly slug: string
    readonly category: string
    /** By program, platform and version. */
    readonly stats: Record<string, Record<string, Record<string, string>>>
    readonly notes_by_num: Record<string, string> | null
  }[]
}

/**
 * Returns a Vite plugin for the module `virtual:client-support`: what mail programs support of HTML and CSS, from
 * caniemail.com (MIT). Only the latest version of each program is kept, which makes the data a fifth of their size.
 */
export const clientSupport = (): Plugin => ({
  name: 'client-support',
  resolveId: (id) => (id === NAME ? `\0${NAME}` : null),
  load: (id) => (id === `\0${NAME}` ? `export default ${JSON.stringify(compact())}` : null),
})

function compact(): object {
  const file = createRequire(import.meta.url).resolve('caniemail/caniemail.json')
  const { last_update_date: updated, nicenames, data } = JSON.parse(readFileSync(file, 'utf8')) as Source
  const features = data.map(({ title, slug, category, stats, notes_by_num: notes }) => ({
    title,
    slug,
    category,
    notes: notes ?? {},
    support: Object.fromEntries(
      Object.entries(stats).flatMap(([family, platforms]) =>
        Object.entries(platforms).flatMap(([platform, versions]) => {
          const latest = Object.values(versions).at(-1)
          return latest ? [[`${family}.${platform}`, latest] as const] : []
        }),
      ),
    ),
  }))
  return { updated: updated.slice(0, 10), families: nicenames.family, platforms: nicenames.platform, features }
}
