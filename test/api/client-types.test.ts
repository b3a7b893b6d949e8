import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openApiDocument } from '../../src/api/openapi/document.ts'
import { operations } from '../../src/api/operations.ts'

const { generatedFiles }: { generatedFiles(document: object): Record<string, string> } = await import(
  new URL('../../scripts/client-types/files.mjs', import.meta.url).href
)

it.each(Object.entries(generatedFiles(openApiDocument(operations))))(
  '%s describes the API; if not, run npm run clients:types',
  (path, text) => {
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(text)
  },
)
