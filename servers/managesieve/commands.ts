import { isUtf8 } from 'node:buffer'
import { type LogonRefusal, refusalTexts } from '../../src/accounts/directory/logon-refusal.ts'
import type { Account } from '../../src/accounts/directory/types.ts'
import type { ManageSievePersonality } from '../../src/core/personality/types.ts'
import { compileScript, SIEVE_CAPABILITIES } from '../../src/mail/sieve/sieve.ts'
import { mistakeText, SIEVE_LIMITS } from '../../src/mail/sieve/types.ts'
import type { SieveScripts } from '../../src/storage/store/sieve-scripts.ts'
import {
  authenticateSasl,
  checkSasl,
  completeLogon,
  type LogonErrors,
  type LogonSession,
  type SaslDialect,
} from '../logon.ts'
import { personalityCapabilities } from './personality.ts'
import type { Request, RequestReader } from './reader.ts'
import { ManageSieveError, type ManageSieveReply, type ResponseCode, sendReply, stringOf } from './reply.ts'

/** The session's interface for commands. */
export interface ManageSieveSession extends LogonSession {
  readonly reader: RequestReader
  /** Undefined before the log-on. */
  account: Account | undefined
  isOver: boolean
  /** Undefined: Sealpost's own. */
  readonly words: ManageSievePersonality | undefined
  scriptsOf(account: Account): SieveScripts
}

type Values = Request['values']
type Reply = ManageSieveReply | Promise<ManageSieveReply>
type Command = (session: ManageSieveSession, values: Values) => Reply

const logonErrors: LogonErrors = {
  needsTls: () => new ManageSieveError('A secure channel is required. Use STARTTLS first.', 'ENCRYPT-NEEDED'),
  notOffered: () => new ManageSieveError('Logon is not offered on this virtual server.', 'AUTH-TOO-WEAK'),
  unknownMechanism: () => new ManageSieveError('The mechanism is not offered.'),
  cancelled: () => new ManageSieveError('Authentication cancelled.'), // RFC 5804 section 2.1
  malformed: () => new ManageSieveError('The response is not a string of base64.'),
  failed: (reason) => new ManageSieveError(`Logon failure: ${reason}.`, undefined, { isRefusal: true }),
  refused: (why) =>
    new ManageSieveError(`Logon failure: ${refusalTexts[why]}.`, refusalCodes[why], { isRefusal: true }),
}

/** RFC 5804 section 1.3. AUTH-TOO-WEAK: another mechanism or password helps. */
const refusalCodes: Readonly<Partial<Record<LogonRefusal, ResponseCode>>> = {
  locked: 'TRYLATER',
  'application-password-required': 'AUTH-TOO-WEAK',
  'basic-authentication': 'AUTH-TOO-WEAK',
  'security-defaults': 'AUTH-TOO-WEAK',
}

/** Returns the lines of the capabilities. RFC 5804 section 1.7. */
export function capabilities(session: ManageSieveSession): string[] {
  const { words, account, policy, connection } = session
  if (words) return personalityCapabilities(words, session)
  const rows: (readonly [name: string, value?: string])[] = [
    ['IMPLEMENTATION', 'Sealpost'],
    ['SIEVE', SIEVE_CAPABILITIES.join(' ')],
    ['SASL', policy.mechanisms.join(' ')],
    ...(connection.canStartTls && !account ? [['STARTTLS'] as const] : []),
    ['NOTIFY', 'mailto'],
    ['MAXREDIRECTS', String(SIEVE_LIMITS.redirects)],
    ['LANGUAGE', 'en'],
    ...(account ? [['OWNER', account.user] as const] : []),
    ['UNAUTHENTICATE'],
    ['VERSION', '1.0'],
  ]
  return rows.map((row) => row.map((word = '') => stringOf(word)).join(' '))
}

/** Every command, by its name in capitals. */
export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['AUTHENTICATE', authenticate],
  ['STARTTLS', startTls],
  ['CAPABILITY', (session, values) => listing(take(values), capabilities(session))], // RFC 5804 section 2.4
  ['LOGOUT', logout],
  ['NOOP', noop],
  ['UNAUTHENTICATE', unauthenticate],
  // RFC 5804 section 2.5
  [
    'HAVESPACE',
    onScripts([text, number], 'Putscript would succeed.', (scripts, values) => scripts.assertSpace(...values)),
  ],
  // RFC 5804 section 2.6: a script with errors is not stored
  [
    'PUTSCRIPT',
    onScripts([text, octets], 'Putscript completed.', async (scripts, [name, content], session) => {
      await scripts.assertSpace(name, content.length)
      assertCompiles(session, content)
      await scripts.put(name, content)
    }),
  ],
  // RFC 5804 section 2.7
  [
    'LISTSCRIPTS',
    onScripts([], 'Listscripts completed.', async (scripts) =>
      (await scripts.list()).map(({ name, isActive }) => `${stringOf(name)}${isActive ? ' ACTIVE' : ''}`),
    ),
  ],
  // RFC 5804 section 2.8
  ['SETACTIVE', onScripts([text], 'Setactive completed.', (scripts, [name]) => scripts.activate(name))],
  // RFC 5804 section 2.9: always a literal
  [
    'GETSCRIPT',
    onScripts([text], 'Getscript completed.', async (scripts, [name]) => {
      const content = await scripts.get(name)
      return [`{${content.length}}\r\n${content.toString()}`]
    }),
  ],
  // RFC 5804 section 2.10
  ['DELETESCRIPT', onScripts([text], 'Deletescript completed.', (scripts, [name]) => scripts.delete(name))],
  // RFC 5804 section 2.11
  ['RENAMESCRIPT', onScripts([text, text], 'Renamescript completed.', (scripts, names) => scripts.rename(...names))],
  // RFC 5804 section 2.12
  [
    'CHECKSCRIPT',
    onScripts([octets], 'The script is valid.', async (_, [content], session) => assertCompiles(session, content)),
  ],
])

/** AUTHENTICATE mechanism [initial-response]. RFC 5804 section 2.1. */
async function authenticate(session: ManageSieveSession, values: Values): Promise<ManageSieveReply> {
  if (session.account) throw new ManageSieveError('You have logged on already.')
  checkSasl(session, logonErrors)
  const mechanism = text(values[0] ?? 0)
  const initial = values.length > 1 ? take(values, text, text)[1] : undefined
  const dialect: SaslDialect = {
    async ask(challenge) {
      session.connection.write(`${stringOf(challenge)}\r\n`)
      // RFC 5804 section 2.1: anything but a string of base64, or "*", is an error
      return (await session.reader.response()) ?? '!'
    },
  }
  const { account: found, data } = await authenticateSasl(session, { mechanism, initial }, dialect, logonErrors)
  if (found.referral !== undefined) {
    // RFC 5804 section 1.3: the mailboxes of the account are on another server, and so are its scripts
    const url = `sieve://${new URL(found.referral).host}`
    throw new ManageSieveError('Use the server of the account.', `REFERRAL ${stringOf(url)}`, { isLast: true })
  }
  session.account = await completeLogon(session, found)
  return { text: 'Logged on.', ...(data && { code: `SASL ${stringOf(data.toString('base64'))}` as const }) }
}

/** STARTTLS, after which the server sends its capabilities again. RFC 5804 section 2.2. */
function startTls(session: ManageSieveSession, values: Values): ManageSieveReply {
  take(values)
  const { connection } = session
  if (session.account) throw new ManageSieveError('STARTTLS must come before the log-on.')
  if (connection.tls) throw new ManageSieveError('TLS is already active.')
  if (!connection.canStartTls) throw new ManageSieveError('TLS is not available: no certificate is assigned.')
  return {
    text: 'Begin TLS negotiation now.',
    async afterwards() {
      await connection.startTls()
      sendReply(connection, { lines: capabilities(session), text: 'TLS negotiation successful.' })
    },
  }
}

/** LOGOUT. RFC 5804 section 2.3. */
function logout(session: ManageSieveSession, values: Values): ManageSieveReply {
  take(values)
  session.isOver = true
  return { text: 'Logout completed.' }
}

/** NOOP repeats its string, by which clients find the place in the replies. RFC 5804 section 2.13. */
function noop(_: ManageSieveSession, values: Values): ManageSieveReply {
  if (values.length === 0) return { text: 'NOOP completed.' }
  const [tag] = take(values, text)
  return { text: 'Done', code: `TAG ${stringOf(tag)}` }
}

/** UNAUTHENTICATE returns to the state before the log-on. RFC 5804 section 2.14.1. */
function unauthenticate(session: ManageSieveSession, values: Values): ManageSieveReply {
  take(values)
  if (!session.account) throw notLoggedOn()
  session.account = undefined
  session.connection.logon.forgotten()
  return { text: 'Unauthenticate completed.' }
}

/** Defines a command on the scripts of a client that has logged on. It returns the lines before the text, if there are any. */
function onScripts<const Converters extends readonly Converter[]>(
  converters: Converters,
  reply: string,
  run: (
    scripts: SieveScripts,
    values: Converted<Converters>,
    session: ManageSieveSession,
  ) => Promise<void> | Promise<string[]>,
): Command {
  return async (session, values) => {
    if (!session.account) throw notLoggedOn()
    const lines = await run(session.scriptsOf(session.account), take(values, ...converters), session)
    return { text: reply, ...(lines && { lines }) }
  }
}

const notLoggedOn = (): ManageSieveError => new ManageSieveError('Log on first.')

const listing = (_: unknown, lines: readonly string[]): ManageSieveReply => ({ lines, text: 'Capability completed.' })

/** @throws ManageSieveError with every mistake of a script, by line and column */
function assertCompiles({ context }: ManageSieveSession, content: Buffer): void {
  // RFC 5804 section 2.6: scripts are UTF-8
  if (!isUtf8(content)) throw new ManageSieveError('The script is not UTF-8.')
  const compiled = compileScript(content, { scriptOctets: context.sieve.scriptSize })
  if (!('errors' in compiled)) return
  throw new ManageSieveError(compiled.errors.map(mistakeText).join('\r\n'))
}

type Value = Values[number]

type Converter = (value: Value) => unknown
type Converted<Converters extends readonly Converter[]> = {
  -readonly [At in keyof Converters]: ReturnType<Converters[At]>
}

/** Converts the values of a command. @throws ManageSieveError if there are fewer or more, or of other types */
function take<const Converters extends readonly Converter[]>(
  values: Values,
  ...converters: Converters
): Converted<Converters> {
  if (values.length !== converters.length) throw new ManageSieveError('The number of arguments is wrong.')
  return converters.map((convert, at) => convert(values[at] as Value)) as Converted<Converters>
}

function octets(value: Value): Buffer {
  if (!Buffer.isBuffer(value)) throw new ManageSieveError('A string is expected instead of a number.')
  return value
}

/** Strings are UTF-8. RFC 5804 section 1.2. */
function text(value: Value): string {
  const string = octets(value)
  if (!isUtf8(string)) throw new ManageSieveError('The string is not UTF-8.')
  return string.toString()
}

function number(value: Value): number {
  if (Buffer.isBuffer(value)) throw new ManageSieveError('A number is expected instead of a string.')
  return value
}
