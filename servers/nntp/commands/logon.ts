import { refusalTexts } from '../../../src/accounts/directory/logon-refusal.ts'
import {
  authenticateAnyone,
  authenticatePassword,
  authenticateSasl,
  checkLogon,
  type LogonErrors,
  type SaslDialect,
} from '../../logon.ts'
import { defineCommand, type NntpSession } from '../command.ts'
import { NntpError, syntaxError } from '../reply.ts'

const logonErrors: LogonErrors = {
  needsTls: () => new NntpError(483, 'A secure channel is required. Use STARTTLS first'),
  notOffered: () => new NntpError(502, 'Logon is not offered on this virtual server'),
  unknownMechanism: () => new NntpError(503, 'The authentication mechanism is not offered'),
  cancelled: () => new NntpError(481, 'Authentication cancelled'),
  malformed: () => new NntpError(504, 'Invalid base64 in the response'),
  failed: (reason) => new NntpError(481, `Authentication failed: ${reason}`),
  // RFC 3977 section 3.2.1: 502 is permanent.
  refused: (why) => new NntpError(why === 'disabled' ? 502 : 481, `Authentication failed: ${refusalTexts[why]}`, true),
}

/** RFC 4643 section 2.4.2: 383 with a challenge, `=` for an empty one, 283 with success data. */
const saslDialect: SaslDialect = { challengePrefix: '383', equalsSign: true }

/** Checks that a log-on is still possible. @throws NntpError 502 */
function expectNotLoggedOn({ account, isAnonymous, connection }: NntpSession): void {
  if (account || isAnonymous) throw new NntpError(502, 'Already authenticated') // RFC 4643 section 2.2
  if (connection.compressed) throw new NntpError(502, 'Compression is active') // RFC 8054 section 2.2.2
}

/** Checks that a password may be sent now. Runs before the password is read. @throws NntpError 502, 483 */
function checkPasswordLogon(session: NntpSession): void {
  expectNotLoggedOn(session)
  checkLogon(session, logonErrors)
}

/** Returns a name or password as the client sent it, spaces included. RFC 4643 section 2.3.2. */
const afterTwoWords = ({ line }: NntpSession): string => line.replace(/^\s*\S+\s+\S+[ \t]/, '')

/** AUTHINFO USER name. RFC 4643 section 2.3. */
export const authinfoUser = defineCommand({
  name: 'AUTHINFO USER',
  syntax: 'name',
  args: [1, 32],
  run(session) {
    checkPasswordLogon(session)
    session.claimedUser = afterTwoWords(session)
    session.reply(381, 'Password required')
  },
})

/** AUTHINFO PASS password. RFC 4643 section 2.3. */
export const authinfoPass = defineCommand({
  name: 'AUTHINFO PASS',
  syntax: 'password',
  args: [1, 32],
  async run(session) {
    checkPasswordLogon(session)
    const { claimedUser: name } = session
    if (name === undefined) throw new NntpError(482, 'Send AUTHINFO USER first')
    session.claimedUser = undefined
    const account = await authenticatePassword(session, { name, password: afterTwoWords(session) }, logonErrors)
    await session.logOn(account)
    session.reply(281, `Authenticated as ${account.user}`)
  },
})

/** AUTHINFO SASL mechanism [initial-response]. RFC 4643 section 2.4. */
export const authinfoSasl = defineCommand<{ mechanism: string; initial: string | undefined }>({
  name: 'AUTHINFO SASL',
  syntax: 'mechanism [initial-response]',
  args: [1, 2],
  parse: ([mechanism = '', initial]) => ({ mechanism, initial }),
  async run(session, command) {
    expectNotLoggedOn(session)
    const outcome = await authenticateAnyone(session, command, saslDialect, logonErrors)
    if (outcome.kind === 'anonymous') {
      session.isAnonymous = true
      return session.reply(281, 'Authenticated as anonymous')
    }
    const { account, data } = outcome
    await session.logOn(account)
    if (data) session.reply(283, data.toString('base64'))
    else session.reply(281, `Authenticated as ${account.user}`)
  },
})

/** The only authenticator of AUTHINFO GENERIC. MS-NNTP section 2.2.1.1. */
const AUTHENTICATOR = 'NTLM'

/** MS-NNTP section 2.2.1.4: 502 for every failure. */
const genericErrors: LogonErrors = {
  ...logonErrors,
  cancelled: () => new NntpError(502, 'Authentication cancelled'),
  malformed: () => new NntpError(502, 'Expected AUTHINFO GENERIC with a message in base64'),
  failed: (reason) => new NntpError(502, `Authentication failed: ${reason}`, true),
  refused: (why) => new NntpError(502, `Authentication failed: ${refusalTexts[why]}`, true),
}

/** MS-NNTP sections 2.2.2 and 2.2.3: 381 with a challenge, and the command again before each response. */
const genericDialect: SaslDialect = {
  challengePrefix: '381',
  prompt: 'Protocol supported, proceed',
  responseIn: (line) => line.replace(/^AUTHINFO +GENERIC +/i, ''),
}

/** AUTHINFO GENERIC [NTLM]. Without an argument, it lists the authenticators. RFC 2980 section 3.1.3, MS-NNTP section 2.2.1. */
export const authinfoGeneric = defineCommand<readonly string[]>({
  name: 'AUTHINFO GENERIC',
  syntax: '[authenticator]',
  args: [0, 32],
  parse: (args) => args,
  async run(session, [name, ...more]) {
    expectNotLoggedOn(session)
    // RFC 2980 section 3.1.3: clients then try AUTHINFO USER.
    if (!session.policy.mechanisms.includes(AUTHENTICATOR))
      throw syntaxError('AUTHINFO GENERIC is not supported. Use AUTHINFO USER or AUTHINFO SASL')
    if (name === undefined) return session.replyLines(281, 'Authenticators follow', [AUTHENTICATOR])
    if (name.toUpperCase() !== AUTHENTICATOR) throw new NntpError(503, 'The authenticator is not offered')
    if (more.length > 0) throw syntaxError('NTLM takes no arguments')
    const { account } = await authenticateSasl(session, { mechanism: name }, genericDialect, genericErrors)
    await session.logOn(account)
    session.reply(281, `Authenticated as ${account.user}`)
  },
})
