import { isMapping } from '../values/mapping.ts'
import { presentForm } from './deprecations.ts'
import { valueAt } from './mistakes.ts'
import { type LabInput, type PresentInput, protocols, type VirtualServerInput } from './schema.ts'

/**
 * Adds defaults that suit tests: free ports, nothing on disk, and P-256 keys, which take a millisecond to generate. Keeps
 * values of a wrong type, so that the schema rejects them.
 */
export function withTestDefaults(config: LabInput): LabInput {
  const { value, keys } = presentForm(config)
  // The check of the configuration reports that a key is given twice.
  if (keys.some(({ isTwice }) => isTwice)) return config
  const input = value as PresentInput
  const { certificates, directory, mail, news, virtualServers } = input
  const mode = directory?.accounts || directory?.accountFiles ? 'listed' : 'open'
  return {
    ...input,
    certificates: withDefaults({ store: 'memory', key: 'p256' }, certificates),
    directory: withDefaults({ mode }, directory),
    // Tests that share a lab must not see each other's mail.
    mail: isMapping(mail ?? {}) ? { ...mail, captured: withDefaults({ readers: [] }, mail?.captured) } : mail,
    news: withDefaults({ groups: [{ name: 'lab.general', description: 'General talk' }] }, news),
    virtualServers: Array.isArray(virtualServers ?? [])
      ? (virtualServers ?? protocols.map((protocol) => ({ protocol }))).map((server) => serverDefaults(server, input))
      : (virtualServers as VirtualServerInput[]),
  }
}

/** Returns the value with the defaults below it; the value alone if it is no mapping. */
function withDefaults<T>(defaults: object, value: T): T {
  return isMapping(value ?? {}) ? ({ ...defaults, ...value } as T) : value
}

function serverDefaults(server: VirtualServerInput, lab: PresentInput): VirtualServerInput {
  if (!isMapping(server)) return server
  return {
    port: 0,
    ...((server.certificate ?? valueAt(lab, ['certificates', 'default'])) === 'none'
      ? {}
      : tlsServerDefaults(server, lab)),
    ...server,
    // Tests open many connections from one address.
    limits: withDefaults({ connectionsPerAddress: 'off' }, server.limits),
  }
}

/** Defaults of servers with a certificate: an access token is accepted only over TLS. */
const tlsServerDefaults = (
  { protocol, personality }: VirtualServerInput,
  lab: PresentInput,
): Partial<VirtualServerInput> => ({
  tlsPort: 0,
  // A personality has defaults of its own.
  ...(protocol === 'http' || (personality ?? lab.personality) !== undefined
    ? {}
    : { authentication: [...TEST_AUTHENTICATION] }),
})

const TEST_AUTHENTICATION = ['anonymous', 'basic', 'xoauth2', 'oauthbearer'] as const
