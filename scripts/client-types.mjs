// Writes the types of the client libraries in clients/ from the OpenAPI document of the compiled lab.
//   npm run clients:types
import { writeFileSync } from 'node:fs'
import { openApiDocument } from '../dist/src/api/openapi/document.js'
import { operations } from '../dist/src/api/operations.js'
import { generatedFiles } from './client-types/files.mjs'

for (const [path, text] of Object.entries(generatedFiles(openApiDocument(operations))))
  writeFileSync(new URL(`../${path}`, import.meta.url), text)
