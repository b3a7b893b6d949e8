import { isMapping } from '../values/mapping.ts'
import { valueAt } from './mistakes.ts'
import { type AuthenticationMethod, isOnlyOverTls } from './schema/authentication.ts'
import type { PersonalityName } from './schema/personality.ts'
import { protocols, type ServerProtocol } from './schema/protocol.ts'

/** The keys of a virtual server that a personality sets where the configuration does not. */
interface Presets {
  readonly authentication?: readonly AuthenticationMethod[]
  readonly limits?: Readonly<Record<string, string | number>>
}

/** Exchange 2003 has anonymous, basic and integrated Windows authentication on. */
const exchangeAuthentication = ['anonymous', 'basic', 'ntlm'] as const
const googleAuthentication = ['anonymous', 'basic', 'xoauth2', 'oauthbearer'] as const
const microsoftAuthentication = ['anonymous', 'basic', 'xoauth2'] as const

/** Defaults of the servers, where they differ from Sealpost's. docs/personality.md names the sources. */
const presets: Partial<Record<PersonalityName, Partial<Record<ServerProtocol, Presets>>>> = {
  exchange2003: {
    smtp: {
      authentication: exchangeAuthentication,
      limits: { messageSize: '4096KiB', sessionSize: '10240KiB', messagesPerConnection: 20 },
    },
    pop3: { authentication: exchangeAuthentication, limits: { connections: 'off' } },
    imap4: { authentication: exchangeAuthentication, limits: { connections: 'off' } },
    nntp: { authentication: exchangeAuthentication, limits: { connections: 'off' } },
  },
  gmail: {
    smtp: { authentication: googleAuthentication, limits: { messageSize: 35_882_577 } },
    pop3: { authentication: googleAuthentication },
    imap4: { authentication: googleAuthentication, limits: { messageSize: 35_651_584 } },
  },
  microsoft365: {
    smtp: { authentication: microsoftAuthentication, limits: { messageSize: '150MiB' } },
    pop3: { authentication: microsoftAuthentication },
    imap4: { authentication: microsoftAuthentication },
  },
}

/**
 * Adds the defaults of each virtual server's personality to a configuration as the user has written it. Values that are
 * set, and inputs that are not valid, stay as they are.
 */
export function withPersonalityDefaults(input: unknown): unknown {
  if (!isMapping(input)) return input
  const { personality, virtualServers: given } = input
  const servers = given ?? (personality === undefined ? undefined : protocols.map((protocol) => ({ protocol })))
  if (!Array.isArray(servers)) return input
  return { ...input, virtualServers: servers.map((server) => withDefaults(server, input)) }
}

function withDefaults(server: unknown, lab: Record<string, unknown>): unknown {
  if (!isMapping(server)) return server
  const name = server.personality ?? lab.personality
  const preset = presets[name as PersonalityName]?.[server.protocol as ServerProtocol]
  if (!preset) return server
  const { limits = {} } = server
  const hasTls = (server.certificate ?? valueAt(lab, ['certificates', 'default'])) !== 'none'
  const methods = preset.authentication?.filter((method) => hasTls || !isOnlyOverTls(method))
  return {
    ...server,
    ...(methods && server.authentication === undefined ? { authentication: methods } : {}),
    ...(isMapping(limits) ? { limits: { ...preset.limits, ...limits } } : {}),
  }
}
