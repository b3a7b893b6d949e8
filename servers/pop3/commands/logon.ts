import { type LogonRefusal, refusalTexts } from '../../../src/accounts/directory/logon-refusal.ts'
import { prepareInput } from '../../../src/accounts/directory/saslprep/saslprep.ts'
import {
  admit,
  authenticatePassword,
  authenticateSasl,
  checkLogon,
  checkSasl,
  type LogonErrors,
  refuseLogon,
} from '../../logon.ts'
import { secretInDigest } from '../apop.ts'
import { inAuthorization, type Pop3Session, restOfLine, wordsBetween } from '../command.ts'
import { Pop3Error, type Pop3Reply } from '../reply.ts'

/** Personalities find their own replies by these texts (`src/core/personality/`): change both together. */
const logonErrors = (command: string): LogonErrors => ({
  needsTls: () => new Pop3Error(`A secure channel is required before ${command}. Use STLS first.`, 'AUTH'),
  notOffered: () => new Pop3Error('Logon is not offered on this virtual server.', 'AUTH'),
  unknownMechanism: () => new Pop3Error('The authentication mechanism is not offered.'),
  cancelled: () => new Pop3Error('Authentication cancelled.'),
  malformed: () => new Pop3Error('Invalid base64 in the response.'),
  failed: (reason) => new Pop3Error(`Logon failure: ${reason}.`, 'AUTH'),
  refused: (why) => new Pop3Error(`Logon failure: ${refusalTexts[why]}.`, refusalCodes[why], { isRefusal: true }),
})

/** AUTH: other credentials help. SYS: only time or an administrator does. RFC 3206 sections 4 and 5. */
const refusalCodes: Readonly<Record<LogonRefusal, 'AUTH' | 'SYS/TEMP' | 'SYS/PERM'>> = {
  locked: 'SYS/TEMP',
  disabled: 'SYS/PERM',
  'password-expired': 'AUTH',
  'must-change-password': 'AUTH',
  'application-password-required': 'AUTH',
  'basic-authentication': 'AUTH',
  'smtp-auth-disabled': 'AUTH',
  'security-defaults': 'AUTH',
  'not-authorized': 'AUTH',
}

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
  async run(session, password, { user }) {
    if (user === undefined) throw new Pop3Error('Send USER first.')
    session.state = { name: 'authorization' }
    // RFC 6856 section 2.2
    const credentials = { name: prepareInput(user), password: prepareInput(password) }
    return session.logOn(await authenticatePassword(session, credentials, passErrors))
  },
})

/** APOP name digest: MD5 over the greeting's timestamp and the password. RFC 1939 section 7. */
export const apop = inAuthorization({
  name: 'APOP',
  check: (session) => checkLogon(session, apopErrors),
  parse: wordsBetween(2, 2),
  async run(session, [name = '', digest = '']) {
    if (session.timestamp === undefined) throw new Pop3Error('APOP is not available: the greeting had no timestamp.')
    session.state = { name: 'authorization' }
    const { directory } = session.context
    await directory.refresh()
    const account = directory.find(prepareInput(name))
    const secret = secretInDigest(digest, session.timestamp, directory.secretsOf(account))
    if (!account || !secret) return refuseLogon(session, apopErrors, { user: prepareInput(name) })
    return session.logOn(await admit(session, { account, secret }, apopErrors))
  },
})

/** AUTH [mechanism [initial-response]]. RFC 5034. Without arguments it lists the mechanisms, for Outlook Express. */
export const auth = inAuthorization({
  name: 'AUTH',
  check(session) {
    // RFC 2595 section 2.3
    checkSasl(session, authErrors)
  },
  parse: wordsBetween(0, 2),
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
