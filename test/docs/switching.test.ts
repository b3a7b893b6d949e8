import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Setting } from '../../src/cli/like/tool.ts'
import { loadTool, toolNames } from '../../src/cli/like/tools.ts'

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')

/** Variables that differ by a number share a row. */
const numbered = (name: string): string => name.replaceAll(/__\d+(?=__|$)/g, '__N')

/** Returns the row of a setting in the page of its tool. */
function rowOf(setting: Setting): string {
  const { variable, flags = [] } = setting
  const names = [...(variable === undefined ? [] : [variable]), ...flags]
    .map((name) => `\`${numbered(name)}\``)
    .join(', ')
  if ('missing' in setting) return `| ${names} | no counterpart: ${setting.missing} |`
  if ('always' in setting) return `| ${names} | nothing to set: ${setting.always} |`
  return `| ${names} | ${'with' in setting ? `with ${setting.with.map((one) => `\`${numbered(one)}\``).join(' or ')}` : setting.becomes} |`
}

describe.each(toolNames)('docs/switching/%s.md', (name) => {
  const page = read(`docs/switching/${name}.md`)

  test('lists every setting as the program applies it', async () => {
    const { settings } = await loadTool(name)
    const rows = page.split('\n').filter((line) => /^\| `/.test(line))
    expect(rows).toEqual([...new Set(settings.map(rowOf))])
  })

  test('is in the index, and its image is built and published', () => {
    expect(read('docs/switching.md')).toContain(`(switching/${name}.md)`)
    expect(read('docker/Dockerfile')).toContain(`AS like-${name}\nENV SEALPOST_LIKE=${name}\n`)
    expect(read('.github/workflows/release.yml')).toMatch(new RegExp(`like: \\[.*\\b${name}\\b.*\\]`))
  })

  test('settings that others apply name one that exists', async () => {
    const { settings } = await loadTool(name)
    const known = settings.flatMap(({ variable, flags = [] }) => [variable, flags[0]])
    for (const setting of settings)
      if ('with' in setting) expect(known).toEqual(expect.arrayContaining([...setting.with]))
  })
})
