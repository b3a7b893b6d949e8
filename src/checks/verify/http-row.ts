import { isIP } from 'node:net'
import { NO_PASSWORD, NOBODY, type ProtocolRow } from './protocol-row.ts'

const REQUEST = 'HEAD'
/** RFC 7617 section 2. */
const nobody = Buffer.from(`${NOBODY}:${NO_PASSWORD}`).toString('base64')

/** Returns the values of a header field. */
const valuesOf = (lines: readonly string[], field: RegExp): string[] =>
  lines.flatMap((line) => {
    const match = field.exec(line)
    return match ? [line.slice(match[0].length)] : []
  })

/** Returns the schemes that a 401 names, in capitals. RFC 9110 section 11.6.1. */
function challenges(lines: readonly string[]): string[] {
  const schemes = valuesOf(lines, /^WWW-Authenticate:/i).flatMap((value) =>
    [...value.matchAll(/(?:^|,)\s*([A-Za-z][\w-]*)(?=\s+[\w-]+\s*=|\s*(?:,|$))/g)].map(([, name = '']) =>
      name.toUpperCase(),
    ),
  )
  return [...new Set(schemes)]
}

/**
 * HTTP/1.1. RFC 9112. It has no STARTTLS: `https` is on a port of its own (RFC 9110 section 4.2.2). A command is the
 * method, and further fields on lines of their own.
 */
export const http: ProtocolRow = {
  protocol: 'http',
  title: 'HTTP',
  alpn: 'http/1.1',
  greeting: /^HTTP\/1\.[01] \d{3}\b/,
  isAskedFirst: true,
  frame(command, _n, { serverName, path = '/' }) {
    const [method, ...fields] = command.split('\n')
    const host = isIP(serverName) === 6 ? `[${serverName}]` : serverName
    return [`${method} ${path} HTTP/1.1`, `Host: ${host}`, 'User-Agent: sealpost-verify', ...fields, ''].join('\r\n')
  },
  // The answer to HEAD has no content. RFC 9112 section 6.3
  isLast: (lines) => lines.at(-1) === '' || !lines[0]?.startsWith('HTTP/'),
  status: (lines) => lines[0] ?? '',
  code: (status) => status.split(' ')[1] ?? '',
  // Simple servers, such as `openssl s_server -www`, know only GET.
  capabilities: { command: REQUEST, otherwise: 'GET\nConnection: close', mechanisms: challenges },
  // RFC 9110 section 15.6.4, RFC 6585 section 4
  busy: /^HTTP\/1\.[01] (?:429|503)\b/,
  accepted: /^HTTP\/1\.[01] [23]/,
  clearLogOn: [
    {
      name: 'Basic',
      command: `${REQUEST}\nAuthorization: Basic ${nobody}`,
      // A server that does not check passwords ignores the field, or says 403. One may also accept any password.
      isAccepted: ({ code, lines }, announced) =>
        code === '401'
          ? challenges(lines).includes('BASIC')
          : code !== '403' && challenges(announced).includes('BASIC'),
    },
  ],
  clearUse: {
    command: REQUEST,
    isRefused: ({ code, lines }) =>
      code === '403' ||
      (/^30[12378]$/.test(code) && valuesOf(lines, /^Location:\s*/i).some((value) => /^https:/i.test(value))),
    expected: '403 or a redirection to https',
  },
}
