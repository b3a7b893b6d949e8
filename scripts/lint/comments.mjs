// Checks that no comment begins with a word that hides its noun: "What the client sends" is "The client's input".
//   node scripts/lint/comments.mjs [FOLDER]   FOLDER: the checkout to check; default: this one
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('../..', import.meta.url)))
const FOLDERS = ['src', 'servers', 'console', 'test', 'scripts', 'examples']
/** Quotes before a comment mean that it is in a string. */
const FRONTED = /(?:(?<!['"`])(?:\/\*\*?|\/\/)|^\s*\*) (What|Who|Whom|Whose|Those|That which|Of what|So)\b/
const SOURCE = /\.(?:ts|tsx|mjs|cjs|js)$/

function* sourceFiles(folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== 'dist') yield* sourceFiles(path)
    else if (entry.isFile() && SOURCE.test(entry.name)) yield path
  }
}

for (const folder of FOLDERS.filter((name) => existsSync(join(root, name)))) {
  for (const file of sourceFiles(folder)) {
    for (const [index, line] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
      const word = FRONTED.exec(line)?.[1]
      if (word === undefined) continue
      console.error(`${file}:${index + 1}: a comment begins with "${word}"; name the thing instead`)
      process.exitCode = 1
    }
  }
}
