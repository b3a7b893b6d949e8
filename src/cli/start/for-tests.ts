import { randomBytes } from 'node:crypto'
import { load } from '../../core/config/load.ts'
import type { LabInput, VirtualServerInput } from '../../core/config/schema.ts'
import { withTestDefaults } from '../../core/config/test-defaults.ts'
import { loadText, parseYaml, yamlText } from '../../core/config/yaml.ts'
import { type CommandSource, chooseSource, optionOverrides } from '../shared/configuration.ts'
import { UsageError } from '../shared/failure.ts'
import type { StartOptions } from './run-lab.ts'

/**
 * Returns the configuration of `start --for-tests`: the file or SEALPOST_CONFIG, completed with the defaults of `startLab()`,
 * and with an HTTP virtual server and a token for the program that tests. Changes are not written to the file.
 */
export async function sourceForTests(options: StartOptions): Promise<CommandSource & { readonly token: string }> {
  if (options.like !== undefined) throw new UsageError('give --for-tests or --like, not both')
  const { name, read, folder } = chooseSource(options)
  const overrides = optionOverrides(options)
  const token = randomBytes(24).toString('base64url')
  const given = async () => {
    const { value, locate } = parseYaml(await read(), name)
    return { input: completeInput(value as LabInput, token), locate }
  }
  return {
    name,
    overrides,
    notes: [],
    token,
    read: async () => yamlText((await given()).input),
    load: async (text) => loadText(text, name, folder, overrides),
    async open() {
      const { input, locate } = await given()
      // The places of mistakes are those of the text that was given.
      return { loaded: load(input, folder, overrides, locate), text: yamlText(input) }
    },
  }
}

/** Has a name of its own: there can be another HTTP virtual server. */
const API: VirtualServerInput = { name: 'API for tests', protocol: 'http', port: 0, tlsPort: 'off' }

function completeInput(given: LabInput, token: string): LabInput {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  const input = withTestDefaults(given)
  const { virtualServers, access } = input
  const tokens = access?.tokens ?? []
  const takesToken = typeof (access ?? {}) === 'object' && Array.isArray(tokens)
  const isComplete = !Array.isArray(virtualServers) || virtualServers.some(offersApi)
  return {
    logLevel: 'error',
    ...input,
    ...(takesToken ? { access: { ...access, tokens: [...tokens, { name: 'for-tests', token }] } } : {}),
    virtualServers: isComplete ? virtualServers : [...virtualServers, API],
  }
}

/** Whether a client that does not trust the roots of the lab can use its API. */
const offersApi = (server: VirtualServerInput): boolean =>
  server?.protocol === 'http' && server.port !== 'off' && !server.requireSecureChannel
