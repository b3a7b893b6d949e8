import { randomUUID } from 'node:crypto'
import { formatDate } from '../../mail/format/dates.ts'
import { headerFields, isEmptyLine, unfoldValue } from '../../mail/format/headers.ts'
import type { HeaderField } from '../../mail/format/types.ts'
import { exitStatus, SendmailError } from './exit-status.ts'
import { parseRecipients } from './recipients.ts'

/** A message as it is sent by SMTP. */
export interface Submission {
  /** Empty: the null reverse-path. */
  readonly mailFrom: string
  readonly recipients: readonly string[]
  /** With CRLF line ends. */
  readonly content: Buffer
}

interface SubmissionFacts {
  /** The name of the user of this process. */
  readonly user: string
  readonly fullName?: string | undefined
  /** The envelope sender, if an option names one. */
  readonly sender?: string | undefined
  /** The recipients that are named as arguments. */
  readonly recipients: readonly string[]
  /** Whether the header names recipients, too. */
  readonly fromHeader: boolean
  /** The domain that completes a name without one. */
  readonly domain: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Returns what to send for a message as a program wrote it on standard input. @throws SendmailError */
export function submissionOf(input: Buffer, facts: SubmissionFacts): Submission {
  const message = readMessage(input)
  const mailFrom = senderOf(facts)
  const recipients = recipientsOf(message, facts)
  const dropped = facts.fromHeader ? BCC : new Set<string>()
  const kept = message.fields.filter(({ nameLower }) => !dropped.has(nameLower))
  const content = Buffer.concat([
    Buffer.from(missingFields(kept, mailFrom, facts)),
    ...kept.map(({ start, end }) => message.raw.subarray(start, end)),
    ...message.body,
  ])
  return { mailFrom, recipients, content: withCrlf(content) }
}

interface ReadMessage {
  readonly raw: Buffer
  readonly fields: readonly HeaderField[]
  /** The empty line, and what follows it. */
  readonly body: readonly Buffer[]
}

/** The line that begins a message in an mbox file is not a field. */
const MBOX_LINE = /^>?From [^\n]*\n/
/** RFC 5322 section 2.2. */
const FIELD_NAME = /^[!-9;-~]+$/

function readMessage(input: Buffer): ReadMessage {
  const mboxLine = MBOX_LINE.exec(input.toString('latin1', 0, 1000))?.[0].length ?? 0
  const raw = input.subarray(mboxLine)
  const all = headerFields(raw)
  // Text without an empty line before it: the header ends there, as with every sendmail.
  const text = all.findIndex(({ name }) => !FIELD_NAME.test(name))
  const fields = text === -1 ? all : all.slice(0, text)
  const end = fields.at(-1)?.end ?? 0
  const rest = raw.subarray(end)
  const needsLine = end > 0 && raw[end - 1] !== LF ? [EMPTY_LINE] : []
  return { raw, fields, body: [...needsLine, ...(isEmptyLine(rest, 0) ? [] : [EMPTY_LINE]), rest] }
}

const LF = 0x0a
const EMPTY_LINE = Buffer.from('\r\n')
const BCC: ReadonlySet<string> = new Set(['bcc', 'resent-bcc'])
const RECIPIENT_FIELDS = ['to', 'cc', 'bcc']
const RESENT_FIELDS = ['resent-to', 'resent-cc', 'resent-bcc']

function senderOf({ sender, user, domain }: SubmissionFacts): string {
  if (sender === '') return ''
  const [address] = parseRecipients(octets(sender ?? user), domain, 'the sender')
  if (address === undefined) throw new SendmailError(exitStatus.usage, `-f ${sender} is not an address`)
  return address
}

function recipientsOf({ raw, fields }: ReadMessage, facts: SubmissionFacts): string[] {
  const { domain, fromHeader } = facts
  const named = facts.recipients.flatMap((list) => parseRecipients(octets(list), domain, 'the command line'))
  // RFC 5322 section 3.6.6: a message that is sent again is for the recipients of the Resent fields.
  const isResent = fields.some(({ nameLower }) => RESENT_FIELDS.includes(nameLower))
  const wanted = isResent ? RESENT_FIELDS : RECIPIENT_FIELDS
  const inHeader = !fromHeader
    ? []
    : fields
        .filter(({ nameLower }) => wanted.includes(nameLower))
        .flatMap((field) => parseRecipients(unfoldValue(raw, field), domain, `${field.name}:`))
  const all = [...new Set([...named, ...inHeader])]
  if (all.length > 0) return all
  throw fromHeader
    ? new SendmailError(exitStatus.dataError, 'the message has no recipient in To, Cc or Bcc; add one')
    : new SendmailError(
        exitStatus.usage,
        'there is no recipient; name one as an argument, or add -t to take the recipients of the header',
      )
}

/** Returns the fields that sendmail adds if a program left them out. RFC 5322 section 3.6. */
function missingFields(fields: readonly HeaderField[], mailFrom: string, facts: SubmissionFacts): string {
  const has = (...names: readonly string[]): boolean => fields.some(({ nameLower }) => names.includes(nameLower))
  const { domain, at } = facts
  const lines = [
    ...(has('date') ? [] : [`Date: ${formatDate(at)}`]),
    ...(has('from') ? [] : [`From: ${author(mailFrom || `MAILER-DAEMON@${domain}`, facts.fullName)}`]),
    ...(has('to', 'cc', 'resent-to', 'resent-cc') ? [] : ['To: undisclosed-recipients:;']),
    ...(has('message-id') ? [] : [`Message-ID: <${randomUUID()}@${domain}>`]),
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}

function author(address: string, fullName: string | undefined): string {
  const name = fullName?.replaceAll(/\p{Cc}+/gu, ' ').trim()
  if (!name) return address
  if (/^[\w !#$%&'*+/=?^`{|}~-]+$/.test(name)) return `${name} <${address}>`
  if (/^[\x20-\x7e]+$/.test(name)) return `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`
  return `${encodedWords(name)} <${address}>`
}

/** RFC 2047 section 2: an encoded word has at most 75 characters, and no character is split. */
function encodedWords(text: string): string {
  const words: string[] = []
  let word = ''
  for (const character of text) {
    if (Buffer.byteLength(word + character) > 45) {
      words.push(word)
      word = ''
    }
    word += character
  }
  words.push(word)
  return words.map((each) => `=?UTF-8?B?${Buffer.from(each).toString('base64')}?=`).join('\r\n ')
}

const octets = (text: string): string => Buffer.from(text).toString('latin1')

/** Turns each LF into CRLF, and ends the last line. RFC 5321 section 2.3.8. */
function withCrlf(content: Buffer): Buffer {
  const text = content.toString('latin1').replaceAll(/\r?\n/g, '\r\n')
  return Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1')
}
