import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { put } from './common.mjs'

/** Folders with templates. */
const TEMPLATES = ['homebrew', 'scoop', 'winget']

/**
 * Fills a template: `{{version}}`, `{{repository}}`, `{{owner}}`, and `{{sha256 FILE}}` (`{{SHA256 FILE}}` in upper case).
 * @throws Error if a file is missing, or the template uses another word
 */
export function fill(template, { version, repository, out }) {
  return template.replace(/\{\{(\w+)(?: ([\w.-]+))?\}\}/g, (whole, word, file) => {
    if (word === 'version') return version
    if (word === 'repository') return repository
    if (word === 'owner') return repository.split('/')[0]
    if (word.toLowerCase() !== 'sha256' || file === undefined) throw new Error(`${whole} has no meaning`)
    const path = join(out, file)
    if (!existsSync(path)) throw new Error(`${file} is missing; make the archives of all platforms first`)
    const hash = createHash('sha256').update(readFileSync(path)).digest('hex')
    return word === 'SHA256' ? hash.toUpperCase() : hash
  })
}

/** Writes the manifests of package managers that download the archives from the release. */
export function makeManifests(release) {
  return TEMPLATES.flatMap((folder) =>
    readdirSync(join('packaging', folder)).map((name) =>
      put(release.out, join(folder, name), fill(readFileSync(join('packaging', folder, name), 'utf8'), release)),
    ),
  )
}
