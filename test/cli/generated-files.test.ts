import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { badmailYaml } from '../../src/checks/audit/yaml.ts'
import { jsonSchemaText } from '../../src/core/config/reference.ts'

test.each([
  ['sealpost.schema.json', jsonSchemaText],
  ['badmail.yaml', badmailYaml],
])('the build writes config/%s', (name, text) => {
  expect(readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8')).toBe(text())
})
