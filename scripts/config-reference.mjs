// Writes config/reference.yaml from the built tree. The build itself writes what else config/ has of the schema.
import { writeFileSync } from 'node:fs'
import { referenceYaml } from '../dist/src/core/config/reference.js'

writeFileSync(new URL('../config/reference.yaml', import.meta.url), referenceYaml())
