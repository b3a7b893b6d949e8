import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const docs = fileURLToPath(new URL('../../docs', import.meta.url))

test('docs/index.md leads to every page', () => {
  const text = readFileSync(join(docs, 'index.md'), 'utf8')
  const linked = Array.from(text.matchAll(/\]\(([^)#]+)\)/g), ([, path]) => path ?? '')
  const pages = readdirSync(docs).filter((name) => name.endsWith('.md') && name !== 'index.md')
  expect(pages.filter((page) => !linked.includes(page))).toEqual([])
  expect(linked.filter((path) => !existsSync(join(docs, path)))).toEqual([])
})
