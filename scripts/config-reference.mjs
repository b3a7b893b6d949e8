// Writes config/reference.yaml and config/sealpost.schema.json from the schema as it was built.
import { writeFileSync } from 'node:fs'
import { jsonSchemaText, referenceYaml } from '../dist/src/config/reference.js'

const config = new URL('../config/', import.meta.url)
writeFileSync(new URL('reference.yaml', config), referenceYaml())
writeFileSync(new URL('sealpost.schema.json', config), jsonSchemaText())
