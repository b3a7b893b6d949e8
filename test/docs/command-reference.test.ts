import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Program, program } from '../support/sealpost.ts'

const { commandReference }: { commandReference(run: Program['runCommandLine']): Promise<string> } = await import(
  new URL('../../scripts/command-reference.mjs', import.meta.url).href
)

test('docs/command-reference.md has the help of every command as it is: npm run commands:reference', async () => {
  const page = await commandReference(program().runCommandLine)
  expect(readFileSync(new URL('../../docs/command-reference.md', import.meta.url), 'utf8')).toBe(page)
  expect(page).toContain('### sealpost store copy')
})
