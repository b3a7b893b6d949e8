import { mechanismsAfter, withMechanism, withTls } from '../rows.ts'
import type { SmtpFacts, SmtpPersonality } from '../types.ts'

/**
 * Integrated Windows authentication is GSSAPI and NTLM together. Where Sealpost offers NTLM, GSSAPI is listed too and
 * refused, as for a client outside of the domain.
 */
const listMechanisms = (mechanisms: readonly string[]): string =>
  mechanisms.flatMap((name) => (name === 'NTLM' ? ['GSSAPI', name] : [name])).join(' ')

/** The missing part decides, whatever the command. */
function badSequence({ hasGreeted, hasSender, name }: SmtpFacts): string | undefined {
  if (!hasGreeted) return '503 5.5.2 Send hello first'
  if (name === 'MAIL') return '503 5.5.2 Sender already specified'
  if (!['RCPT', 'DATA', 'BDAT'].includes(name)) return undefined
  return hasSender ? '503 5.5.2 Need Rcpt command.' : '503 5.5.2 Need mail command.'
}

export const smtp: SmtpPersonality = {
  mechanisms: ['NTLM', 'LOGIN'],
  greeting: '220 {hostname} Microsoft ESMTP MAIL Service, Version: 6.0.3790.3959 ready at {date}',
  hello: '{hostname} Hello [{address}]',
  extensions: [
    'TURN',
    'SIZE {sizeOctets}',
    'ETRN',
    'PIPELINING',
    'DSN',
    'ENHANCEDSTATUSCODES',
    '8bitmime',
    'BINARYMIME',
    'CHUNKING',
    'VRFY',
    withTls('TLS'),
    withTls('STARTTLS'),
    mechanismsAfter('X-EXPS', listMechanisms),
    withMechanism('LOGIN', 'X-EXPS=LOGIN'),
    mechanismsAfter('AUTH', listMechanisms),
    withMechanism('LOGIN', 'AUTH=LOGIN'), // Outlook Express 4 and Exchange 5.5 know this form only
    'X-LINK2STATE',
    'XEXCH50',
    'OK',
  ],
  prompts: { NTLM: 'ntlm supported' }, // MS-SMTPNTLM section 4.1
  verbs: ['ETRN', 'TURN', 'X-EXPS', 'X-LINK2STATE', 'XEXCH50'],
  replies: {
    'HELO 250': '250 {hostname} Hello [{address}]',
    'MAIL 250': '250 2.1.0 {mailbox}....Sender OK',
    'RCPT 250': '250 2.1.5 {mailbox} ',
    'DATA 354': '354 Start mail input; end with <CRLF>.<CRLF>',
    'DATA 250': '250 2.6.0 {messageId} Queued mail for delivery',
    'BDAT 250': ({ text, messageId }) =>
      text.startsWith('OK') ? `250 2.6.0 ${messageId} Queued mail for delivery` : `250 2.1.5 ${text}`,
    'RSET 250': '250 2.0.0 Resetting',
    'QUIT 221': '221 2.0.0 {hostname} Service closing transmission channel',
    'VRFY 252': '252 2.1.5 Cannot VRFY user, but will take message for <{mailbox}>',
    'HELP 214':
      '214 This server supports the following commands:\nHELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT HELP AUTH TURN ETRN BDAT VRFY',
    'STARTTLS 220': '220 2.0.0 SMTP server ready',
    'STARTTLS 454': '554 5.7.3 Unable to initialize security subsystem',
    'AUTH 235': '235 2.7.0 Authentication successful.',
    'X-EXPS 235': '235 2.7.0 Authentication successful.',
    'Authentication failed': '535 5.7.3 Authentication unsuccessful.',
    'Authentication required': '530 5.7.3 Client was not authenticated',
    'too many recipients': '452 4.5.3 Too many recipients',
    'The messages of this connection exceed the limit': '552 5.3.4 Session size exceeds fixed maximum session size',
    'MAIL 501': '501 5.5.4 Invalid Address',
    'RCPT 501': '501 5.5.4 Invalid Address',
    'RCPT 550': ({ text, mailbox }) =>
      text.startsWith('Unable to relay') ? `550 5.7.1 Unable to relay for ${mailbox}` : '550 5.1.1 User unknown',
    500: '500 5.3.3 Unrecognized command',
    501: '501 5.5.4 Invalid arguments',
    503: badSequence,
    'AUTH 504': '504 5.7.4 Unrecognized authentication type',
    'X-EXPS 504': '504 5.7.4 Unrecognized authentication type',
    552: ({ text }) =>
      text.startsWith('Message exceeds') ? '552 5.3.4 Message size exceeds fixed maximum message size' : undefined,
  },
}
