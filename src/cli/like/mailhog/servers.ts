import { parseYamlValue } from '../../../core/config/yaml.ts'
import { addAccounts } from '../accounts.ts'
import { likeIn, serverOf, storeIn } from '../draft.ts'
import { appliedBy, corsOrigins, hostname, listenSetting, missingSettings, setting, webPath } from '../rows.ts'
import type { Draft, Setting } from '../tool.ts'
import { credentialsIn, listenAt, parseNumber, readText } from '../values.ts'

type Connector = NonNullable<Draft['lab']['outgoing']['connectors']>[number]

const NO_MONGODB = 'the lab stores mail in memory or in LMDB'

export const serverSettings: readonly Setting[] = [
  listenSetting('MH_SMTP_BIND_ADDR -smtp-bind-addr', 'smtp'),
  listenSetting('MH_API_BIND_ADDR -api-bind-addr', 'http'),
  setting(
    'MH_UI_BIND_ADDR -ui-bind-addr',
    '`address` and `port` of the HTTP virtual server; of a second one, if it differs from MH_API_BIND_ADDR',
    ({ draft, value, other }) => {
      const api = other('MH_API_BIND_ADDR') ?? '0.0.0.0:8025'
      const http = serverOf(draft, 'http')
      if (value === api) return
      const page = { ...http, name: 'MailHog UI' }
      listenAt(page, value)
      draft.servers.set('ui', page)
    },
  ),
  ...missingSettings('the console asks the server that it comes from', 'MH_API_HOST -api-host'),
  webPath('MH_UI_WEB_PATH -ui-web-path'),
  hostname('MH_HOSTNAME -hostname'),
  setting('MH_STORAGE -storage', '`store`: memory, or LMDB for maildir', ({ draft, value, other, path }) => {
    if (value === 'mongodb') throw new Error(`${NO_MONGODB}; write memory, or maildir with MH_MAILDIR_PATH`)
    if (value === 'maildir') storeIn(draft, `${path(other('MH_MAILDIR_PATH') ?? 'maildir')}.lmdb`)
    else if (value !== 'memory') throw new Error(`"${value}" is not a storage; write memory or maildir`)
  }),
  ...appliedBy(['MH_STORAGE'], 'MH_MAILDIR_PATH -maildir-path'),
  ...missingSettings(NO_MONGODB, 'MH_MONGO_URI -mongo-uri', 'MH_MONGO_DB -mongo-db', 'MH_MONGO_COLLECTION -mongo-coll'),
  corsOrigins('MH_CORS_ORIGIN -cors-origin'),
  setting('MH_OUTGOING_SMTP -outgoing-smtp', '`outgoing.connectors`, one for each server', ({ draft, value, path }) => {
    const servers: unknown = parseYamlValue(readText(path(value)))
    if (typeof servers !== 'object' || servers === null) throw new Error(`${value} names no servers`)
    draft.lab.outgoing.connectors = Object.entries(servers).map(([name, server]) => connectorTo(name, server))
  }),
  setting(
    'MH_AUTH_FILE -auth-file',
    '`directory.accounts`, `like.users` and `access.administrators`',
    ({ draft, value, path, origin }) => {
      const accounts = credentialsIn(readText(path(value)))
      const names = accounts.map(({ user }) => user)
      addAccounts(draft, accounts, origin)
      likeIn(draft).users = names
      draft.lab.access.administrators = names
      serverOf(draft, 'http').authentication = ['basic']
    },
  ),
]

/** Returns the connector for a server of MailHog's file. @throws Error */
function connectorTo(name: string, server: unknown): Connector {
  const { host, port, username, password } = Object.fromEntries(
    Object.entries(server ?? {}).map(([key, value]) => [key.toLowerCase(), `${value ?? ''}`]),
  ) as Readonly<Record<string, string | undefined>>
  if (!host) throw new Error(`the server ${name} has no host`)
  return {
    name,
    smartHost: {
      host,
      port: parseNumber(port || '25', 1),
      tls: 'may',
      ...(username && password ? { user: username, password } : {}),
    },
  }
}
