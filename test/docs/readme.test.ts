import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { workplaceOfEach } from '../support/sealpost.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const read = (page: string): string => readFileSync(join(repository, page), 'utf8')

const place = workplaceOfEach()

test('docs/commands.md lists every command', async () => {
  const { stdout } = await place.runHere(['--help'])
  const commands = [...stdout.matchAll(/^ {2}(?!sealpost )([a-z][\w-]*)(?= )/gm)].map(([, name]) => name as string)
  const [tables = ''] = read('docs/commands.md').split('\n## Old names')
  const rows = [...tables.matchAll(/^\| `([\w-]+)[^`]*`(?:, `([\w-]+)[^`]*`)? \|/gm)]
    .flatMap(([, ...names]) => names)
    .filter((name) => name !== undefined)
  expect(commands.length).toBeGreaterThan(5)
  expect([...new Set(rows)].sort()).toEqual(commands.filter((name) => name !== 'help').sort())
})
