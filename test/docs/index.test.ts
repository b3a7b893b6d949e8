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
})

test('the index of a folder of pages, or the page beside it, leads to each of its pages', () => {
  const folders = readdirSync(docs).filter(
    (name) => readdirSync(docs).includes(`${name}.md`) || existsSync(join(docs, name, 'index.md')),
  )
  expect(folders).toContain('recipes')
  for (const folder of folders) {
    const index = [`${folder}/index.md`, `${folder}.md`].find((path) => existsSync(join(docs, path))) ?? ''
    const text = readFileSync(join(docs, index), 'utf8')
    const pages = readdirSync(join(docs, folder)).filter((name) => name.endsWith('.md') && name !== 'index.md')
    expect(pages.filter((page) => !text.includes(`(${page})`) && !text.includes(`(${folder}/${page})`))).toEqual([])
  }
})
