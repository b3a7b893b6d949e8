import { isMapping } from '../../../src/core/values/mapping.ts'
import { isWritten, parseAddresses } from '../../../src/mail/format/addresses.ts'
import { headerFields, headerValues } from '../../../src/mail/format/headers.ts'
import { isMappings, isString } from './checks.ts'
import { invalidProperties, SetError } from './types.ts'

/** An address of an envelope. RFC 8621 section 7. */
export interface EnvelopeAddress {
  readonly email: string
  /** In capitals; null for one without a value. */
  readonly parameters: Readonly<Record<string, string | null>> | null
}

/** RFC 8621 section 7. */
export interface Envelope {
  readonly mailFrom: EnvelopeAddress
  readonly rcptTo: readonly EnvelopeAddress[]
}

/** The values of parameters that may be given, and null for those that have no value. */
type Parameters = Readonly<Record<string, RegExp | null>>

const MAIL: Parameters = {
  SIZE: /^\d{1,20}$/, // RFC 1870
  BODY: /^(?:7BIT|8BITMIME)$/i, // RFC 6152
  SMTPUTF8: null, // RFC 6531
  RET: /^(?:FULL|HDRS)$/i, // RFC 3461 section 4.3
  ENVID: /^[!-~]{1,100}$/, // RFC 3461 section 4.4
  REQUIRETLS: null, // RFC 8689
  HOLDFOR: /^[1-9]\d{0,8}$/, // RFC 4865 section 5
  HOLDUNTIL: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i,
}
const RCPT: Parameters = {
  NOTIFY: /^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2})$/i, // RFC 3461 section 4.1
  ORCPT: /^[\w-]{1,30};[^\p{Cc}]{1,500}$/u, // RFC 3461 section 4.2
}
/** The SMTP extensions whose parameters may be given, as EHLO names them. */
export const SUBMISSION_EXTENSIONS = ['8BITMIME', 'DSN', 'FUTURERELEASE', 'REQUIRETLS', 'SIZE', 'SMTPUTF8'] as const
/** The longest delay of a message, in seconds. */
export const MAX_DELAYED_SEND = 366 * 86_400

const wrong = (description: string): SetError => invalidProperties(['envelope'], description)

/** Reads an envelope. @throws SetError `invalidProperties` */
export function envelopeIn(value: unknown): Envelope {
  const { mailFrom, rcptTo, ...others } = isMapping(value) ? value : {}
  if (!isMapping(mailFrom) || !isMappings(rcptTo) || Object.keys(others).length > 0)
    throw wrong('an envelope has mailFrom and rcptTo')
  return { mailFrom: addressIn(mailFrom, MAIL), rcptTo: rcptTo.map((one) => addressIn(one, RCPT)) }
}

function addressIn({ email, parameters, ...others }: Record<string, unknown>, known: Parameters): EnvelopeAddress {
  if (!isString(email) || Object.keys(others).length > 0) throw wrong('an address has email and parameters')
  const given = isMapping(parameters) ? Object.entries(parameters) : []
  const read = given.map(([name, text]): [string, string | null] => {
    const form = Object.hasOwn(known, name.toUpperCase()) ? known[name.toUpperCase()] : undefined
    const isRight = form === null ? text === null : isString(text) && form?.test(text)
    if (!isRight) throw wrong(`the parameter ${name} is unknown here or has a wrong value`)
    return [name.toUpperCase(), text as string | null]
  })
  return { email, parameters: read.length > 0 ? Object.fromEntries(read) : null }
}

/** Returns the addresses of a field in the header of a message. */
export function headerAddresses(raw: Buffer, ...names: readonly string[]): string[] {
  const fields = headerFields(raw)
  return names
    .flatMap((name) => headerValues(raw, fields, name))
    .flatMap(parseAddresses)
    .filter(isWritten)
    .map(({ mailbox, host }) => Buffer.from(`${mailbox}@${host}`, 'latin1').toString('utf8'))
}

/** Returns the envelope for the header of a message. RFC 8621 section 7. @throws SetError `invalidEmail` */
export function envelopeFor(raw: Buffer, identityEmail: string, maySendFrom: (email: string) => boolean): Envelope {
  const senders = headerAddresses(raw, 'sender')
  const [from, ...others] = senders.length > 0 ? senders : headerAddresses(raw, 'from')
  if (others.length > 0)
    throw new SetError('invalidEmail', 'the message has several senders; send an envelope', {
      properties: [senders.length > 0 ? 'sender' : 'from'],
    })
  const mailFrom = from !== undefined && maySendFrom(from) ? from : identityEmail
  const to = [...new Set(headerAddresses(raw, 'to', 'cc', 'bcc'))]
  return { mailFrom: plain(mailFrom), rcptTo: to.map(plain) }
}

const plain = (email: string): EnvelopeAddress => ({ email, parameters: null })
