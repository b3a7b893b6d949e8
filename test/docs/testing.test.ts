import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checks } from '../../src/checks/verify/run.ts'
import { personalityNames } from '../../src/core/config/schema/personality.ts'
import { defectNames, postQuantumVariants, variantNames } from '../../src/core/config/schema.ts'
import { tlsDefects } from '../../src/core/config/tls-defects.ts'
import { tlsPolicies } from '../../src/core/config/tls-policies.ts'
import { startLab } from '../../src/testing/index.ts'
import { defectRecipes, variantRecipes } from '../../src/tls/pki/defects/recipes.ts'

const pageOf = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')

test('the tables of defects and variants match the recipes', () => {
  const rows = [...pageOf('testing-certificates.md').matchAll(/^\| `([a-z0-9-]+)` \| (.*) \|$/gm)].map(
    ([, name, meaning]) => [name, meaning],
  )
  expect(rows).toEqual([
    ['defect', 'meaning'],
    ...defectNames.map((name) => [name, defectRecipes[name].meaning]),
    ['variant', 'meaning'],
    ...[...variantNames, ...postQuantumVariants].map((name) => [name, variantRecipes[name].meaning]),
  ])
})

test.each([
  ['verify.md', checks.map(({ name }) => name)],
  ['personality.md', personalityNames],
  ['tls.md', Object.keys(tlsPolicies)],
  ['protocol-defects.md', Object.keys(tlsDefects)],
])('%s has a row for each of %j', (page, names) => {
  const rows = [...pageOf(page).matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z0-9-]+)`/g)].map(([, name]) => name),
  )
  expect(names.filter((name) => !rows.includes(name))).toEqual([])
})

test('every fault of the page is one', async () => {
  await using lab = await startLab()
  const literals = [
    ...pageOf('testing-faults.md').matchAll(/\{ when: \{[^`\n]*?\}, do: \{[^`\n]*?\}(?:, times: \d+)? \}/g),
  ].map(([text]) => text)
  expect(literals.length).toBeGreaterThan(12)
  for (const literal of literals) {
    const fault = JSON.parse(literal.replaceAll(/(\w+):(?= )/g, '"$1":').replaceAll("'", '"'))
    expect(() => lab.faults.add(fault), literal).not.toThrow()
  }
})
