import type { VirtualServerConfig } from '../../../src/core/config/schema.ts'
import { type ClientGreeting, noArgument, type SmtpCommand, type SmtpSession } from '../command.ts'
import { personalityHello } from '../personality.ts'
import { SmtpError, syntaxError } from '../reply.ts'
import { forwardingExtensions, isListed } from './forwarding.ts'

type Limits = VirtualServerConfig['limits']

/** RFC 5321 section 4.5.3.1.2 limits a domain to 255 octets. Real clients send other names, so the check is lenient. */
const MAX_NAME_LENGTH = 300

/** EHLO: lists the extensions that the client may use now. RFC 5321 section 4.1.1.1. */
export const ehlo: SmtpCommand = {
  name: 'EHLO',
  run(session, name) {
    const hello = greet(session, { name, extended: true })
    const { words } = session
    const [first = '', ...offered] = words ? personalityHello(words, session) : [hello, ...extensions(session)]
    session.reply(250, '', [first, ...(isListed(session) ? forwardingExtensions : []), ...offered])
  },
}

/** HELO, for clients without extensions. RFC 5321 section 4.1.1.1. */
export const helo: SmtpCommand = {
  name: 'HELO',
  run(session, name) {
    session.reply(250, '', greet(session, { name, extended: false }))
  },
}

/** LHLO of LMTP. RFC 2033 section 4.1. */
export const lhlo: SmtpCommand = { ...ehlo, name: 'LHLO' }

/** LMTP never accepts HELO and EHLO. RFC 2033 section 4.1. */
export const refusedInLmtp: readonly SmtpCommand[] = ['EHLO', 'HELO'].map((name) => ({
  name,
  run() {
    throw new SmtpError(500, '5.5.1', 'Error: this is LMTP; send LHLO')
  },
}))

/** Ends an open transaction (RFC 5321 section 4.1.4) and returns the reply's first line. */
function greet(session: SmtpSession, client: ClientGreeting): string {
  const { name, extended } = client
  if (name === '' || /[\s\p{Cc}]/u.test(name) || name.length > MAX_NAME_LENGTH) {
    throw syntaxError(`${session.isLmtp ? 'LHLO' : extended ? 'EHLO' : 'HELO'} hostname`)
  }
  session.client = client
  session.transaction = undefined
  return `${session.context.hostname} greets [${session.remote.address}]`
}

function extensions({ policy, connection, context, account, isAnonymous }: SmtpSession): readonly string[] {
  const isLoggedOn = account !== undefined || isAnonymous
  const mechanisms = isLoggedOn ? [] : policy.mechanisms
  return offeredExtensions(context.config.limits, mechanisms, connection)
}

function offeredExtensions(
  limits: Limits,
  mechanisms: readonly string[],
  { canStartTls, tls }: Pick<SmtpSession['connection'], 'canStartTls' | 'tls'>,
): string[] {
  return [
    'PIPELINING', // RFC 2920
    `SIZE ${limits.messageSize}`, // RFC 1870
    '8BITMIME', // RFC 6152
    'SMTPUTF8', // RFC 6531
    'CHUNKING', // RFC 3030
    'BINARYMIME', // RFC 3030 section 3
    'DSN', // RFC 3461
    'ENHANCEDSTATUSCODES', // RFC 2034
    limitsOf(limits), // RFC 9422
    ...(canStartTls ? ['STARTTLS'] : []), // RFC 3207
    ...(tls ? ['REQUIRETLS'] : []), // RFC 8689 section 2: only over TLS
    ...(mechanisms.length > 0 ? [`AUTH ${mechanisms.join(' ')}`] : []), // RFC 4954
    // Outlook Express 4 and clients of its time know only the draft's form.
    ...(mechanisms.includes('LOGIN') ? ['AUTH=LOGIN'] : []),
    'HELP',
  ]
}

/** Returns the limits that this server enforces. RFC 9422 section 4. */
function limitsOf({ recipients, messagesPerConnection, recipientDomains }: Limits): string {
  const limits = { MAILMAX: messagesPerConnection, RCPTMAX: recipients, RCPTDOMAINMAX: recipientDomains }
  const given = Object.entries(limits).filter(([, limit]) => limit !== 'off')
  return `LIMITS ${given.map(([name, limit]) => `${name}=${limit}`).join(' ')}`
}

/** NOOP [string]. RFC 5321 section 4.1.1.9. */
export const noop: SmtpCommand = {
  name: 'NOOP',
  run(session) {
    session.reply(250, '2.0.0', 'OK')
  },
}

/** HELP. RFC 5321 section 4.1.1.8. */
export const help: SmtpCommand = {
  name: 'HELP',
  run(session) {
    session.reply(214, '2.0.0', [
      `Commands: ${session.isLmtp ? 'LHLO' : 'EHLO HELO'} MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP AUTH STARTTLS`,
      session.isLmtp ? 'See RFC 2033 and RFC 5321' : 'See RFC 5321',
    ])
  },
}

/** VRFY. Never reveals whether a mailbox exists. RFC 5321 sections 3.5.3 and 7.3. */
export const vrfy: SmtpCommand = {
  name: 'VRFY',
  run(session, argument) {
    if (argument === '') throw syntaxError('VRFY address')
    session.reply(252, '2.5.2', 'Cannot VRFY user, but will accept message and attempt delivery')
  },
}

/** QUIT. RFC 5321 section 4.1.1.10. */
export const quit: SmtpCommand = {
  name: 'QUIT',
  run(session, argument) {
    noArgument('QUIT', argument)
    session.reply(221, '2.0.0', 'Bye')
    session.quit()
  },
}

/** Standard commands that this server does not implement. RFC 5321 section 4.2.4; EXPN: section 7.3. */
export const notImplemented: readonly SmtpCommand[] = [
  'EXPN',
  'ETRN',
  'TURN',
  'ATRN',
  'SEND',
  'SOML',
  'SAML',
  'BURL',
].map((name) => ({
  name,
  run() {
    throw new SmtpError(502, '5.5.1', `${name} not implemented`)
  },
}))
