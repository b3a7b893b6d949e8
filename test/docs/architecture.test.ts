import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const text = readFileSync(`${repository}docs/architecture.md`, 'utf8')

/** Room → the rooms it may import, as the table says. */
const told = new Map(
  [...text.matchAll(/^\| `((?:src|servers)\/\w+)` \|[^|]*\| ([^|]*) \|$/gm)].map(([, room, list]) => [
    room as string,
    list === '–' ? [] : (list as string).split(', ').sort(),
  ]),
)

interface Override {
  readonly includes: readonly [string]
  readonly linter: { rules: { style: { noRestrictedImports: { options: { patterns: { group: string[] }[] } } } } }
}

const { overrides } = JSON.parse(readFileSync(`${repository}layering.biome.json`, 'utf8')) as { overrides: Override[] }
const rooms = [...told.keys()].flatMap((room) => (room.startsWith('src/') ? [room.slice('src/'.length)] : []))
const services = ['smtp', 'pop3', 'imap4', 'nntp']

/** What lint lets a room import. */
function enforced({ includes, linter }: Override): [string, string[]] {
  const room = includes[0].replace('/**', '')
  const globs = linter.rules.style.noRestrictedImports.options.patterns.flatMap(({ group }) => group)
  const denied =
    globs
      .find((glob) => glob.startsWith('**/{'))
      ?.slice('**/{'.length)
      .split('}')[0]
      ?.split(',') ?? []
  const all = [...rooms, 'servers'].filter((name) => name !== 'config' && room !== `src/${name}`)
  return [room, all.filter((name) => !denied.includes(name)).sort()]
}

test('the table of rooms is what lint enforces', () => {
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(overrides.map(enforced)))
})

test('every room is in the table', () => {
  const folders = readdirSync(`${repository}src`, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(rooms).toEqual(expect.arrayContaining(folders.map(({ name }) => name)))
  expect([...told.keys()]).toEqual(expect.arrayContaining(services.map((name) => `servers/${name}`)))
})

test.each(['docs/architecture.md', 'CONTRIBUTING.md'])('the files that %s names are there', (document) => {
  const content = readFileSync(repository + document, 'utf8')
  const named = [...content.matchAll(/`((?:src|servers|test|config|scripts|\.ci)\/[\w./-]+)`/g)].map(
    ([, path]) => path as string,
  )
  // Rooms may be in the table before they have their first file.
  const missing = named.filter((path) => !existsSync(repository + path) && !told.has(path.replace(/\/$/, '')))
  expect(missing).toEqual(missing.filter((path) => path === 'src/cli/NAME.ts'))
})
