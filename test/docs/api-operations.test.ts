import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openApiDocument } from '../../src/api/openapi/document.ts'
import { operations } from '../../src/api/operations.ts'

const { withOperations }: { withOperations(text: string, document: unknown): string } = await import(
  new URL('../../scripts/api-reference.mjs', import.meta.url).href
)

test('docs/api-operations.md lists every operation as it is: npm run api:reference', () => {
  const text = readFileSync(new URL('../../docs/api-operations.md', import.meta.url), 'utf8')
  expect(text).toBe(withOperations(text, openApiDocument(operations)))
  expect(text).toContain('`POST /api/v1/wait`')
})
