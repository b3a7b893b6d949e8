// Writes config/reference.yaml, config/sealpost.schema.json and config/badmail.yaml from the built tree.
import { writeFileSync } from 'node:fs'
import { badmailYaml } from '../dist/src/checks/audit/yaml.js'
import { jsonSchemaText, referenceYaml } from '../dist/src/core/config/reference.js'

const config = new URL('../config/', import.meta.url)
writeFileSync(new URL('reference.yaml', config), referenceYaml())
writeFileSync(new URL('sealpost.schema.json', config), jsonSchemaText())
writeFileSync(new URL('badmail.yaml', config), badmailYaml())
