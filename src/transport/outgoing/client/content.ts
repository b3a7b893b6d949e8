import { headerBlockEnd } from '../../../mail/format/headers.ts'
import { LineLength, MAX_LINE_OCTETS } from '../../../mail/format/line-length.ts'
import { isEightBit, toSevenBit } from '../../../mail/format/seven-bit.ts'
import type { Extensions } from '../../../net/client/smtp.ts'
import type { Attempt, OutgoingEnvelope } from '../types.ts'
import { PeerFailure } from './failure.ts'
import { withLineEnds } from './line-ends.ts'
import type { ContentNeeds } from './parameters.ts'

/** A message as a host can take it. */
export interface MessageContent extends ContentNeeds {
  octets(): AsyncIterable<Buffer> | Iterable<Buffer>
}

/** The facts of a connection that decide what it can carry. */
interface Carrier {
  readonly extensions: Extensions
  readonly host: string
  readonly isSecure: boolean
}

const NOT_ASCII = /[^\x00-\x7f]/
/** Number of octets that are searched for a header. */
const MAX_HEADER_OCTETS = 1024 * 1024

/** Returns a message in a form that a host takes. @throws PeerFailure if no form fits */
export async function encodedContent(attempt: Attempt, carrier: Carrier): Promise<MessageContent> {
  const { envelope } = attempt
  const { extensions, host } = carrier
  const facts = await factsOf(attempt)
  const isInternational = needsUtf8(envelope, facts, carrier)
  // RFC 8689 section 4.2.1: no host without the extension gets the message.
  if (envelope.requireTls && !extensions.has('REQUIRETLS')) {
    throw new PeerFailure(`${host} does not support REQUIRETLS, which the sender requires`, { enhancedCode: '5.7.30' })
  }
  checkLines(attempt, facts)
  const isConverted =
    (facts.isEightBit && !extensions.has('8BITMIME')) || envelope.body === 'BINARYMIME' || facts.longLine !== undefined
  const form = isConverted ? await convertContent(attempt) : originalContent(attempt, facts)
  const content = await withSignatures(form, attempt, isConverted ? 'converted' : 'original')
  checkSize(content, carrier)
  return { ...content, isInternational }
}

const originalContent = ({ message, sizeOctets }: Attempt, { isEightBit }: EncodingFacts) => ({
  octets: message,
  sizeOctets,
  isEightBit,
})

/** @throws PeerFailure if a line is too long to be sent. RFC 5322 section 2.1.1 */
function checkLines({ connector }: Attempt, { longLine }: EncodingFacts): void {
  if (longLine === undefined || (longLine === 'body' && connector.longLines === 'encode')) return
  throw new PeerFailure(`the ${longLine} of the message has a line of more than ${MAX_LINE_OCTETS} octets`, {
    enhancedCode: '5.6.0',
  })
}

/** RFC 6152 section 3: a relay converts what the next host cannot take. So does Postfix. */
async function convertContent({ message }: Attempt) {
  const whole = toSevenBit(await joinPieces(message()))
  return { octets: () => [whole], sizeOctets: whole.length, isEightBit: false }
}

type Form = Omit<MessageContent, 'isInternational'>

/** The signatures of the forms of a message, by attempt: several hosts may be tried. */
const signatures = new WeakMap<NonNullable<Attempt['sign']>, Map<string, Promise<Buffer>>>()

/** Signs the message as it is sent: after all conversions, with the line ends of SMTP. RFC 6376 section 5.3. */
async function withSignatures(form: Form, { sign }: Attempt, name: 'original' | 'converted'): Promise<Form> {
  if (!sign) return form
  const made = signatures.get(sign) ?? new Map<string, Promise<Buffer>>()
  signatures.set(sign, made)
  const signing = made.get(name) ?? sign(() => withLineEnds(form.octets()))
  made.set(name, signing)
  const fields = await signing
  if (fields.length === 0) return form
  return {
    sizeOctets: fields.length + form.sizeOctets,
    isEightBit: form.isEightBit || isEightBit(fields),
    async *octets() {
      yield fields
      yield* form.octets()
    },
  }
}

/** RFC 1870 section 6.2 */
function checkSize({ sizeOctets }: Pick<ContentNeeds, 'sizeOctets'>, { extensions, host }: Carrier): void {
  const limit = Number(extensions.get('SIZE')) || 0
  if (limit === 0 || sizeOctets <= limit) return
  const message = `the message has ${sizeOctets} octets, and ${host} takes at most ${limit}`
  throw new PeerFailure(message, { enhancedCode: '5.3.4' })
}

/** Returns whether SMTPUTF8 is needed. @throws PeerFailure if the host does not offer it. RFC 6531 section 3.5 */
function needsUtf8(
  { mailFrom, recipients, smtpUtf8 }: OutgoingEnvelope,
  facts: EncodingFacts,
  carrier: Carrier,
): boolean {
  const address = [mailFrom, ...recipients.map((one) => one.address)].find((one) => NOT_ASCII.test(one))
  const hasUtf8Header = smtpUtf8 === true && facts.isHeaderEightBit
  if (address === undefined && !hasUtf8Header) return false
  if (carrier.extensions.has('SMTPUTF8')) return true
  const what = address === undefined ? 'the header of the message' : `the address ${address}`
  const enhancedCode = address === undefined ? '5.6.9' : '5.6.7'
  throw new PeerFailure(`${carrier.host} does not support SMTPUTF8, which ${what} needs`, { enhancedCode })
}

interface EncodingFacts {
  readonly isEightBit: boolean
  readonly isHeaderEightBit: boolean
  /** Where a line is too long. */
  readonly longLine: 'header' | 'body' | undefined
}

/** Facts of the messages of current attempts: several hosts may be tried. */
const known = new WeakMap<Attempt['message'], EncodingFacts>()

async function factsOf({ message }: Attempt): Promise<EncodingFacts> {
  const found = known.get(message) ?? (await examineEncoding(message()))
  known.set(message, found)
  return found
}

async function examineEncoding(pieces: AsyncIterable<Buffer>): Promise<EncodingFacts> {
  let start = Buffer.alloc(0)
  let isHeaderComplete = false
  let hasEightBit = false
  let hasLongLine = false
  const lines = new LineLength()
  for await (const piece of pieces) {
    hasEightBit ||= isEightBit(piece)
    hasLongLine ||= lines.isTooLong(piece)
    if (!isHeaderComplete) {
      start = Buffer.concat([start, piece])
      isHeaderComplete = start.length > MAX_HEADER_OCTETS || headerBlockEnd(start) < start.length
    }
    if (hasEightBit && hasLongLine && isHeaderComplete) break
  }
  const header = start.subarray(0, headerBlockEnd(start))
  const isHeaderLong = hasLongLine && new LineLength().isTooLong(header)
  return {
    isEightBit: hasEightBit,
    isHeaderEightBit: isEightBit(header),
    longLine: isHeaderLong ? 'header' : hasLongLine ? 'body' : undefined,
  }
}

async function joinPieces(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}
