import { z } from 'zod'
import type { Port, ResolvedLab } from '../../core/config/resolve.ts'
import { accountOwner } from '../../storage/store/folder.ts'
import type { Api } from '../api.ts'
import { type Caller, seesOwner } from '../caller.ts'
import { flag } from '../input-types.ts'
import { Content, defineOperation } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { documentOf, documentPaths } from './documents.ts'
import { logOnWays } from './log-on.ts'
import { programTexts } from './programs.ts'
import { type Connection, connectionsTo, readClientSettings, type Settings } from './settings.ts'

const input = {
  account: z
    .string()
    .optional()
    .describe('User name of the account. Default: the account of the caller, or the first one.'),
  password: flag.default(false).describe('Includes the password. Only for administrators and the account itself.'),
}

const connection = {
  port: z.number().int(),
  security: z.enum(['tls', 'starttls', 'none']),
}

const server = z.object({
  protocol: z.string(),
  virtualServer: z.string(),
  host: z.string(),
  ...connection,
  ports: z.array(z.object(connection)).describe('Every way to log on, the best first.'),
  logonNeedsTls: z.boolean(),
  authentication: z
    .array(z.enum(logOnWays))
    .describe('The ways to log on by this port, the one to prefer first. Empty: no log-on.'),
  onlyThisMachine: z.boolean().describe('Whether only programs on the machine of the lab reach the address.'),
  legacyTls: z.boolean().describe('Whether clients of the 1990s are accepted (`tls.legacy`).'),
})

const program = z.object({
  id: z.string(),
  name: z.string(),
  servers: z
    .array(z.object({ protocol: z.string(), ...connection }))
    .describe('The port that it uses for each protocol of the lab that it speaks.'),
  needsLegacyTls: z.boolean().describe('Whether TLS with it needs `tls.legacy` on the virtual server.'),
  text: z.string().describe('Instructions of several lines.'),
})

/** Returns a connection as the API answers it. */
const connectionFacts = ({ port, channel }: Connection) => ({
  port,
  security: channel === 'clear' ? ('none' as const) : channel,
})

const answer = z
  .object({
    user: z.string(),
    address: z.string(),
    password: z.string().nullable().describe('Null unless the request has `password=true`.'),
    rootPem: z.string().describe('The root certificates to trust, in PEM.'),
    servers: z.array(server),
    programs: z.array(program),
  })
  .meta({ id: 'ClientSettings' })

const get = defineOperation('clientSettings.get', 'GET /client-settings', {
  summary: 'Read what to enter in mail and news programs: servers, ports, user name, root certificate, steps.',
  access: 'read',
  input: z.strictObject(input),
  output: answer,
  problems: ['not-found'],
  async run({ api, caller, input: { account, password } }) {
    return clientSettings(settingsFor(api, caller, account, password), api.lab.certificateStore.rootPem)
  },
})

/** Returns the answer for settings; those without a password have an empty one. */
export function clientSettings(settings: Settings, rootPem: string): z.output<typeof answer> {
  const { user, address, password, access } = settings
  return {
    user,
    address,
    password: password === '' ? null : password,
    rootPem,
    servers: Object.values(access).map((one) => ({
      protocol: one.protocol,
      virtualServer: one.virtualServer,
      host: one.host,
      ...connectionFacts(one.best),
      ports: connectionsTo(one).map(connectionFacts),
      logonNeedsTls: one.tlsRequired,
      authentication: [...one.ways],
      onlyThisMachine: one.onlyThisMachine,
      legacyTls: one.legacyTls,
    })),
    programs: programTexts(password === '' ? { ...settings, password: '(your password)' } : settings).map(
      ({ servers, ...rest }) => ({
        ...rest,
        servers: servers.map(({ protocol, ...connection }) => ({ protocol, ...connectionFacts(connection) })),
      }),
    ),
  }
}

const document = defineOperation('clientSettings.document', 'GET /client-settings/{document}', {
  summary:
    'Download a file for the automatic configuration: Thunderbird autoconfig, Outlook autodiscover, Apple profile.',
  access: 'read',
  input: z.strictObject({
    document: z.enum(['autoconfig', 'autodiscover', 'mobileconfig']),
    ...input,
    signed: flag.default(true).describe('Whether the authority of the lab signs the profile for Apple programs.'),
  }),
  output: 'application/xml',
  otherOutputs: ['application/x-apple-aspen-config'],
  async run({ api, caller, input: { document: wanted, account, password, signed } }) {
    const settings = settingsFor(api, caller, account, password)
    const octets = await documentOf(wanted, settings, api.lab.certificateStore, signed)
    if (wanted !== 'mobileconfig') return new Content('application/xml', octets)
    return new Content('application/x-apple-aspen-config', octets, {
      'Content-Disposition': `attachment; filename="${documentPaths.mobileconfig}"`,
    })
  },
})

/** Returns the settings of an account that a caller sees, with its password only if it is wanted. @throws ApiProblem */
function settingsFor(api: Api, caller: Caller, wanted: string | undefined, withPassword: boolean): Settings {
  const lab = runningLab(api)
  const own = lab.directory.accounts.map(({ user }) => user).filter((user) => seesOwner(caller, accountOwner(user)))
  const user = wanted ?? (caller.role === 'account' ? caller.name : (own[0] ?? (hasAll(caller) ? 'alice' : undefined)))
  const isKnown = user !== undefined && (own.includes(user) || (lab.directory.mode === 'open' && hasAll(caller)))
  if (!isKnown) throw notFound(`there is no account ${user ?? ''}; GET /api/v1/accounts lists them`)
  const maySee = (caller.role === 'administrator' && caller.tenant === undefined) || caller.role === 'account'
  if (withPassword && !maySee) {
    throw new ApiProblem(
      'forbidden',
      'only administrators and the account itself see its password; leave out password=true',
    )
  }
  const settings = readClientSettings(lab, user)
  return withPassword ? settings : { ...settings, password: '' }
}

const hasAll = ({ role, tenant }: Caller): boolean => role === 'administrator' && tenant === undefined

/** Returns the configuration with the ports that are open and the accounts that there are now. */
export function runningLab({ lab }: Pick<Api, 'lab'>): ResolvedLab {
  const open = new Map(lab.endpoints().map((one) => [one.virtualServer, one]))
  const virtualServers = lab.config.virtualServers.map((one) => {
    const { port, tlsPort } = open.get(one.name) ?? {}
    return { ...one, port: port ?? ('off' as Port), tlsPort: tlsPort ?? ('off' as Port) }
  })
  const accounts = lab.directory
    .accounts()
    .map(({ user, password = 'anything', addresses, twoFactor = false, appPasswords = [] }) => ({
      user,
      password,
      addresses: [...addresses],
      twoFactor,
      appPasswords: [...appPasswords],
    }))
  return { ...lab.config, virtualServers, directory: { ...lab.config.directory, accounts } }
}

export const clientSettingsOperations = [get, document] as const
