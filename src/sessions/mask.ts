const MASK = '***'

/** What of a client's line is a secret, a protocol. Group 1 is kept, the rest is masked. */
const secrets: Readonly<Record<string, readonly RegExp[]>> = {
  smtp: [/^(AUTH\s+\S+\s+)\S.*$/i],
  pop3: [/^(PASS\s+).+$/i, /^(APOP\s+\S+\s+).+$/i, /^(AUTH\s+\S+\s+)\S.*$/i],
  imap4: [/^(\S+\s+LOGIN\s+(?:"(?:[^"\\]|\\.)*"|\S+)\s+).+$/i, /^(\S+\s+AUTHENTICATE\s+\S+\s+)\S.*$/i],
  nntp: [/^(AUTHINFO\s+PASS\s+).+$/i, /^(AUTHINFO\s+SASL\s+\S+\s+)\S.*$/i, /^(AUTHINFO\s+GENERIC\s+).+$/i],
}

/** The line with its secrets masked. `whole`: all of it is one. */
export function masked(protocol: string, line: string, whole: boolean): string {
  if (whole) return MASK
  for (const pattern of secrets[protocol] ?? []) {
    const match = pattern.exec(line)
    if (match) return `${match[1]}${MASK}`
  }
  return line
}
