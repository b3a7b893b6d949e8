import { acceptAnySender, addAccounts } from '../accounts.ts'
import { serverOf } from '../draft.ts'
import {
  appliedBy,
  limit,
  listenSetting,
  missingSettings,
  redundantSettings,
  requireTls,
  setting,
  switchSetting,
} from '../rows.ts'
import { useCertificate, useImplicitTls } from '../tls.ts'
import type { Draft, Setting, SettingCall } from '../tool.ts'
import { credentialsIn, isOn, parseNumber, readText } from '../values.ts'

/** Lets only these accounts send mail. */
function limitTo({ draft, origin, other }: SettingCall, text: string): void {
  if (isOn(other('MP_SMTP_AUTH_ACCEPT_ANY'))) throw new Error('and MP_SMTP_AUTH_ACCEPT_ANY exclude each other')
  addAccounts(draft, credentialsIn(text), origin)
  serverOf(draft, 'smtp').authentication = ['plain', 'login']
}

export const smtpSettings: readonly Setting[] = [
  listenSetting('MP_SMTP_BIND_ADDR --smtp -s', 'smtp'),
  setting('MP_SMTP_AUTH', '`directory.accounts`; senders must log on', (call) => limitTo(call, call.value)),
  setting('MP_SMTP_AUTH_FILE --smtp-auth-file', '`directory.accounts`; senders must log on', (call) =>
    limitTo(call, readText(call.path(call.value))),
  ),
  switchSetting(
    'MP_SMTP_AUTH_ACCEPT_ANY --smtp-auth-accept-any!',
    '`directory.mode: open`; where accounts are listed, `acceptAnyPassword` of the SMTP virtual server',
    (draft) => {
      serverOf(draft, 'smtp').authentication = ['anonymous', 'plain', 'login']
    },
  ),
  ...appliedBy(
    ['MP_SMTP_AUTH', 'MP_SMTP_AUTH_FILE', 'MP_SMTP_AUTH_ACCEPT_ANY'],
    'MP_SMTP_AUTH_ALLOW_INSECURE --smtp-auth-allow-insecure!',
  ),
  setting(
    'MP_SMTP_TLS_CERT MP_SMTP_SSL_CERT --smtp-tls-cert --smtp-ssl-cert',
    '`certificate` of the SMTP virtual server, which then offers STARTTLS',
    (call) => useCertificate(call, 'smtp', 'MP_SMTP_TLS_KEY'),
  ),
  ...appliedBy(['MP_SMTP_TLS_CERT'], 'MP_SMTP_TLS_KEY MP_SMTP_SSL_KEY --smtp-tls-key --smtp-ssl-key'),
  requireTls('MP_SMTP_REQUIRE_STARTTLS MP_SMTP_TLS_REQUIRED --smtp-require-starttls --smtp-tls-required!', 'smtp'),
  switchSetting(
    'MP_SMTP_REQUIRE_TLS --smtp-require-tls!',
    '`tlsPort` of the SMTP virtual server in place of `port`',
    (draft) => useImplicitTls(serverOf(draft, 'smtp')),
  ),
  setting(
    'MP_SMTP_MAX_RECIPIENTS --smtp-max-recipients',
    '`limits.recipients` of the SMTP virtual server',
    ({ draft, value }) => {
      limit(serverOf(draft, 'smtp'), { recipients: parseNumber(value, 1) })
    },
  ),
  setting(
    'MP_SMTP_ALLOWED_RECIPIENTS --smtp-allowed-recipients',
    'a fault that refuses other recipients: 550 5.1.0',
    ({ draft, value }) => {
      draft.lab.testing.faults = [
        ...(draft.lab.testing.faults ?? []),
        {
          name: 'Recipient not allowed',
          when: { protocol: 'smtp', verb: 'RCPT', matching: exceptAddress(value) },
          do: { reply: '550 5.1.0 Requested action not taken: mailbox unavailable' },
        },
      ]
    },
  ),
  ...missingSettings(
    'recipients that are not allowed are refused',
    'MP_SMTP_IGNORE_REJECTED_RECIPIENTS --smtp-ignore-rejected-recipients!',
  ),
  ...missingSettings(
    'messages are stored as they arrive',
    'MP_SMTP_STRICT_RFC_HEADERS MP_STRICT_RFC_HEADERS --smtp-strict-rfc-headers!',
  ),
  ...redundantSettings('the lab does not look up the names of clients', 'MP_SMTP_DISABLE_RDNS --smtp-disable-rdns!'),
]

/**
 * Returns an expression for the RCPT commands whose address an expression does not match.
 * @throws Error if it is not a regular expression
 */
function exceptAddress(expression: string): string {
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
