import { type DnsMessage, decodeMessage, HEADER_OCTETS, isOpt } from '../message.ts'
import { normalName } from '../names.ts'

/** What the header and the OPT record of a query say. */
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
  const message = question && decoded(octets)
  const [asked] = message?.questions ?? []
  // RFC 9619: a query has one question.
  if (!message || !asked || message.questions.length !== 1) return { ...header, rcode: 'FORMERR' }
  const opts = message.additionals.filter(isOpt)
  // RFC 6891 section 6.1.1
  if (opts.length > 1) return { ...header, rcode: 'FORMERR' }
  const [opt] = opts
  return {
    ...header,
    name: normalName(asked.name),
    type: asked.type,
    class: asked.class ?? 'IN',
    wantsAuthentication: (flags & 0x0020) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    edns: opt && { version: opt.ednsVersion, sizeOctets: opt.udpPayloadSize, dnssecOk: opt.flag_do },
  }
}

function decoded(octets: Buffer): DnsMessage | undefined {
  try {
    return decodeMessage(octets)
  } catch {
    return undefined
  }
}

/** Returns the octets of the first question; undefined if there is none. */
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
