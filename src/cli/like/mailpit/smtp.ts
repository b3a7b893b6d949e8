import { acceptAnySender, addAccounts } from '../accounts.ts'
import { serverOf } from '../draft.ts'
import { useCertificate } from '../tls.ts'
import type { Draft, Setting, SettingCall } from '../tool.ts'
import { credentialsIn, isOn, listenAt, numberOf, textOf } from '../values.ts'

/** Lets only these accounts send mail. */
function limitTo({ draft, origin, other }: SettingCall, text: string): void {
  if (isOn(other('MP_SMTP_AUTH_ACCEPT_ANY'))) throw new Error('and MP_SMTP_AUTH_ACCEPT_ANY exclude each other')
  addAccounts(draft, credentialsIn(text), origin)
  serverOf(draft, 'smtp').authentication = ['plain', 'login']
}

export const smtpSettings: readonly Setting[] = [
  {
    variable: 'MP_SMTP_BIND_ADDR',
    flags: ['--smtp', '-s'],
    becomes: '`address` and `port` of the SMTP virtual server',
    apply: ({ draft, value }) => listenAt(serverOf(draft, 'smtp'), value),
  },
  {
    variable: 'MP_SMTP_AUTH',
    becomes: '`directory.accounts`; senders must log on',
    apply: (call) => limitTo(call, call.value),
  },
  {
    variable: 'MP_SMTP_AUTH_FILE',
    flags: ['--smtp-auth-file'],
    becomes: '`directory.accounts`; senders must log on',
    apply: (call) => limitTo(call, textOf(call.path(call.value))),
  },
  {
    variable: 'MP_SMTP_AUTH_ACCEPT_ANY',
    flags: ['--smtp-auth-accept-any'],
    isSwitch: true,
    becomes: '`directory.mode: open`; where accounts are listed, `acceptAnyPassword` of the SMTP virtual server',
    apply({ draft, value }) {
      if (isOn(value)) serverOf(draft, 'smtp').authentication = ['anonymous', 'plain', 'login']
    },
  },
  {
    variable: 'MP_SMTP_AUTH_ALLOW_INSECURE',
    flags: ['--smtp-auth-allow-insecure'],
    isSwitch: true,
    with: ['MP_SMTP_AUTH', 'MP_SMTP_AUTH_FILE', 'MP_SMTP_AUTH_ACCEPT_ANY'],
  },
  {
    variable: 'MP_SMTP_TLS_CERT',
    aliases: ['MP_SMTP_SSL_CERT'],
    flags: ['--smtp-tls-cert', '--smtp-ssl-cert'],
    becomes: '`certificate` of the SMTP virtual server, which then offers STARTTLS',
    apply: (call) => useCertificate(call, 'smtp', 'MP_SMTP_TLS_KEY'),
  },
  {
    variable: 'MP_SMTP_TLS_KEY',
    aliases: ['MP_SMTP_SSL_KEY'],
    flags: ['--smtp-tls-key', '--smtp-ssl-key'],
    with: ['MP_SMTP_TLS_CERT'],
  },
  {
    variable: 'MP_SMTP_REQUIRE_STARTTLS',
    aliases: ['MP_SMTP_TLS_REQUIRED'],
    flags: ['--smtp-require-starttls', '--smtp-tls-required'],
    isSwitch: true,
    becomes: '`requireSecureChannel` of the SMTP virtual server',
    apply({ draft, value }) {
      if (isOn(value)) serverOf(draft, 'smtp').requireSecureChannel = true
    },
  },
  {
    variable: 'MP_SMTP_REQUIRE_TLS',
    flags: ['--smtp-require-tls'],
    isSwitch: true,
    becomes: '`tlsPort` of the SMTP virtual server in place of `port`',
    apply({ draft, value }) {
      if (!isOn(value)) return
      const smtp = serverOf(draft, 'smtp')
      Object.assign(smtp, { tlsPort: smtp.port, port: 'off' })
    },
  },
  {
    variable: 'MP_SMTP_MAX_RECIPIENTS',
    flags: ['--smtp-max-recipients'],
    becomes: '`limits.recipients` of the SMTP virtual server',
    apply({ draft, value }) {
      const smtp = serverOf(draft, 'smtp')
      smtp.limits = { ...smtp.limits, recipients: numberOf(value, 1) }
    },
  },
  {
    variable: 'MP_SMTP_ALLOWED_RECIPIENTS',
    flags: ['--smtp-allowed-recipients'],
    becomes: 'a fault that refuses other recipients: 550 5.1.0',
    apply({ draft, value }) {
      draft.lab.faults = [
        ...(draft.lab.faults ?? []),
        {
          name: 'Recipient not allowed',
          when: { protocol: 'smtp', verb: 'RCPT', matching: unlessAddress(value) },
          do: { reply: '550 5.1.0 Requested action not taken: mailbox unavailable' },
        },
      ]
    },
  },
  {
    variable: 'MP_SMTP_IGNORE_REJECTED_RECIPIENTS',
    flags: ['--smtp-ignore-rejected-recipients'],
    isSwitch: true,
    missing: 'recipients that are not allowed are refused',
  },
  {
    variable: 'MP_SMTP_STRICT_RFC_HEADERS',
    aliases: ['MP_STRICT_RFC_HEADERS'],
    flags: ['--smtp-strict-rfc-headers'],
    isSwitch: true,
    missing: 'messages are stored as they arrive',
  },
  {
    variable: 'MP_SMTP_DISABLE_RDNS',
    flags: ['--smtp-disable-rdns'],
    isSwitch: true,
    always: 'the lab does not look up the names of clients',
  },
]

/**
 * Returns an expression for the RCPT commands whose address an expression does not match.
 * @throws Error if it is not a regular expression
 */
function unlessAddress(expression: string): string {
  // The address is between angle brackets; the anchors of the expression are those of the address.
  const inBrackets = expression.replaceAll(/\\.|\[(?:\\.|[^\]])*\]|\^|\$/gs, (part) =>
    part === '^' ? '(?<=<)' : part === '$' ? '(?=>)' : part,
  )
  try {
    const found = new RegExp(`^RCPT TO:\\s*<(?![^>]*(?:${inBrackets}))`, 'i')
    return found.source
  } catch (error) {
    throw new Error(`is not a regular expression: ${(error as Error).message}`)
  }
}

/** Applies what depends on several settings. @throws Error for what Mailpit refuses at its start */
export function finishSmtp(draft: Draft, other: SettingCall['other']): void {
  if (isOn(other('MP_SMTP_AUTH_ACCEPT_ANY'))) acceptAnySender(draft)
  const smtp = serverOf(draft, 'smtp')
  const hasTls = smtp.certificate !== 'none'
  const wantsTls = isOn(other('MP_SMTP_REQUIRE_STARTTLS')) || isOn(other('MP_SMTP_REQUIRE_TLS'))
  if (wantsTls && !hasTls) throw new Error('TLS cannot be required without MP_SMTP_TLS_CERT and MP_SMTP_TLS_KEY')
  const logsOn = smtp.authentication?.some((method) => method !== 'anonymous') ?? false
  if (!logsOn || isOn(other('MP_SMTP_AUTH_ALLOW_INSECURE'))) return
  if (!hasTls) {
    throw new Error('a log-on needs MP_SMTP_TLS_CERT and MP_SMTP_TLS_KEY, or MP_SMTP_AUTH_ALLOW_INSECURE=true')
  }
  const isOpen = smtp.authentication?.includes('anonymous')
  smtp.authentication = [...(isOpen ? (['anonymous'] as const) : []), 'basic-over-tls']
}
