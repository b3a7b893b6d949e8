import { readdirSync, readFileSync } from 'node:fs'
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

// They stay thin: most of what they could do for tests, the lab does for all languages.
it.each(['clients/python/src/sealpost', 'clients/java/src/main/java/sealpost'])(
  '%s has less than 500 lines',
  (path) => {
    const folder = new URL(`../../${path}/`, import.meta.url)
    const files = readdirSync(folder).filter(
      (name) => /\.(?:py|java)$/.test(name) && !/^(?:api_types|Api)\./.test(name),
    )
    const lines = files.map((name) => readFileSync(new URL(name, folder), 'utf8').split('\n').length - 1)
    expect(lines.reduce((sum, count) => sum + count)).toBeLessThan(500)
  },
)
