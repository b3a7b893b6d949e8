import { isIn, lastOf, NO_PASSWORD, NOBODY, type ProtocolRow } from './row.ts'

const tagOf = (n: number): string => `V${n}`
const statusWord = (status: string): string =>
  status.startsWith('+') ? '+' : (/^\S+ (\S+)/.exec(status)?.[1] ?? '').toUpperCase()

/** Every word of the CAPABILITY responses. */
function words(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /^\* CAPABILITY (.*)$/i.exec(line)?.[1]?.toUpperCase().split(/\s+/) ?? [])
}

/** RFC 9051, RFC 3501. */
export const imap4: ProtocolRow = {
  protocol: 'imap4',
  title: 'IMAP4',
  greeting: /^\* (?:OK|PREAUTH)\b/i,
  frame: (command, n) => `${tagOf(n)} ${command}`,
  isLast: (lines, _command, n) => n === 0 || lastOf(lines).startsWith(`${tagOf(n)} `) || lastOf(lines).startsWith('+'),
  status: lastOf,
  code: statusWord,
  capabilities: {
    command: 'CAPABILITY',
    startTls: /^\* CAPABILITY (?:.* )?STARTTLS(?: |$)/i,
    mechanisms(lines) {
      const all = words(lines)
      const sasl = all.flatMap((word) => (word.startsWith('AUTH=') ? [word.slice(5)] : []))
      return all.includes('LOGINDISABLED') ? sasl : ['LOGIN command', ...sasl]
    },
  },
  startTls: { command: 'STARTTLS', ready: /^\S+ OK/i },
  accepted: /^\S+ OK/i,
  clearLogOn: [
    {
      name: 'LOGIN',
      command: `LOGIN ${NOBODY} ${NO_PASSWORD}`,
      goesInto({ code, status }, announced) {
        // A refusal that has not looked says so, or was announced. RFC 9051 sections 6.2.3 and 7.1 (PRIVACYREQUIRED)
        if (code === 'OK' || status.includes('[AUTHENTICATIONFAILED]')) return true
        return code === 'NO' && !status.includes('[PRIVACYREQUIRED]') && !words(announced).includes('LOGINDISABLED')
      },
    },
    { name: 'AUTHENTICATE PLAIN', command: 'AUTHENTICATE PLAIN', goesInto: isIn('OK', '+') },
  ],
  injected: { command: 'INJ1 NOOP', answered: ({ lines }) => lines.some((line) => line.startsWith('INJ1 ')) },
  quit: 'LOGOUT',
}
