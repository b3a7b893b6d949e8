import type { ConnectionFaults, DueFault } from './fault-rules.ts'

/** Returns what a fault sends in place of the reply to a line, or of the greeting (no line); undefined if it sends nothing. */
export function replyOf(
  faults: ConnectionFaults,
  { reply, rawReply, garbage, oversizedReply }: DueFault['action'],
  line: string | undefined,
): string | Buffer | undefined {
  if (reply !== undefined) return toLines(reply, faults.protocol, line)
  if (rawReply !== undefined)
    return [rawReply]
      .flat()
      .map((text) => `${text}\r\n`)
      .join('')
  if (garbage !== undefined) return faults.octets(garbage)
  if (oversizedReply === undefined) return undefined
  return Buffer.concat([Buffer.alloc(Math.max(0, oversizedReply - 2), 'x'), Buffer.from('\r\n')])
}

/** Returns lines of a reply with their ends, and in IMAP4 with the command's tag. */
export const toLines = (text: string | readonly string[], protocol: string, line: string | undefined): string =>
  [text]
    .flat()
    .map((each) => `${addTag(protocol, each, line)}\r\n`)
    .join('')

/** How negative replies begin, as they are recorded. */
const NEGATIVE: Readonly<Record<string, RegExp>> = {
  smtp: /^[45]\d\d[ -]/,
  nntp: /^[45]\d\d /,
  pop3: /^-ERR\b/,
  imap4: /^(?:NO|BAD|BYE)\b/i,
  managesieve: /^(?:NO|BYE)\b/i,
}

/** Returns the negative reply in the lines that a fault sends, in IMAP4 without the tag; undefined if there is none. */
export function refusalIn(reply: string | Buffer, protocol: string): string | undefined {
  const lines = reply.toString().split('\r\n')
  const said = protocol === 'imap4' ? lines.map((line) => line.replace(/^\S+ /, '')) : lines
  return said.find((line) => NEGATIVE[protocol]?.test(line))
}

/** Adds the command's tag to a reply of IMAP4, unless the reply is untagged. RFC 9051 section 2.2. */
function addTag(protocol: string, text: string, line: string | undefined): string {
  if (protocol !== 'imap4' || line === undefined || /^[*+] /.test(text)) return text
  const tag = tagOf(line)
  if (!/\{tag(\+\d+)?\}/.test(text)) return `${tag} ${text}`
  return text.replaceAll(/\{tag(?:\+(\d+))?\}/g, (_, ahead) => laterTag(tag, Number(ahead ?? 0)))
}

/** Returns the tag of an IMAP4 command. */
export const tagOf = (line: string): string => line.trimStart().split(/\s/)[0] as string

/** Returns a later tag of a client that counts its commands: A9 becomes A10, A009 becomes A010. */
function laterTag(tag: string, ahead: number): string {
  const digits = /(?<!\d)\d+$/.exec(tag)?.[0] ?? ''
  if (digits === '' || ahead === 0) return tag
  return tag.slice(0, -digits.length) + String(Number(digits) + ahead).padStart(digits.length, '0')
}
