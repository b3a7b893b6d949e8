import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Block } from 'virtual:recipes'
import type { Plugin } from 'vite'

const NAME = 'virtual:recipes'
const FOLDER = join(import.meta.dirname, '../docs/recipes')

/** Returns a Vite plugin for the module `virtual:recipes`: the pages of docs/recipes, for those without the internet. */
export const recipes = (): Plugin => ({
  name: 'recipes',
  resolveId: (id) => (id === NAME ? `\0${NAME}` : null),
  load: (id) => (id === `\0${NAME}` ? `export default ${JSON.stringify(groups())}` : null),
})

/** Returns the groups of the index, each with its recipes. */
const groups = (): object[] =>
  read('index')
    .split(/^## /m)
    .slice(1)
    .map((group) => ({
      title: group.split('\n')[0],
      recipes: Array.from(group.matchAll(/^\| \[([^\]]+)\]\((\w[\w-]*)\.md\)/gm), ([, title, name = '']) => ({
        name,
        title,
        blocks: blocksOf(read(name).replace(/^# .*\n/, '')),
      })),
    }))

const read = (name: string): string => readFileSync(join(FOLDER, `${name}.md`), 'utf8')

/** Returns the blocks of a page. Only the Markdown that recipes use is known. */
function blocksOf(markdown: string): Block[] {
  const text = markdown.replaceAll(/<!--.*?-->\n?/gs, '')
  return Array.from(text.matchAll(/^```.*\n([\s\S]*?)^```$|^(?:.+\n?)+?(?=\n|```|$(?![\s\S]))/gm), ([whole, code]) => {
    if (code !== undefined) return { kind: 'code', text: code.trimEnd() }
    const lines = whole.trim().split('\n')
    const [first = ''] = lines
    if (first.startsWith('#')) return { kind: 'heading', text: first.replace(/^#+ /, '') }
    if (first.startsWith('| ')) {
      const rows = lines.map((line) => line.slice(1, -1).split('|'))
      return { kind: 'table', rows: rows.filter((_, at) => at !== 1).map((row) => row.map((cell) => cell.trim())) }
    }
    if (/^(?:-|\d\.) /.test(first))
      return { kind: 'list', items: lines.map((line) => line.replace(/^(?:-|\d\.) /, '')) }
    return { kind: 'text', text: lines.join(' ') }
  })
}
