import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const DIST = join(import.meta.dirname, '../../dist/console')
const FIRST_SCREEN_OCTETS = 120 * 1024

/** Returns the files that the browser loads for a list of modules: those, and what they import. */
function loaded(files: readonly string[]): Set<string> {
  const found = new Set<string>()
  const visit = (file: string): void => {
    if (found.has(file)) return
    found.add(file)
    if (!file.endsWith('.js')) return
    const text = readFileSync(join(DIST, file), 'utf8')
    for (const [, name] of text.matchAll(/(?:import|from)"\.\/([^"]+)"/g)) visit(`assets/${name}`)
  }
  for (const file of files) visit(file)
  return found
}

it('the first screen, Mail, has at most 120 KB with gzip', () => {
  const html = readFileSync(join(DIST, 'index.html'), 'utf8')
  const named = [...html.matchAll(/(?:src|href)="(?:\.\/)?((?:assets\/)?[\w.-]+\.(?:js|css|svg))"/g)].map(
    ([, name]) => name as string,
  )
  const start = readFileSync(join(DIST, named.find((name) => /index-.*\.js/.test(name)) as string), 'utf8')
  // What the page loads at once: its chunk with its styles, and the English texts.
  const lazy = [...start.matchAll(/assets\/[\w.-]+\.(?:js|css)|\.\/[\w.-]+\.js/g)].map(([name]) =>
    name.replace('./', 'assets/'),
  )
  const mail = lazy.filter((name) => /\/(?:page|mail|shell)-/.test(name))
  const files = [...loaded([...named, ...mail]), 'index.html']
  const octets = files.reduce((sum, file) => sum + readFileSync(join(DIST, `${file}.gz`)).length, 0)
  expect(mail.length).toBeGreaterThan(0)
  expect(octets).toBeLessThan(FIRST_SCREEN_OCTETS)
})
