import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const docs = readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
const pages = [
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'console/README.md'],
  ...docs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name)),
]

/** Returns a page without its code: links and headings in code are examples. */
const proseOf = (page: string): string =>
  readFileSync(join(repository, page), 'utf8')
    .replaceAll(/^( *)```.*?^\1```$/gms, '')
    .replaceAll(/<!--.*?-->/gs, '')

/** Returns the anchors of the headings of a page, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>()
  const counts = new Map<string, number>()
  for (const [, heading = ''] of proseOf(page).matchAll(/^#{1,6} (.*)$/gm)) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-')
    const count = counts.get(slug) ?? 0
    counts.set(slug, count + 1)
    anchors.add(count === 0 ? slug : `${slug}-${count}`)
  }
  for (const [, id = ''] of proseOf(page).matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id)
  return anchors
}

/** Returns why a link of a page leads nowhere; undefined if it leads somewhere. */
function deadLink(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : relative(repository, resolve(repository, dirname(page), path))
  if (!existsSync(join(repository, target))) return `${page}: ${link}: no such file`
  if (anchor === undefined || !target.endsWith('.md') || anchorsOf(target).has(anchor)) return undefined
  return `${page}: ${link}: no such heading`
}

test('every file and heading that a page points to is there', () => {
  const links = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g)].map(([, link = '']) => [page, link] as const),
  )
  expect(links.length).toBeGreaterThan(500)
  expect(links.flatMap(([page, link]) => deadLink(page, link) ?? [])).toEqual([])
})
