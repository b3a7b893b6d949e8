/** The command that a client's line gives, in upper case: `RCPT`, `UID FETCH`, `AUTHINFO PASS`. */
export function verbOf(protocol: string, line: string): string {
  const words = line.trim().toUpperCase().split(/\s+/)
  const first = protocol === 'imap4' ? words.slice(1) : words
  return first.slice(0, 2).join(' ')
}

/** Whether the verb of a fault is that of a line: `UID FETCH` whole, `AUTHINFO` whatever follows it. */
export function isVerb(wanted: string, verb: string): boolean {
  const upper = wanted.toUpperCase()
  return verb === upper || verb.startsWith(`${upper} `)
}
