import { addAccounts } from '../accounts.ts'
import { addReaders } from '../console-users.ts'
import { serverOf } from '../draft.ts'
import { useCertificate } from '../tls.ts'
import type { Setting, SettingCall } from '../tool.ts'
import { credentialsIn, listenAt, textOf } from '../values.ts'

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
  {
    variable: 'MP_POP3_AUTH',
    becomes: '`directory.accounts`, and a POP3 virtual server with `maildrop: captured`',
    apply: (call) => openFor(call, call.value),
  },
  {
    variable: 'MP_POP3_AUTH_FILE',
    flags: ['--pop3-auth-file'],
    becomes: '`directory.accounts`, and a POP3 virtual server with `maildrop: captured`',
    apply: (call) => openFor(call, textOf(call.path(call.value))),
  },
  { variable: 'MP_POP3_BIND_ADDR', flags: ['--pop3'], with: ['MP_POP3_AUTH', 'MP_POP3_AUTH_FILE'] },
  {
    variable: 'MP_POP3_TLS_CERT',
    flags: ['--pop3-tls-cert'],
    becomes: '`certificate` of the POP3 virtual server, whose port takes TLS only',
    apply(call) {
      const pop3 = call.draft.servers.get('pop3')
      if (!pop3) return
      useCertificate(call, 'pop3', 'MP_POP3_TLS_KEY')
      Object.assign(pop3, { tlsPort: pop3.port, port: 'off' })
    },
  },
  { variable: 'MP_POP3_TLS_KEY', flags: ['--pop3-tls-key'], with: ['MP_POP3_TLS_CERT'] },
]
