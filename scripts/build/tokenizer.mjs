import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

/** The only part of htmlparser2 in src/mail/format/html-tokenizer.cjs; the rest of the package is left out. */
const WANTED = "export { Tokenizer } from 'htmlparser2'"

/** Bundles the HTML tokenizer, the only package without CommonJS, into each folder. */
export async function buildTokenizer(...folders) {
  const input = 'html-tokenizer.mjs'
  const bundle = await rolldown({
    input,
    platform: 'node',
    external: /^node:/,
    plugins: [{ resolveId: (id) => (id === input ? id : null), load: (id) => (id === input ? WANTED : null) }],
    onLog(_level, log) {
      throw new Error(log.message)
    },
  })
  const format = { format: 'cjs', strict: true, exports: 'named', comments: false, charset: 'ascii' }
  for (const folder of folders) await bundle.write({ ...format, file: join(folder, 'html-tokenizer.cjs'), banner })
  await bundle.close()
}

/** Returns a comment with the licences of the packages whose modules a file contains: they ask for a copy of themselves. */
export function banner({ moduleIds }) {
  const found = licences(moduleIds)
  return found.length === 0 ? '' : `/*\n${found.join('\n')}\n*/`
}

/** Returns the name, version and licence of each package that modules belong to. */
export function licences(moduleIds) {
  const packages = new Set(
    moduleIds.map((id) => id.match(/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean),
  )
  return [...packages].map((folder) => {
    const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = readdirSync(folder).find((each) => /^(?:licen[cs]e|copying)\b/i.test(each))
    if (!file && !license) throw new Error(`${folder} names no licence`)
    const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `${license}\n${author?.name ?? author ?? ''}`
    return `${name} ${version}\n\n${text}\n`
  })
}
