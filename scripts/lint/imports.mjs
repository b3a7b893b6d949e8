// Checks every import of src/ and servers/ against the table "Wings" in docs/architecture.md, and finds import circles, also
// in console/.
//   node scripts/lint/imports.mjs [FOLDER]   FOLDER: the checkout to check; default: this one
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('../..', import.meta.url)))
/** The wing that every other wing may import. */
const SHARED = 'src/core'

const problems = []

const list = (cell) => (cell.trim() === '–' ? [] : cell.trim().replaceAll('`', '').split(/,\s*/))

/**
 * Reads the table. `levels` are the modules of a wing, the lowest first: a module may import those of lower levels. What lies
 * beside the modules belongs to all of them.
 * @returns {Map<string, { levels: string[][], wings: string[], packages: string[] }>} by wing
 */
function readTable() {
  const rows = readFileSync(join(root, 'docs/architecture.md'), 'utf8').matchAll(
    /^\| `((?:src\/)?[\w-]+)` \|[^|]*\| ([^|]*) \| ([^|]*) \| ([^|]*) \|$/gm,
  )
  return new Map(
    [...rows].map(([, name, modules, wings, packages]) => [
      name,
      { levels: modules.split(';').map(list), wings: list(wings), packages: list(packages) },
    ]),
  )
}

/** Reads the table of the optional parts. @returns {{ folders: string[], door: string }[]} */
function readDoors() {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
  const section = page.split('\n## Optional parts\n')[1]?.split('\n## ')[0] ?? ''
  const rows = section.matchAll(/^\|[^|]*\| (`[^|]*`) \| `([^|`]*)` \|$/gm)
  return [...rows].map(([, folders, door]) => ({ folders: list(folders), door }))
}

function sourceFiles(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

/** Returns the static and dynamic imports and re-exports of a file, each with its line, and whether it is an `import type`. */
function importsOf(file) {
  const blank = (comment) => comment.replace(/[^\n]/g, ' ')
  const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^[ \t]*\/\/.*$/gm, blank)
  return [...text.matchAll(/(?<![\w.])(?:from\s+|import\s*\(\s*|import\s+)'([^'\n]+)'/g)].map(
    ({ 0: found, 1: specifier, index }) => ({
      specifier,
      line: text.slice(0, index).split('\n').length,
      isType: !found.includes('(') && /(?:^|\n)(?:import|export) type [^'()]*$/.test(text.slice(0, index)),
    }),
  )
}

/** Returns `src/net` for `src/net/faults/verb.ts`, and `servers` for `servers/smtp/session.ts`. */
const wingOf = (file) => (file.startsWith('src/') ? file.split('/').slice(0, 2).join('/') : file.split('/')[0])

/** Returns the level of a file's module in its wing, and the module; undefined for a file beside the modules. */
function placeOf(file, wing, { levels }) {
  const name = file.slice(wing.length + 1).split('/')[0]
  const level = levels.findIndex((modules) => modules.includes(name))
  return level < 0 ? undefined : { level, name }
}

/** Returns whether a file may import another one of its wing. */
function fitsInside(file, target, wing, row) {
  const [from, to] = [placeOf(file, wing, row), placeOf(target, wing, row)]
  if (to === undefined || from?.name === to.name) return true
  // The files beside the modules are below them; the list of a wing, `index.ts`, is above.
  return from === undefined ? file === `${wing}/index.ts` : to.level < from.level
}

const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

const isBelow = (file, folders) => folders.some((folder) => file.startsWith(`${folder}/`))

/** Returns the path of the file that a relative import names. */
const targetOf = (file, specifier) =>
  relative(root, resolve(root, dirname(file), specifier))
    .split(sep)
    .join('/')

function checkFile(file, { table, doors }) {
  const self = wingOf(file)
  const row = table.get(self)
  const report = (line, message) => problems.push(`${file}:${line}: ${message}`)
  if (!row) return report(1, `${self} is missing from the table "Wings" in docs/architecture.md`)
  for (const { specifier, line } of importsOf(file)) {
    if (specifier.startsWith('node:')) continue
    if (!specifier.startsWith('.')) {
      const name = packageOf(specifier)
      if (!row.packages.includes(name)) report(line, `${self} may not import the package ${name}`)
      continue
    }
    const target = targetOf(file, specifier)
    const part = doors.find(({ folders, door }) => isBelow(target, folders) && !isBelow(file, folders) && file !== door)
    if (part && target !== part.door)
      report(line, `import ${part.door} instead, the door of ${part.folders.join(', ')}`)
    const other = wingOf(target)
    if (other !== self) {
      if (other !== SHARED && !row.wings.includes(other)) report(line, `${self} may not import ${other}`)
    } else if (!fitsInside(file, target, self, row)) {
      const from = placeOf(file, self, row)?.name
      report(line, `${from ? `${self}/${from}` : self} may not import ${self}/${placeOf(target, self, row).name}`)
    }
  }
}

/** Returns the strongly connected components of the import graph that have more than one file (Tarjan's algorithm). */
function circles(graph) {
  const indexes = new Map()
  const low = new Map()
  const stack = []
  const found = []
  const visit = (file) => {
    indexes.set(file, indexes.size)
    low.set(file, indexes.get(file))
    stack.push(file)
    for (const target of graph.get(file) ?? []) {
      if (!indexes.has(target)) {
        visit(target)
        low.set(file, Math.min(low.get(file), low.get(target)))
      } else if (stack.includes(target)) low.set(file, Math.min(low.get(file), indexes.get(target)))
    }
    if (low.get(file) !== indexes.get(file)) return
    const circle = stack.splice(stack.indexOf(file))
    if (circle.length > 1) found.push(circle.sort())
  }
  for (const file of graph.keys()) if (!indexes.has(file)) visit(file)
  return found
}

/** Returns whether a circle ends without one of its imports of types. */
function isOneTypeImport(circle, imports) {
  const inside = new Map(
    circle.map((file) => [file, imports.get(file).filter(({ target }) => circle.includes(target))]),
  )
  const without = (left) =>
    new Map([...inside].map(([file, all]) => [file, all.filter((one) => one !== left).map(({ target }) => target)]))
  return [...inside.values()].flat().some((one) => one.isType && circles(without(one)).length === 0)
}

const table = readTable()
if (table.size === 0) problems.push('docs/architecture.md: the table "Wings" has no rows')
const files = [...sourceFiles('src'), ...sourceFiles('servers')]
const doors = readDoors()
for (const file of files) checkFile(file, { table, doors })
const imports = new Map(
  [...files, ...sourceFiles('console/src')].map((file) => [
    file,
    importsOf(file)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier, isType }) => ({ target: targetOf(file, specifier), isType })),
  ]),
)
const graph = new Map([...imports].map(([file, all]) => [file, all.map(({ target }) => target)]))
for (const circle of circles(graph).filter((one) => !isOneTypeImport(one, imports)))
  problems.push(`import circle of ${circle.length} files: ${circle.join(', ')}`)
for (const problem of problems) console.error(problem)
if (problems.length > 0)
  console.error(
    `\n${problems.length} problems. The table "Wings" in docs/architecture.md lists the allowed imports of each wing.`,
  )
process.exitCode = problems.length > 0 ? 1 : 0
