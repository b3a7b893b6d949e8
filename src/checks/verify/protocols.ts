import type { FaultProtocol } from '../../core/config/schema/protocol.ts'
import { http } from './http-row.ts'
import { NO_PASSWORD, NOBODY, type ProtocolRow, type Reply } from './protocol-row.ts'

/** Their SASL PLAIN response. RFC 4616 section 2. */
const nobodyPlain = Buffer.from(`\0${NOBODY}\0${NO_PASSWORD}`).toString('base64')

const lastOf = (lines: readonly string[]): string => lines.at(-1) ?? ''
const firstOf = (lines: readonly string[]): string => lines[0] ?? ''
const isIn = (...codes: readonly string[]): ((reply: Reply) => boolean) => {
  const known = new Set(codes)
  return ({ code }) => known.has(code)
}

/** Returns the words of the capability lines that begin with `name`. */
function wordsOf(lines: readonly string[], name: RegExp): string[] {
  return lines.flatMap((line) => {
    const match = name.exec(line)
    return match ? line.slice(match[0].length).trim().split(/\s+/).filter(Boolean) : []
  })
}

/** SMTP. RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH). */
const smtp: ProtocolRow = {
  protocol: 'smtp',
  title: 'SMTP',
  greeting: /^220[ -]/,
  // RFC 5321 section 3.8
  busy: /^421[ -]/,
  frame: (command) => command,
  isLast: (lines) => /^\d{3}(?!-)/.test(lastOf(lines)) || !/^\d{3}/.test(lastOf(lines)),
  status: lastOf,
  code: (status) => status.slice(0, 3),
  capabilities: {
    command: 'EHLO sealpost-verify.invalid',
    mechanisms: (lines) => [...new Set(wordsOf(lines, /^250[ -]AUTH[ =]/i).map((name) => name.toUpperCase()))],
  },
  startTls: {
    command: 'STARTTLS',
    announced: /^250[ -]STARTTLS\b/i,
    ready: /^220/,
    injected: { command: 'XINJECTED', answered: ({ code }) => /^5/.test(code) },
    state: {
      before: () => ['MAIL FROM:<>'],
      after: () => 'RCPT TO:<postmaster>',
      // RFC 3207 section 4.2
      forgotten: /^5[03]\d/,
      what: 'the mail transaction from before TLS',
    },
  },
  accepted: /^[23]/,
  clearLogOn: [
    { name: 'AUTH PLAIN', command: `AUTH PLAIN ${nobodyPlain}`, isAccepted: isIn('235', '334', '535') },
    { name: 'AUTH LOGIN', command: 'AUTH LOGIN', isAccepted: isIn('235', '334', '535') },
  ],
  clearUse: {
    command: 'MAIL FROM:<>',
    isRefused: ({ status }) => /^530/.test(status),
    expected: '530 (RFC 3207 section 4)',
  },
  quit: 'QUIT',
}

/** LMTP. RFC 2033 section 4.1: LHLO in the place of EHLO. */
const lmtp: ProtocolRow = {
  ...smtp,
  protocol: 'lmtp',
  title: 'LMTP',
  capabilities: { ...smtp.capabilities, command: 'LHLO sealpost-verify.invalid' },
}

/** Commands whose positive reply ends with a line of a single dot. */
const POP3_MULTILINE = /^(?:CAPA|LIST|UIDL|AUTH)$|^(?:RETR|TOP) /i

/** POP3. RFC 1939, RFC 2449 (CAPA), RFC 2595 (STLS), RFC 5034 (AUTH). */
const pop3: ProtocolRow = {
  protocol: 'pop3',
  title: 'POP3',
  alpn: 'pop3',
  greeting: /^\+OK/,
  // RFC 3206 section 4
  busy: /^-ERR (?:\[SYS\/TEMP\]|.*\btoo many\b)/i,
  frame: (command) => command,
  isLast: (lines, command) =>
    !firstOf(lines).startsWith('+OK') || !POP3_MULTILINE.test(command) || lastOf(lines) === '.',
  status: firstOf,
  code: (status) => /^\S*/.exec(status)?.[0] ?? '',
  capabilities: {
    command: 'CAPA',
    mechanisms: (lines) => [
      ...(lines.some((line) => /^USER\b/i.test(line)) ? ['USER'] : []),
      ...wordsOf(lines, /^SASL\b/i).map((name) => name.toUpperCase()),
    ],
  },
  startTls: {
    command: 'STLS',
    announced: /^STLS\b/i,
    ready: /^\+OK/,
    injected: { command: 'XINJECTED', answered: ({ code }) => code === '-ERR' },
    state: {
      before: ({ user, password }) => (user && password ? [`USER ${user}`] : undefined),
      after: ({ password }) => `PASS ${password}`,
      // RFC 2595 section 4
      forgotten: /^-ERR/,
      what: 'the user name from before TLS',
    },
  },
  accepted: /^\+OK/,
  clearLogOn: [
    { name: 'USER', command: `USER ${NOBODY}`, isAccepted: isIn('+OK', '+') },
    { name: 'AUTH PLAIN', command: 'AUTH PLAIN', isAccepted: isIn('+OK', '+') },
  ],
  quit: 'QUIT',
}

const tagOf = (n: number): string => `V${n}`
const statusWord = (status: string): string =>
  status.startsWith('+') ? '+' : (/^\S+ (\S+)/.exec(status)?.[1] ?? '').toUpperCase()

/** Returns every word of the CAPABILITY responses. */
function capabilitiesIn(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /^\* CAPABILITY (.*)$/i.exec(line)?.[1]?.toUpperCase().split(/\s+/) ?? [])
}

/** IMAP4. RFC 9051, RFC 3501. */
const imap4: ProtocolRow = {
  protocol: 'imap4',
  title: 'IMAP4',
  alpn: 'imap',
  greeting: /^\* (?:OK|PREAUTH)\b/i,
  // RFC 5530 section 3
  busy: /^\* BYE (?:\[(?:UNAVAILABLE|LIMIT|INUSE)\]|.*\btoo many\b)/i,
  frame: (command, n) => `${tagOf(n)} ${command}`,
  isLast: (lines, _command, n) => n === 0 || lastOf(lines).startsWith(`${tagOf(n)} `) || lastOf(lines).startsWith('+'),
  status: lastOf,
  code: statusWord,
  capabilities: {
    command: 'CAPABILITY',
    mechanisms(lines) {
      const all = capabilitiesIn(lines)
      const sasl = all.flatMap((word) => (word.startsWith('AUTH=') ? [word.slice(5)] : []))
      return all.includes('LOGINDISABLED') ? sasl : ['LOGIN command', ...sasl]
    },
  },
  startTls: {
    command: 'STARTTLS',
    announced: /^\* CAPABILITY (?:.* )?STARTTLS(?: |$)/i,
    ready: /^\S+ OK/i,
    injected: { command: 'INJ1 NOOP', answered: ({ lines }) => lines.some((line) => line.startsWith('INJ1 ')) },
  },
  accepted: /^\S+ OK/i,
  clearLogOn: [
    {
      name: 'LOGIN',
      command: `LOGIN ${NOBODY} ${NO_PASSWORD}`,
      isAccepted({ code, status }, announced) {
        // A refusal before the password was checked has PRIVACYREQUIRED or was announced. RFC 9051 sections 6.2.3 and 7.1
        if (code === 'OK' || status.includes('[AUTHENTICATIONFAILED]')) return true
        return (
          code === 'NO' && !status.includes('[PRIVACYREQUIRED]') && !capabilitiesIn(announced).includes('LOGINDISABLED')
        )
      },
    },
    { name: 'AUTHENTICATE PLAIN', command: 'AUTHENTICATE PLAIN', isAccepted: isIn('OK', '+') },
  ],
  quit: 'LOGOUT',
}

/** Replies that end with a line of a single dot. RFC 3977 section 3.2. */
const NNTP_MULTILINE = /^(?:100|101|215|220|221|222|224|225|230|231)\b/

/** NNTP. RFC 3977, RFC 4642 (STARTTLS), RFC 4643 (AUTHINFO). */
const nntp: ProtocolRow = {
  protocol: 'nntp',
  title: 'NNTP',
  alpn: 'nntp',
  greeting: /^20[01]\b/,
  // RFC 3977 section 5.1.1
  busy: /^400\b/,
  frame: (command) => command,
  isLast: (lines) => !NNTP_MULTILINE.test(firstOf(lines)) || lastOf(lines) === '.',
  status: firstOf,
  code: (status) => status.slice(0, 3),
  capabilities: {
    command: 'CAPABILITIES',
    mechanisms: (lines) => [
      ...wordsOf(lines, /^AUTHINFO\b/i).flatMap((word) => (word.toUpperCase() === 'USER' ? ['USER'] : [])),
      ...wordsOf(lines, /^SASL\b/i).map((name) => name.toUpperCase()),
    ],
  },
  startTls: {
    command: 'STARTTLS',
    announced: /^STARTTLS\b/i,
    ready: /^382/,
    injected: { command: 'XINJECTED', answered: ({ code }) => /^5/.test(code) },
    state: {
      before: ({ newsgroup }) => (newsgroup === undefined ? undefined : [`GROUP ${newsgroup}`]),
      after: () => 'STAT',
      // RFC 4642 section 2.2.2
      forgotten: /^(?:412|480|483)/,
      what: 'the newsgroup selected before TLS',
    },
  },
  accepted: /^[23]/,
  clearLogOn: [
    { name: 'AUTHINFO USER', command: `AUTHINFO USER ${NOBODY}`, isAccepted: isIn('281', '381', '481') },
    {
      name: 'AUTHINFO SASL PLAIN',
      command: `AUTHINFO SASL PLAIN ${nobodyPlain}`,
      isAccepted: isIn('281', '283', '383', '481'),
    },
  ],
  quit: 'QUIT',
}

/** ManageSieve. RFC 5804. A greeting and a list of capabilities end with a status line, too. */
const managesieve: ProtocolRow = {
  protocol: 'managesieve',
  title: 'ManageSieve',
  alpn: 'managesieve',
  greeting: /^(?:"|OK\b)/i,
  // RFC 5804 section 1.3
  busy: /^BYE \(TRYLATER\)/i,
  frame: (command) => command,
  isLast: (lines) => /^(?:OK|NO|BYE)\b/i.test(lastOf(lines)) || /^"[A-Za-z0-9+/=]*"$/.test(lastOf(lines)),
  status: lastOf,
  code: (status) => (status.startsWith('"') ? '+' : (/^\w*/.exec(status)?.[0] ?? '').toUpperCase()),
  capabilities: {
    command: 'CAPABILITY',
    mechanisms: (lines) => wordsOf(lines, /^"SASL" "/i).map((name) => name.replace('"', '').toUpperCase()),
  },
  startTls: {
    command: 'STARTTLS',
    announced: /^"STARTTLS"/i,
    ready: /^OK\b/i,
    injected: { command: 'XINJECTED', answered: ({ code }) => code === 'NO' },
  },
  accepted: /^OK\b/i,
  clearLogOn: [
    {
      name: 'AUTHENTICATE PLAIN',
      command: `AUTHENTICATE "PLAIN" "${nobodyPlain}"`,
      isAccepted: ({ code, status }) =>
        code === 'OK' || (code === 'NO' && !/\(ENCRYPT-NEEDED\)|not offered/i.test(status)),
    },
  ],
  quit: 'LOGOUT',
}

/** JMAP. A server of HTTP without it answers 404 to the request for the session object. RFC 8620 section 2.2. */
const jmap: ProtocolRow = {
  ...http,
  protocol: 'jmap',
  title: 'JMAP',
  greeting: /^HTTP\/1\.[01] (?:[23]\d\d|401|403)\b/,
}

/** One row per protocol. */
export const protocolRows: Readonly<Record<FaultProtocol, ProtocolRow>> = {
  smtp,
  pop3,
  imap4,
  nntp,
  lmtp,
  managesieve,
  http,
  jmap,
}
