import { appliedBy, missingSettings } from '../rows.ts'
import type { Draft, Setting, SettingCall } from '../tool.ts'
import { parseNumber } from '../values.ts'

type Connector = NonNullable<Draft['lab']['outgoing']['connectors']>[number]
type SmartHost = NonNullable<Connector['smartHost']>

/** The TLS modes of MailKit. Without a root that the user names, the lab verifies no certificate of the host. */
const modes: Readonly<Record<string, Pick<SmartHost, 'tls' | 'implicitTls'>>> = {
  none: { tls: 'none' },
  auto: { tls: 'may' },
  starttlswhenavailable: { tls: 'may' },
  starttls: { tls: 'encrypt' },
  sslonconnect: { tls: 'encrypt', implicitTls: true },
}

/** Addresses that variables can name. */
const MAX_EMAILS = 5
const emailVariables = Array.from({ length: MAX_EMAILS }, (_, at) => `RelayOptions__AutomaticEmails__${at}`)
const WITH = 'RelayOptions__SmtpServer'

/** Adds the connector that releases mail, and the one that sends mail for some addresses immediately. @throws Error */
function addRelay({ draft, value, other }: SettingCall): void {
  const mode = other('RelayOptions__TlsMode') ?? 'Auto'
  const tls = Object.hasOwn(modes, mode.toLowerCase()) ? modes[mode.toLowerCase()] : undefined
  if (!tls)
    throw new Error(`RelayOptions__TlsMode: "${mode}" is not a mode; write Auto, None, StartTls or SslOnConnect`)
  const [user, password] = [other('RelayOptions__Login'), other('RelayOptions__Password')]
  if (user !== undefined && password === undefined) throw new Error('the log-on needs RelayOptions__Password')
  const from = other('RelayOptions__SenderAddress')
  const relay: Connector = {
    name: 'smtp4dev relay',
    smartHost: {
      host: value,
      port: parseNumber(other('RelayOptions__SmtpPort') ?? '25', 1),
      ...tls,
      ...(user !== undefined && password !== undefined ? { user, password } : {}),
    },
    ...(from === undefined ? {} : { rewrite: { from } }),
  }
  const listed = [other('--relayautomaticallyemails') ?? '', ...emailVariables.map((name) => other(name) ?? '')]
  const to = listed
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '')
  const automatic: Connector[] =
    to.length === 0
      ? []
      : [{ ...structuredClone(relay), name: 'smtp4dev automatic relay', when: 'automatic', filters: { to } }]
  draft.lab.outgoing.connectors = [...automatic, relay]
}

export const relaySettings: readonly Setting[] = [
  {
    variable: WITH,
    flags: ['--relaysmtpserver'],
    becomes: '`outgoing.connectors`: mail is released, and sent immediately for RelayOptions__AutomaticEmails',
    apply: addRelay,
  },
  ...appliedBy(
    [WITH],
    'RelayOptions__SmtpPort --relaysmtpport',
    'RelayOptions__TlsMode --relaytlsmode',
    'RelayOptions__Login --relayusername',
    'RelayOptions__Password --relaypassword',
    'RelayOptions__SenderAddress --relaysenderaddress',
    '--relayautomaticallyemails',
  ),
  ...emailVariables.map((variable) => ({ variable, with: [WITH] })),
  ...missingSettings(
    'the lab runs no expressions; `filters` of connectors select mail',
    'RelayOptions__AutomaticRelayExpression',
  ),
  ...missingSettings(
    'the certificate of the host is not verified unless a connector names its authority',
    'RelayOptions__CheckCertificateRevocation',
  ),
  ...missingSettings('the lab has its own suites for outgoing mail', 'RelayOptions__SslCipherSuitesPolicy__0'),
]
