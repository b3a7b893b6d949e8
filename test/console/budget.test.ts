import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { providerNames } from '../../console/src/pages/mail/provider-names.ts'
import { providerTitles } from '../../src/core/config/schema/providers.ts'

const DIST = join(import.meta.dirname, '../../dist/console')
const FIRST_SCREEN_OCTETS = 120 * 1024

/** A module in the manifest of the build. https://vite.dev/guide/backend-integration */
interface Chunk {
  readonly file: string
  readonly css?: readonly string[]
  readonly imports?: readonly string[]
}

it('the first screen, Mail with an HTML message, has at most 120 KB with gzip', () => {
  const manifest = JSON.parse(readFileSync(join(DIST, 'manifest.json'), 'utf8')) as Record<string, Chunk>
  const files = new Set(['index.html', 'theme.js', 'icon.svg'])
  const load = (name: string): void => {
    const chunk = manifest[name]
    if (!chunk) throw new Error(`the manifest has no ${name}`)
    if (files.has(chunk.file)) return
    for (const file of [chunk.file, ...(chunk.css ?? [])]) files.add(file)
    for (const imported of chunk.imports ?? []) load(imported)
  }
  const modules = ['pages/mail/page.tsx', 'pages/mail/tabs/index.ts', 'texts/en/shell.ts', 'texts/en/mail.ts']
  for (const name of ['index.html', ...modules.map((one) => `src/${one}`)]) load(name)
  const octets = [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(DIST, file))).length, 0)
  expect(octets).toBeLessThan(FIRST_SCREEN_OCTETS)
  expect(files.size).toBeLessThan(20)
})

it('a search offers the providers whose API the lab has', () => {
  expect(providerNames).toEqual(Object.keys(providerTitles))
})
