import { mkdirSync, writeFileSync } from 'node:fs'
import { compiled } from './output.mjs'

/** Files of config/ that the build writes. Not in the repository. */
export const configFiles = ['config/sealpost.schema.json', 'config/badmail.yaml']

/** Writes the JSON Schema of configurations, and the lab with all bad servers. */
export async function writeConfigFiles() {
  const { jsonSchemaText } = await compiled('src/core/config/reference.js')
  const { badmailYaml } = await compiled('src/checks/audit/yaml.js')
  mkdirSync('config', { recursive: true })
  for (const [index, text] of [jsonSchemaText(), badmailYaml()].entries()) writeFileSync(configFiles[index], text)
}
