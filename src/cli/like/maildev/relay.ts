import { appliedBy } from '../rows.ts'
import type { Draft, Setting, SettingCall } from '../tool.ts'
import { isOn, parseNumber, readText } from '../values.ts'

type Connector = NonNullable<Draft['lab']['outgoing']['connectors']>[number]

/** Returns the connector to the host of the settings. @throws Error */
function connectorOf({ value, other }: SettingCall): Connector {
  const [user, password] = [other('MAILDEV_OUTGOING_USER'), other('MAILDEV_OUTGOING_PASS')]
  if (user !== undefined && password === undefined) throw new Error('the log-on needs MAILDEV_OUTGOING_PASS')
  const isSecure = isOn(other('MAILDEV_OUTGOING_SECURE'))
  return {
    name: 'MailDev relay',
    smartHost: {
      host: value,
      port: parseNumber(other('MAILDEV_OUTGOING_PORT') ?? '25', 1),
      // As MailDev, which verifies no certificate of the host.
      tls: isSecure ? 'encrypt' : 'may',
      ...(isSecure ? { implicitTls: true } : {}),
      ...(user !== undefined && password !== undefined ? { user, password } : {}),
    },
  }
}

/** Returns what automatic relaying adds: when, to whom, and which recipients are allowed. @throws Error */
function automaticOf({ other, path }: SettingCall): Partial<Connector> {
  const setting = other('MAILDEV_AUTO_RELAY')
  if (setting === undefined || /^(?:false|0)$/i.test(setting)) return {}
  const rules = other('MAILDEV_AUTO_RELAY_RULES')
  return {
    when: 'automatic',
    ...(/^(?:true|1)$/i.test(setting) ? {} : { rewrite: { to: setting } }),
    ...(rules === undefined ? {} : listsOf(readText(path(rules)))),
  }
}

/**
 * Returns the lists of recipients that the rules of MailDev mean. Its last rule that matches counts; the lab allows what is
 * on one list and not on the other. @throws Error for rules that the lists cannot say
 */
function listsOf(text: string): Pick<Connector, 'allow' | 'deny'> {
  const rules: unknown = JSON.parse(text)
  if (!Array.isArray(rules)) throw new Error('MAILDEV_AUTO_RELAY_RULES is not a list of rules')
  const read = rules.map((rule: Readonly<Record<string, unknown>>) =>
    typeof rule.allow === 'string'
      ? { kind: 'allow' as const, pattern: rule.allow }
      : { kind: 'deny' as const, pattern: `${rule.deny}` },
  )
  const [first] = read
  const all = first?.pattern === '*' ? first.kind : 'allow'
  const rest = first?.pattern === '*' ? read.slice(1) : read
  const wrong = rest.find(({ kind }) => kind === all)
  if (wrong) {
    const why = `{ "${wrong.kind}": "${wrong.pattern}" } of MAILDEV_AUTO_RELAY_RULES has no effect or an exception`
    throw new Error(`${why}; write a configuration with outgoing.connectors, whose deny is after allow`)
  }
  const patterns = rest.map(({ pattern }) => pattern)
  if (patterns.length === 0) return all === 'deny' ? { deny: ['*'] } : {}
  return all === 'deny' ? { allow: patterns } : { deny: patterns }
}

const WITH = 'MAILDEV_OUTGOING_HOST'

export const relaySettings: readonly Setting[] = [
  {
    variable: WITH,
    flags: ['--outgoing-host'],
    becomes: '`outgoing.connectors`: mail is released, or sent immediately with MAILDEV_AUTO_RELAY',
    apply(call) {
      call.draft.lab.outgoing.connectors = [{ ...connectorOf(call), ...automaticOf(call) }]
    },
  },
  ...appliedBy(
    [WITH],
    'MAILDEV_OUTGOING_PORT --outgoing-port',
    'MAILDEV_OUTGOING_USER --outgoing-user',
    'MAILDEV_OUTGOING_PASS --outgoing-pass',
    'MAILDEV_OUTGOING_SECURE --outgoing-secure!',
  ),
  { variable: 'MAILDEV_AUTO_RELAY', flags: ['--auto-relay'], isOptional: true, with: [WITH] },
  ...appliedBy([WITH], 'MAILDEV_AUTO_RELAY_RULES --auto-relay-rules'),
]
