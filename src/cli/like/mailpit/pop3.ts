import { addAccounts } from '../accounts.ts'
import { addReaders } from '../console-users.ts'
import { serverOf } from '../draft.ts'
import { appliedBy, setting } from '../rows.ts'
import { useCertificate, useImplicitTls } from '../tls.ts'
import type { Setting, SettingCall } from '../tool.ts'
import { credentialsIn, listenAt, readText } from '../values.ts'

/** Opens the POP3 port for these accounts. Each of them gets all mail. */
function openFor({ draft, origin, other }: SettingCall, text: string): void {
  const users = credentialsIn(text)
  addAccounts(draft, users, origin)
  addReaders(draft, users)
  if (draft.servers.has('pop3')) return
  draft.servers.set('pop3', {
    name: 'Mailpit POP3',
    protocol: 'pop3',
    address: '127.0.0.1',
    port: 1110,
    tlsPort: 'off',
    certificate: 'none',
    maildrop: 'captured',
  })
  const bind = other('MP_POP3_BIND_ADDR')
  if (bind !== undefined) listenAt(serverOf(draft, 'pop3'), bind)
}

export const pop3Settings: readonly Setting[] = [
  setting('MP_POP3_AUTH', '`directory.accounts`, and a POP3 virtual server with `maildrop: captured`', (call) =>
    openFor(call, call.value),
  ),
  setting(
    'MP_POP3_AUTH_FILE --pop3-auth-file',
    '`directory.accounts`, and a POP3 virtual server with `maildrop: captured`',
    (call) => openFor(call, readText(call.path(call.value))),
  ),
  ...appliedBy(['MP_POP3_AUTH', 'MP_POP3_AUTH_FILE'], 'MP_POP3_BIND_ADDR --pop3'),
  setting(
    'MP_POP3_TLS_CERT --pop3-tls-cert',
    '`certificate` of the POP3 virtual server, whose port takes TLS only',
    (call) => {
      const pop3 = call.draft.servers.get('pop3')
      if (!pop3) return
      useCertificate(call, 'pop3', 'MP_POP3_TLS_KEY')
      useImplicitTls(pop3)
    },
  ),
  ...appliedBy(['MP_POP3_TLS_CERT'], 'MP_POP3_TLS_KEY --pop3-tls-key'),
]
