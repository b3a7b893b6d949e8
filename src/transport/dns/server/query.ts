import { type DnsMessage, decodeMessage, HEADER_OCTETS, isOpt, sectionCounts } from '../message.ts'
import { nameFrom } from '../names.ts'
import { typeOfNumber } from '../types.ts'

/** The contents of the header and the OPT record of a query. */
export interface Query {
  readonly id: number
  readonly opcode: number
  /** The octets of the question, whose case is returned. Empty if the message has none that can be read. */
  readonly question: Buffer
  /** Normal. */
  readonly name: string
  readonly type: string
  readonly class: string
  readonly wantsRecursion: boolean
  readonly wantsAuthentication: boolean
  readonly checkingDisabled: boolean
  readonly edns: { readonly version: number; readonly sizeOctets: number; readonly dnssecOk: boolean } | undefined
}

/** A message that is not a query of one question. */
export interface BadQuery extends Pick<Query, 'id' | 'opcode' | 'question' | 'wantsRecursion'> {
  readonly rcode: 'FORMERR' | 'NOTIMP'
}

/** More than a query with padding (RFC 8467) and a signature takes. */
const MAX_QUERY_OCTETS = 4096
/** OPT, and TSIG or SIG(0). */
const MAX_ADDITIONALS = 2
/** OPT (RFC 6891 section 6.1.1), TSIG (RFC 8945 section 4.2) and SIG(0) (RFC 2931 section 3). dns-packet does not read the data of the last two. */
const ADDITIONAL_TYPES: readonly (number | undefined)[] = [41, 250, 24]
/** RFC 1995 section 2 */
const IXFR = 251
const SOA = 6

/** Reads a query. Undefined if it must not be answered: it is too short, or a response itself. */
export function readQuery(octets: Buffer): Query | BadQuery | undefined {
  if (octets.length < HEADER_OCTETS) return undefined
  const flags = octets.readUInt16BE(2)
  if ((flags & 0x8000) !== 0) return undefined
  const question = questionOf(octets)
  const header = {
    id: octets.readUInt16BE(0),
    opcode: (flags >> 11) & 0xf,
    question: question ?? Buffer.alloc(0),
    wantsRecursion: (flags & 0x0100) !== 0,
  }
  if (header.opcode !== 0) return { ...header, rcode: 'NOTIMP' }
  const message = question && hasPartsOfQuery(octets, question) ? tryDecode(octets) : undefined
  const [asked] = message?.questions ?? []
  if (!question || !message || !asked) return { ...header, rcode: 'FORMERR' }
  const opts = message.additionals.filter(isOpt)
  // RFC 6891 section 6.1.1
  if (opts.length > 1) return { ...header, rcode: 'FORMERR' }
  const [opt] = opts
  return {
    ...header,
    name: nameFrom(question, 0),
    type: typeOfNumber(question.readUInt16BE(question.length - 4)),
    class: asked.class ?? 'IN',
    wantsAuthentication: (flags & 0x0020) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    edns: opt && { version: opt.ednsVersion, sizeOctets: opt.udpPayloadSize, dnssecOk: opt.flag_do },
  }
}

/** Whether a message is no longer and has no other records than a query needs. */
function hasPartsOfQuery(octets: Buffer, question: Buffer): boolean {
  const { questions, answers, authorities, additionals } = sectionCounts(octets)
  // RFC 1995 section 3: the SOA record that the client has
  const maxAuthorities = question.readUInt16BE(question.length - 4) === IXFR ? 1 : 0
  if (
    octets.length > MAX_QUERY_OCTETS ||
    // RFC 9619
    questions !== 1 ||
    answers > 0 ||
    authorities > maxAuthorities ||
    additionals > MAX_ADDITIONALS
  ) {
    return false
  }
  const types = recordTypes(octets, HEADER_OCTETS + question.length, authorities + additionals)
  return types.every((type, index) => (index < authorities ? type === SOA : ADDITIONAL_TYPES.includes(type)))
}

/** Returns the types of records without reading their data; undefined for those that are cut off. */
function recordTypes(octets: Buffer, start: number, count: number): (number | undefined)[] {
  let at = start
  return Array.from({ length: count }, () => {
    // RFC 1035 section 4.1.4: a name ends with an empty label or with a pointer.
    for (let length = octets[at] ?? 0; length > 0 && length < 64; length = octets[at] ?? 0) at += 1 + length
    at += (octets[at] ?? 0) === 0 ? 1 : 2
    const data = at + 10
    if (data > octets.length) return undefined
    const type = octets.readUInt16BE(at)
    at = data + octets.readUInt16BE(data - 2)
    return type
  })
}

function tryDecode(octets: Buffer): DnsMessage | undefined {
  try {
    return decodeMessage(octets)
  } catch {
    return undefined
  }
}

/** Returns the octets of the first question; undefined without a question. */
function questionOf(octets: Buffer): Buffer | undefined {
  let at = HEADER_OCTETS
  for (;;) {
    const length = octets[at]
    // Nothing before the first name can be pointed to.
    if (length === undefined || length > 63) return undefined
    at += 1 + length
    if (length === 0) break
  }
  const end = at + 4
  return end > octets.length ? undefined : octets.subarray(HEADER_OCTETS, end)
}
