// Writes config/reference.yaml and config/sealpost.schema.json from the schema as it was built, and config/badmail.yaml.
import { writeFileSync } from 'node:fs'
import { badmailYaml } from '../dist/src/audit/yaml.js'
import { jsonSchemaText, referenceYaml } from '../dist/src/config/reference.js'

const config = new URL('../config/', import.meta.url)
writeFileSync(new URL('reference.yaml', config), referenceYaml())
writeFileSync(new URL('sealpost.schema.json', config), jsonSchemaText())
writeFileSync(new URL('badmail.yaml', config), badmailYaml())
