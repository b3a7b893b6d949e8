import { type LogonRefusal, refusalTexts } from '../../../src/accounts/directory/logon-refusal.ts'
import { authenticateAnyone, type LogonErrors } from '../../logon.ts'
import { needGreeting, noArgument, type SmtpCommand } from '../command.ts'
import { badSequence, mustStartTls, SmtpError, syntaxError } from '../reply.ts'

/** STARTTLS. Discards the session's state and all octets that were sent in clear text after the command. RFC 3207. */
export const starttls: SmtpCommand = {
  name: 'STARTTLS',
  async run(session, argument) {
    noArgument('STARTTLS', argument)
    const { connection } = session
    if (connection.tls) throw badSequence('Error: TLS is already active')
    if (!connection.canStartTls) throw new SmtpError(454, '4.7.0', 'TLS not available: no certificate is assigned')
    session.reply(220, '2.0.0', 'Ready to start TLS')
    await connection.startTls()
    session.forget()
  },
}

const unknownMechanism = (): SmtpError => new SmtpError(504, '5.5.4', 'The authentication mechanism is not offered')

/** The errors of refused log-ons. RFC 4954 sections 4 and 6. */
export const logonErrors: LogonErrors = {
  needsTls: mustStartTls,
  notOffered: unknownMechanism,
  unknownMechanism,
  cancelled: () => new SmtpError(501, '5.7.0', 'Authentication cancelled'),
  malformed: () => new SmtpError(501, '5.5.2', 'Cannot decode the response: not base64'),
  failed: (reason) => new SmtpError(535, '5.7.8', `Authentication failed: ${reason}`),
  refused(why) {
    const [code, enhancedCode] = refusalCodes[why]
    return new SmtpError(code, enhancedCode, `Authentication failed: ${refusalTexts[why]}`)
  },
}

/** RFC 4954 section 6; 550 5.7.30 and 535 5.7.139: as Microsoft answers; 525 5.7.13: the registry of RFC 5248; 534 5.7.9: as Google answers. */
const refusalCodes: Readonly<Record<LogonRefusal, readonly [code: number, enhancedCode: string]>> = {
  locked: [454, '4.7.0'],
  disabled: [525, '5.7.13'],
  'password-expired': [535, '5.7.8'],
  'must-change-password': [432, '4.7.12'],
  'application-password-required': [534, '5.7.9'],
  // RFC 8689 section 4 gives 5.7.30 another meaning: only the text tells them apart.
  'basic-authentication': [550, '5.7.30'],
  'smtp-auth-disabled': [535, '5.7.139'],
  'security-defaults': [535, '5.7.139'],
  'not-authorized': [535, '5.7.8'],
}

/** AUTH mechanism [initial-response]. RFC 4954 section 4. */
export const auth: SmtpCommand = {
  name: 'AUTH',
  async run(session, argument) {
    // Refuse before reading the password, even if the mechanism is unknown.
    if (session.policy.mechanisms.length === 0 && session.policy.mechanismsOverTls.length > 0) throw mustStartTls()
    needGreeting(session)
    if (session.account || session.isAnonymous) throw badSequence('Error: already authenticated')
    if (session.transaction) throw badSequence('Error: AUTH is not allowed during a mail transaction')
    const [mechanism, initial, ...more] = argument.split(' ')
    if (!mechanism || more.length > 0) throw syntaxError('AUTH mechanism [initial-response]')
    const prompt = session.words?.prompts?.[mechanism.toUpperCase()]
    const dialect = { challengePrefix: '334', ...(prompt === undefined ? {} : { prompt }) }
    const acceptsAny = session.context.config.acceptAnyPassword && /^(?:plain|login)$/i.test(mechanism)
    const outcome = await authenticateAnyone(session, { mechanism, initial }, { ...dialect, acceptsAny }, logonErrors)
    if (outcome.kind === 'anonymous') session.isAnonymous = true
    else await session.logOn(outcome.account)
    session.reply(235, '2.7.0', 'Authentication successful')
  },
}
