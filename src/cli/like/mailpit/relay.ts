import { existsSync } from 'node:fs'
import { parseYamlValue } from '../../../core/config/yaml.ts'
import { patternsOf } from '../patterns.ts'
import { appliedBy, missingSettings, redundantSettings, setting } from '../rows.ts'
import type { Draft, Setting, SettingCall } from '../tool.ts'
import { isOn, parseNumber, readText } from '../values.ts'

/** The host that Mailpit sends mail to, by the keys of its configuration files. */
type Host = ReadonlyMap<string, string>

type Connector = NonNullable<Draft['lab']['outgoing']['connectors']>[number]

const keys = [
  'host',
  'port',
  'starttls',
  'tls',
  'allow-insecure',
  'auth',
  'username',
  'password',
  'secret',
  'return-path',
  'override-from',
]

/** Returns the variable of a key: `return-path` is MP_SMTP_RELAY_RETURN_PATH. */
const variableOf = (prefix: string, key: string): string => `${prefix}_${key.toUpperCase().replaceAll('-', '_')}`

/** Returns the host that the variables name. */
const hostOfVariables = ({ other }: SettingCall, prefix: string, names: readonly string[]): Host =>
  new Map(
    names.flatMap((key): [string, string][] => {
      const value = other(variableOf(prefix, key))
      return value === undefined ? [] : [[key, value]]
    }),
  )

/** Returns the host that a configuration file of Mailpit names. @throws Error */
function hostOfFile({ value, path }: SettingCall): Host {
  const found: unknown = parseYamlValue(readText(path(value)))
  if (typeof found !== 'object' || found === null) throw new Error(`${value} is not a configuration of Mailpit`)
  const host = new Map(Object.entries(found).map(([key, one]): [string, string] => [key, `${one ?? ''}`]))
  if (!host.get('host')) throw new Error(`${value} names no host`)
  return host
}

/** Files with the roots of the system, where distributions have them. */
const SYSTEM_ROOTS = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem']

/** Returns the connector for a host. @throws Error */
function connectorTo(name: string, host: Host): Connector {
  const starttls = isOn(host.get('starttls'))
  const implicitTls = isOn(host.get('tls'))
  if (starttls && implicitTls) throw new Error('TLS and STARTTLS exclude each other')
  const isVerified = !isOn(host.get('allow-insecure'))
  const roots = SYSTEM_ROOTS.find((file) => existsSync(file))
  const user = /^(?:|none|false)$/i.test(host.get('auth') ?? '') ? undefined : host.get('username')
  const from = host.get('return-path')
  const password = host.get('password') || host.get('secret')
  if (user && !password) throw new Error('the log-on has no password')
  return {
    name,
    smartHost: {
      host: host.get('host') ?? '',
      port: parseNumber(host.get('port') || '25', 1),
      tls: starttls || implicitTls ? (isVerified ? 'verify' : 'encrypt') : 'none',
      ...(implicitTls ? { implicitTls } : {}),
      ...(isVerified && roots && (starttls || implicitTls) ? { authority: roots } : {}),
      ...(user && password ? { user, password } : {}),
    },
    ...(from ? { rewrite: { from } } : {}),
  }
}

/** Adds the connectors that release mail. */
function addRelay(call: SettingCall, host: Host): void {
  const { draft, other } = call
  const allow = host.get('allowed-recipients') || host.get('recipient-allowlist')
  const deny = host.get('blocked-recipients')
  const matching = other('MP_SMTP_RELAY_MATCHING')
  const connector: Connector = {
    ...connectorTo('Mailpit relay', host),
    ...(allow ? { allow: patternsOf(allow) } : {}),
    ...(deny ? { deny: patternsOf(deny) } : {}),
  }
  const isAll = isOn(other('MP_SMTP_RELAY_ALL'))
  const automatic: Connector[] =
    isAll || !matching
      ? []
      : [{ ...connector, name: 'Mailpit automatic relay', when: 'automatic', filters: { to: patternsOf(matching) } }]
  const rest: Connector = { ...connector, when: isAll ? 'automatic' : 'release' }
  draft.lab.outgoing.connectors = [...(draft.lab.outgoing.connectors ?? []), ...automatic, rest]
}

/** Adds the connector that sends every message to one address. */
function addForward({ draft, origin }: SettingCall, host: Host): void {
  const [to, ...others] = (host.get('to') ?? '').split(',').map((address) => address.trim())
  if (!to) throw new Error('no address to forward to; set MP_SMTP_FORWARD_TO')
  if (others.length > 0) throw new Error(`the lab forwards to one address; keep ${to}, or use a list as its address`)
  if ((draft.lab.outgoing.connectors ?? []).length > 0)
    throw new Error(`${origin} and a relay exclude each other here; write a configuration with outgoing.connectors`)
  const connector = connectorTo('Mailpit forward', host)
  draft.lab.outgoing.connectors = [{ ...connector, when: 'automatic', rewrite: { ...connector.rewrite, to } }]
}

const RELAY = 'MP_SMTP_RELAY'
const FORWARD = 'MP_SMTP_FORWARD'

const rows = (prefix: string, names: readonly string[]): Setting[] =>
  names
    .filter((key) => key !== 'host' && key !== 'override-from')
    .map((key) => ({ variable: variableOf(prefix, key), with: [`${prefix}_HOST`] }))

/** Either of them names the host. */
const RELAYS = ['MP_SMTP_RELAY_HOST', 'MP_SMTP_RELAY_CONFIG']
const NO_HEADER = 'the lab does not change the header of messages'
const NO_ERRORS = 'errors of the next host are in `sealpost queue` and in reports to the sender'

export const relaySettings: readonly Setting[] = [
  setting('MP_SMTP_RELAY_CONFIG --smtp-relay-config', '`outgoing.connectors`', (call) =>
    addRelay(call, hostOfFile(call)),
  ),
  setting('MP_SMTP_RELAY_HOST', '`outgoing.connectors`', (call) => {
    if (call.other('MP_SMTP_RELAY_CONFIG') !== undefined) return
    addRelay(call, hostOfVariables(call, RELAY, [...keys, 'allowed-recipients', 'blocked-recipients']))
  }),
  ...rows(RELAY, [...keys, 'allowed-recipients', 'blocked-recipients']),
  ...missingSettings(NO_HEADER, 'MP_SMTP_RELAY_OVERRIDE_FROM'),
  ...redundantSettings('the Message-ID stays as it is', 'MP_SMTP_RELAY_PRESERVE_MESSAGE_IDS'),
  ...missingSettings(NO_ERRORS, 'MP_SMTP_RELAY_FWD_SMTP_ERRORS'),
  ...appliedBy(RELAYS, 'MP_SMTP_RELAY_ALL --smtp-relay-all!', 'MP_SMTP_RELAY_MATCHING --smtp-relay-matching'),
  setting('MP_SMTP_FORWARD_CONFIG --smtp-forward-config', '`outgoing.connectors` with `rewrite: { to }`', (call) =>
    addForward(call, hostOfFile(call)),
  ),
  setting('MP_SMTP_FORWARD_HOST', '`outgoing.connectors` with `rewrite: { to }`', (call) => {
    if (call.other('MP_SMTP_FORWARD_CONFIG') !== undefined) return
    addForward(call, hostOfVariables(call, FORWARD, [...keys, 'to']))
  }),
  ...rows(FORWARD, [...keys, 'to']),
  ...missingSettings(NO_HEADER, 'MP_SMTP_FORWARD_OVERRIDE_FROM'),
  ...missingSettings(NO_ERRORS, 'MP_SMTP_FORWARD_FWD_SMTP_ERRORS'),
]
