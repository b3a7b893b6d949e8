import type { AddressList } from '../../../core/network/address-list.ts'
import { defectiveAnswer } from '../defects/answer-defects.ts'
import { signedRecords } from '../dnssec/signer.ts'
import { makeRecord } from '../records.ts'
import type { Zone, Zones } from '../zones/zone.ts'
import { answerFrom } from './answer.ts'
import { encodeResponse, MAX_TCP_OCTETS, type Rcode, type Response, udpLimit } from './encode.ts'
import { type BadQuery, type Query, readQuery } from './query.ts'

/** Where a query comes from. */
export interface QuerySource {
  readonly protocol: 'udp' | 'tcp'
  readonly address: string
}

/** The parts of a lab that the server needs in order to answer. */
interface Responder {
  readonly zones: Zones
  /** The clients that may transfer zones. */
  readonly transfer: AddressList
  readonly nowMs: number
  /** Waits; resolves early when the server stops. */
  wait(ms: number): Promise<void>
  /** Called for each query that was read. */
  onQuery(query: Query, source: QuerySource, rcode: Rcode | 'none'): void
}

/** Returns the messages of the response to a query; none if there is no response. Never rejects because of the query. */
export async function respond(octets: Buffer, source: QuerySource, responder: Responder): Promise<Buffer[]> {
  const query = readQuery(octets)
  if (!query) return []
  const maxOctets = source.protocol === 'tcp' ? MAX_TCP_OCTETS : udpLimit('edns' in query ? query.edns : undefined)
  const encode = (response: Response): Buffer => encodeResponse(query, response, maxOctets)
  if (isBad(query)) return [encode({ rcode: query.rcode })]
  const responses = await responsesTo(query, source, responder)
  responder.onQuery(query, source, responses[0]?.rcode ?? 'none')
  return responses.map(encode)
}

const isBad = (query: Query | BadQuery): query is BadQuery => 'rcode' in query

/** Types of queries that are not about records. RFC 6895 section 3.1. */
const META_TYPES: readonly string[] = ['OPT', 'TKEY', 'TSIG', 'UNKNOWN_253', 'UNKNOWN_254']

async function responsesTo(query: Query, source: QuerySource, responder: Responder): Promise<Response[]> {
  const { type, edns } = query
  // RFC 6891 section 6.1.3
  if (edns && edns.version > 0) return [{ rcode: 'BADVERS' }]
  if (query.class !== 'IN') return [version(query)]
  if (type === 'AXFR' || type === 'IXFR') return transfer(query, source, responder)
  if (META_TYPES.includes(type)) return [{ rcode: 'NOTIMP' }]
  return answerOrdinary(query, source, responder)
}

/** Answers `version.bind` of the class CHAOS, as name servers do. */
function version({ name, type, class: of }: Query): Response {
  const isAsked = of === 'CH' && name === 'version.bind' && (type === 'TXT' || type === 'ANY')
  if (!isAsked) return { rcode: 'REFUSED' }
  const record = { ...makeRecord(name, 'TXT', 0, [Buffer.from('Sealpost')]), class: 'CH' as const }
  return { rcode: 'NOERROR', isAuthoritative: true, answers: [record] }
}

async function answerOrdinary(
  query: Query,
  source: QuerySource,
  { zones, nowMs, wait }: Responder,
): Promise<Response[]> {
  const { name, type, edns } = query
  const dnssecOk = edns?.dnssecOk ?? false
  const plain = answerFrom(zones, { name, type, dnssecOk, nowMs })
  const defects = zones.zoneFor(name, type)?.traits.defects ?? []
  const { answer, delayMs, isSilent, isTruncated } = defectiveAnswer(plain, defects, { name, type })
  if (delayMs !== undefined) await wait(delayMs)
  if (isSilent) return []
  // RFC 6840 section 5.7
  const asksForAd = query.wantsAuthentication || dnssecOk
  const actsAsResolver = asksForAd && query.wantsRecursion && !query.checkingDisabled
  // As a resolver that checks signatures. RFC 4035 section 5.5
  if (actsAsResolver && answer.isBogus && answer.isAuthenticated) return [{ rcode: 'SERVFAIL' }]
  return [
    {
      ...answer,
      isAuthenticated: answer.isAuthenticated && asksForAd && !answer.isBogus,
      isTruncated: isTruncated === true && source.protocol === 'udp',
    },
  ]
}

/** Records of one message of a transfer. */
const RECORDS_PER_MESSAGE = 100

/** Transfers a zone. RFC 5936 section 2.2. */
function transfer({ name }: Query, { protocol, address }: QuerySource, responder: Responder): Response[] {
  const zone = responder.zones.get(name)
  // RFC 5936 section 4.2: not by UDP.
  if (!zone || protocol === 'udp' || !responder.transfer.has(address)) return [{ rcode: 'REFUSED' }]
  const { soa } = zone
  if (!soa) return [{ rcode: 'SERVFAIL' }]
  const records = recordsOf(zone, responder.nowMs)
  const isSoa = (record: (typeof records)[number]): boolean => record === soa
  const all = [soa, ...records.filter((record) => !isSoa(record)), soa]
  const count = Math.ceil(all.length / RECORDS_PER_MESSAGE)
  return Array.from({ length: count }, (_, index) => ({
    rcode: 'NOERROR',
    isAuthoritative: true,
    answers: all.slice(index * RECORDS_PER_MESSAGE, (index + 1) * RECORDS_PER_MESSAGE),
  }))
}

/** Returns all records of a zone, with the records of DNSSEC if it is signed. */
export function recordsOf(zone: Zone, nowMs: number) {
  const { key, signatures } = zone.traits
  return key ? signedRecords(zone, key, nowMs, signatures) : zone.records
}
