import { prepared } from '../../../src/directory/saslprep/saslprep.ts'
import { authenticateSasl, checkLogon, checkSasl, type LogonErrors, refuseLogon } from '../../logon.ts'
import { provesPassword } from '../apop.ts'
import { inAuthorization, type Pop3Session, restOfLine, words } from '../command.ts'
import { Pop3Error, type Pop3Reply } from '../reply.ts'

const logonErrors = (command: string): LogonErrors => ({
  needsTls: () => new Pop3Error(`A secure channel is required before ${command}. Use STLS first.`, 'AUTH'),
  notOffered: () => new Pop3Error('Logon is not offered on this virtual server.', 'AUTH'),
  unknownMechanism: () => new Pop3Error('The authentication mechanism is not offered.'),
  cancelled: () => new Pop3Error('Authentication cancelled.'),
  malformed: () => new Pop3Error('Invalid base64 in the response.'),
  failed: () => new Pop3Error('Logon failure: unknown user name or bad password.', 'AUTH'),
})

const userErrors = logonErrors('USER')
const passErrors = logonErrors('PASS')
const apopErrors = logonErrors('APOP')
const authErrors = logonErrors('AUTH')

/** USER name. Accepts any name, so that the reply does not reveal which ones exist. RFC 1939 section 7. */
export const user = inAuthorization({
  name: 'USER',
  check: (session) => checkLogon(session, userErrors),
  parse: restOfLine,
  run(session, name) {
    session.state = { name: 'authorization', user: name }
    return 'send PASS'
  },
})

/** PASS password, only directly after USER. RFC 1939 section 7. */
export const pass = inAuthorization({
  name: 'PASS',
  check: (session) => checkLogon(session, passErrors),
  parse: restOfLine,
  run(session, password, { user }) {
    if (user === undefined) throw new Pop3Error('Send USER first.')
    session.state = { name: 'authorization' }
    const account = session.context.directory.authenticate(prepared(user), prepared(password)) // RFC 6856 section 2.2
    if (!account) return refuseLogon(session, passErrors)
    return session.logOn(account)
  },
})

/** APOP name digest: MD5 over the greeting's timestamp and the password. RFC 1939 section 7. */
export const apop = inAuthorization({
  name: 'APOP',
  check: (session) => checkLogon(session, apopErrors),
  parse: words(2, 2),
  run(session, [name = '', digest = '']) {
    if (session.timestamp === undefined) throw new Pop3Error('APOP is not available: the greeting had no timestamp.')
    session.state = { name: 'authorization' }
    const account = session.context.directory.find(prepared(name))
    if (!provesPassword(digest, session.timestamp, account)) return refuseLogon(session, apopErrors)
    return session.logOn(account)
  },
})

/** AUTH [mechanism [initial-response]]. RFC 5034. Without arguments it lists the mechanisms, for Outlook Express. */
export const auth = inAuthorization({
  name: 'AUTH',
  check(session) {
    // RFC 2595 section 2.3
    checkSasl(session, authErrors)
  },
  parse: words(0, 2),
  run(session, [mechanism, initial]): Pop3Reply | Promise<Pop3Reply> {
    if (mechanism === undefined) return { text: 'mechanisms follow', lines: session.policy.mechanisms }
    session.state = { name: 'authorization' }
    return authenticate(session, mechanism, initial)
  },
})

async function authenticate(session: Pop3Session, mechanism: string, initial: string | undefined): Promise<string> {
  const { account } = await authenticateSasl(session, { mechanism, initial }, { challengePrefix: '+' }, authErrors)
  return session.logOn(account)
}
