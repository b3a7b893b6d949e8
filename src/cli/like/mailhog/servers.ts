import { parseYamlValue } from '../../../core/config/yaml.ts'
import { addAccounts } from '../accounts.ts'
import { likeIn, serverOf, storeIn } from '../draft.ts'
import type { Draft, Setting } from '../tool.ts'
import { credentialsIn, listenAt, numberOf, textOf } from '../values.ts'

type Connector = NonNullable<Draft['lab']['connectors']>[number]

const NO_MONGODB = 'the lab stores mail in memory or in LMDB'

export const serverSettings: readonly Setting[] = [
  {
    variable: 'MH_SMTP_BIND_ADDR',
    flags: ['-smtp-bind-addr'],
    becomes: '`address` and `port` of the SMTP virtual server',
    apply: ({ draft, value }) => listenAt(serverOf(draft, 'smtp'), value),
  },
  {
    variable: 'MH_API_BIND_ADDR',
    flags: ['-api-bind-addr'],
    becomes: '`address` and `port` of the HTTP virtual server',
    apply: ({ draft, value }) => listenAt(serverOf(draft, 'http'), value),
  },
  {
    variable: 'MH_UI_BIND_ADDR',
    flags: ['-ui-bind-addr'],
    becomes: '`address` and `port` of the HTTP virtual server; of a second one, if it differs from MH_API_BIND_ADDR',
    apply({ draft, value, other }) {
      const api = other('MH_API_BIND_ADDR') ?? '0.0.0.0:8025'
      const http = serverOf(draft, 'http')
      if (value === api) return
      const page = { ...http, name: 'MailHog UI' }
      listenAt(page, value)
      draft.servers.set('ui', page)
    },
  },
  { variable: 'MH_API_HOST', flags: ['-api-host'], missing: 'the console asks the server that it comes from' },
  {
    variable: 'MH_UI_WEB_PATH',
    flags: ['-ui-web-path'],
    becomes: '`like.path` of the HTTP virtual server',
    apply({ draft, value }) {
      const path = `/${value.replaceAll(/^\/+|\/+$/g, '')}`
      if (path !== '/') likeIn(draft).path = path
    },
  },
  {
    variable: 'MH_HOSTNAME',
    flags: ['-hostname'],
    becomes: '`hostname`',
    apply({ draft, value }) {
      draft.lab.hostname = value
    },
  },
  {
    variable: 'MH_STORAGE',
    flags: ['-storage'],
    becomes: '`store`: memory, or LMDB for maildir',
    apply({ draft, value, other, path }) {
      if (value === 'mongodb') throw new Error(`${NO_MONGODB}; write memory, or maildir with MH_MAILDIR_PATH`)
      if (value === 'maildir') storeIn(draft, `${path(other('MH_MAILDIR_PATH') ?? 'maildir')}.lmdb`)
      else if (value !== 'memory') throw new Error(`"${value}" is not a storage; write memory or maildir`)
    },
  },
  { variable: 'MH_MAILDIR_PATH', flags: ['-maildir-path'], with: ['MH_STORAGE'] },
  { variable: 'MH_MONGO_URI', flags: ['-mongo-uri'], missing: NO_MONGODB },
  { variable: 'MH_MONGO_DB', flags: ['-mongo-db'], missing: NO_MONGODB },
  { variable: 'MH_MONGO_COLLECTION', flags: ['-mongo-coll'], missing: NO_MONGODB },
  { variable: 'MH_CORS_ORIGIN', flags: ['-cors-origin'], missing: 'pages of other sites may not use the lab' },
  {
    variable: 'MH_OUTGOING_SMTP',
    flags: ['-outgoing-smtp'],
    becomes: '`connectors`, one for each server',
    apply({ draft, value, path }) {
      const servers: unknown = parseYamlValue(textOf(path(value)))
      if (typeof servers !== 'object' || servers === null) throw new Error(`${value} names no servers`)
      draft.lab.connectors = Object.entries(servers).map(([name, server]) => connectorTo(name, server))
    },
  },
  {
    variable: 'MH_AUTH_FILE',
    flags: ['-auth-file'],
    becomes: '`directory.accounts`, `like.users` and `administrators`',
    apply({ draft, value, path, origin }) {
      const accounts = credentialsIn(textOf(path(value)))
      const names = accounts.map(({ user }) => user)
      addAccounts(draft, accounts, origin)
      likeIn(draft).users = names
      draft.lab.administrators = names
      serverOf(draft, 'http').authentication = ['basic']
    },
  },
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
      port: numberOf(port || '25', 1),
      tls: 'may',
      ...(username && password ? { user: username, password } : {}),
    },
  }
}
