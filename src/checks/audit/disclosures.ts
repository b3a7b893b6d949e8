import type { ServerProtocol } from '../../core/config/schema.ts'
import type { SessionRecord, TranscriptEntry } from '../../core/sessions/types.ts'
import type { Disclosure, PrivateKind } from './types.ts'

interface Grammar {
  /** Finds the command in a line. */
  readonly command: RegExp
  /** Commands that tell an eavesdropper nothing but that a client is there. Every other command counts. */
  readonly harmless: RegExp
  /** Commands that carry or announce a user name or a password. */
  readonly credentials: RegExp
}

const smtp: Grammar = {
  command: /^(AUTH(?: [\w-]+)?|[A-Z]+)(?= |$)/i,
  harmless: /^(?:EHLO|HELO|LHLO|STARTTLS|NOOP|RSET|HELP|QUIT)$/i,
  credentials: /^AUTH/i,
}

const grammars: Readonly<Record<ServerProtocol, Grammar>> = {
  smtp,
  lmtp: smtp,
  pop3: {
    command: /^(AUTH(?: [\w-]+)?|[A-Z\d]+)(?= |$)/i,
    // AUTH without a mechanism lists the mechanisms.
    harmless: /^(?:CAPA|STLS|AUTH|LANG|UTF8|NOOP|RSET|QUIT)$/i,
    credentials: /^(?:AUTH|USER|PASS|APOP)/i,
  },
  imap4: {
    command: /^[^\s*+]+ (AUTHENTICATE(?: [\w-]+)?|UID [A-Z]+|[A-Z]+)(?= |$)/i,
    harmless: /^(?:CAPABILITY|STARTTLS|ID|NOOP|LOGOUT)$/i,
    credentials: /^(?:AUTHENTICATE|LOGIN)/i,
  },
  nntp: {
    command: /^(AUTHINFO(?: SASL)?(?: [\w-]+)?|MODE [A-Z]+|LIST EXTENSIONS|[A-Z]+)(?= |$)/i,
    harmless: /^(?:CAPABILITIES|MODE [A-Z]+|LIST EXTENSIONS|STARTTLS|DATE|HELP|SLAVE|QUIT)$/i,
    credentials: /^AUTHINFO/i,
  },
  managesieve: {
    command: /^(AUTHENTICATE(?: "[\w-]+")?|[A-Z]+)(?= |$)/i,
    harmless: /^(?:CAPABILITY|STARTTLS|NOOP|LOGOUT)$/i,
    credentials: /^AUTHENTICATE/i,
  },
  // A request tells which page is asked for, and may log on.
  http: { command: /^([A-Z]+)(?= \/)/, harmless: /^(?!)/, credentials: /^(?!)/ },
}

/** The transcript's form of a line that is secret as a whole: a SASL response. */
const SECRET_LINE = '***'
/** The transcript's note about commands that were pipelined after STARTTLS in clear text. */
const PIPELINED = /octets sent in clear text after STARTTLS/

/**
 * Returns what a client disclosed in its sessions, in order and without repetitions: credentials (a log-on command or a SASL
 * response), message content, and every command that is not harmless: MAIL, RCPT, SELECT, RETR, GROUP …
 */
export function disclosuresOf(sessions: readonly SessionRecord[], protocol: ServerProtocol): Disclosure[] {
  const found = new Map<string, Disclosure>()
  for (const { transcript } of sessions) {
    for (const entry of transcript) {
      const disclosed = disclosureIn(entry, grammars[protocol])
      if (!disclosed) continue
      const [kind, what] = disclosed
      const key = `${entry.encrypted} ${what}`
      if (!found.has(key)) found.set(key, { kind, what, encrypted: entry.encrypted })
    }
  }
  return [...found.values()]
}

function disclosureIn(entry: TranscriptEntry, grammar: Grammar): [PrivateKind, string] | undefined {
  if (entry.kind === 'note') return PIPELINED.test(entry.text) ? ['commands', 'commands behind STARTTLS'] : undefined
  if (entry.direction === 'out') return undefined
  if (entry.kind === 'octets') return ['content', 'message content']
  if (entry.text === SECRET_LINE) return ['credentials', 'a log-on response']
  const command = commandOf(entry.text, grammar)
  if (command === undefined || grammar.harmless.test(command)) return undefined
  return [grammar.credentials.test(command) ? 'credentials' : 'commands', command]
}

/** Returns the command of a line; undefined for the octets of a ClientHello and the like. */
const commandOf = (line: string, { command }: Grammar): string | undefined =>
  command.exec(line)?.[1]?.toUpperCase().replace(/ \*+$/, '')

/**
 * Returns whether a client continued with replies that came before TLS: under TLS it sent a second command, although the
 * server had not answered the first. Farewells do not count.
 */
export function obeysInjectedReplies(sessions: readonly SessionRecord[], protocol: ServerProtocol): boolean {
  return sessions.some(({ transcript }) => {
    const encrypted = transcript.filter((entry) => entry.encrypted && entry.kind === 'line')
    const answered = encrypted.some((entry) => entry.kind === 'line' && entry.direction === 'out')
    const commands = encrypted.flatMap((entry) =>
      entry.kind === 'line' && entry.direction === 'in'
        ? [commandOf(entry.text, grammars[protocol]) ?? entry.text]
        : [],
    )
    return !answered && commands.filter((command) => !/^(?:QUIT|LOGOUT|NOOP|RSET)$/.test(command)).length > 1
  })
}
