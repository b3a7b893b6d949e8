import { randomInt } from 'node:crypto'
import { isIP, type LookupFunction } from 'node:net'
import { DnsError, type DnsErrorCode } from './errors.ts'
import { type DnsMessage, type DnsRecord, decodeMessage, encodeQuestion, isRecord, type RecordType } from './message.ts'
import { nameProblem, normalName, sameName } from './names.ts'
import type { MxData, SrvData } from './record-data.ts'
import { txtValue } from './records.ts'

/** The result of a lookup. */
export interface Lookup<Record> {
  readonly records: readonly Record[]
  /** Whether the resolver says that DNSSEC authenticated all of it (the AD bit). */
  readonly authenticated: boolean
  /** How long the answer may be kept. */
  readonly ttlSeconds: number
  /** The name that has the records: another one if CNAME records lead to it. Without a period at the end. */
  readonly canonicalName: string
}

export interface MxRecord {
  readonly preference: number
  /** Without a period at the end; empty for a null MX (RFC 7505). */
  readonly exchange: string
}

interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** Empty if the service is not available. RFC 2782. */
  readonly target: string
}

/** A record that names the certificate of a host. RFC 6698 section 2.1. */
export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly data: Buffer
}

/** Looks up records. Every method throws DnsError, and the reason of `signal` if that is aborted. */
export interface Resolver {
  /** Returns the MX records of a domain, the most preferred first. */
  mx(domain: string, signal?: AbortSignal): Promise<Lookup<MxRecord>>
  /** Returns the IPv4 addresses of a host, then the IPv6 addresses. */
  addresses(host: string, signal?: AbortSignal): Promise<Lookup<string>>
  /** Returns the texts of TXT records, each with its strings joined. */
  txt(name: string, signal?: AbortSignal): Promise<Lookup<string>>
  tlsa(name: string, signal?: AbortSignal): Promise<Lookup<TlsaRecord>>
  srv(name: string, signal?: AbortSignal): Promise<Lookup<SrvRecord>>
  /** Returns the records of any type. `data` has the form of dns-packet. */
  lookup(name: string, type: RecordType, signal?: AbortSignal): Promise<Lookup<DnsRecord>>
}

/** Sends a query and returns the response to it. @throws DnsError `TIMEOUT`, `UNREACHABLE` */
export type Exchange = (query: Buffer, signal: AbortSignal | undefined) => Promise<Buffer>

const MAX_CNAMES = 8

/** Creates a resolver that asks by `exchange`. */
export function createResolver(exchange: Exchange): Resolver {
  const lookup: Resolver['lookup'] = (name, type, signal) => resolve(exchange, name, type, signal)
  /** Looks up and reads the data of each record. */
  const read = async <Read>(
    name: string,
    type: RecordType,
    data: (record: DnsRecord) => Read,
    signal: AbortSignal | undefined,
  ): Promise<Lookup<Read>> => {
    const found = await lookup(name, type, signal)
    return { ...found, records: found.records.map(data) }
  }
  return {
    lookup,
    async mx(domain, signal) {
      const found = await read(domain, 'MX', mxOf, signal)
      return { ...found, records: found.records.toSorted((one, other) => one.preference - other.preference) }
    },
    async addresses(host, signal) {
      const [four, six] = await Promise.allSettled([
        read(host, 'A', addressOf, signal),
        read(host, 'AAAA', addressOf, signal),
      ])
      return bothAddresses(four, six)
    },
    txt: (name, signal) => read(name, 'TXT', txtValue, signal),
    tlsa: (name, signal) => read(name, 'TLSA', tlsaOf, signal),
    srv: (name, signal) => read(name, 'SRV', srvOf, signal),
  }
}

/** Returns a function that looks up addresses at a resolver. */
export const lookupAt =
  (resolver: Resolver, signal?: AbortSignal): LookupFunction =>
  (host, { all }, done) => {
    resolver.addresses(host, signal).then(
      ({ records }) => {
        const found = records.map((address) => ({ address, family: isIP(address) }))
        const [first] = found
        if (all || !first) done(null, found)
        else done(null, first.address, first.family)
      },
      (error: Error) => done(error, ''),
    )
  }

/** Looks up one type, and follows CNAME records that lead out of an answer. */
async function resolve(
  exchange: Exchange,
  name: string,
  type: RecordType,
  signal: AbortSignal | undefined,
): Promise<Lookup<DnsRecord>> {
  const problem = nameProblem(name)
  if (problem !== undefined) throw new DnsError('BADRESPONSE', problem)
  let wanted = normalName(name)
  let authenticated = true
  let ttlSeconds = Number.POSITIVE_INFINITY
  for (let aliases = 0; aliases <= MAX_CNAMES; aliases++) {
    signal?.throwIfAborted()
    const message = await ask(exchange, wanted, type, signal)
    authenticated &&= message.flag_ad
    const found = followAliases(message, wanted, type)
    ttlSeconds = Math.min(ttlSeconds, ...found.ttls)
    if (message.rcode !== 'NOERROR') {
      throw new DnsError(codeOf(message.rcode), `${found.name} ${type}: ${message.rcode}`, { authenticated })
    }
    if (found.records.length > 0) {
      return { records: found.records, authenticated, ttlSeconds, canonicalName: found.name }
    }
    // Neither the server of the zone nor a resolver: it does not know whether there are records.
    if (!message.flag_aa && !message.flag_ra) {
      throw new DnsError('BADRESPONSE', `${found.name} ${type}: the server does not answer for the zone`)
    }
    if (sameName(found.name, wanted)) {
      throw new DnsError('NODATA', `${found.name} has no ${type} records`, { authenticated })
    }
    wanted = found.name
  }
  throw new DnsError('BADRESPONSE', `${name}: more than ${MAX_CNAMES} CNAME records in a row`)
}

/** @throws DnsError `BADRESPONSE` if the response does not answer the question */
async function ask(
  exchange: Exchange,
  name: string,
  type: RecordType,
  signal: AbortSignal | undefined,
): Promise<DnsMessage> {
  const query = encodeQuestion(randomInt(0x10000), name, type)
  const octets = await exchange(query, signal)
  if (!isResponseTo(octets, query))
    throw new DnsError('BADRESPONSE', `${name} ${type}: the response is for another question`)
  try {
    return decodeMessage(octets)
  } catch (cause) {
    throw new DnsError('BADRESPONSE', `${name} ${type}: the response is not a DNS message`, { cause })
  }
}

/** Whether a message has the id and the question of a query. RFC 5452 section 9.1. */
export function isResponseTo(octets: Buffer, query: Buffer): boolean {
  if (octets.length < 12 || octets.readUInt16BE(0) !== query.readUInt16BE(0)) return false
  try {
    const { questions, flag_qr: isResponse, rcode } = decodeMessage(octets)
    const [asked] = decodeMessage(query).questions
    const [answered] = questions
    if (!isResponse || !asked) return false
    // A server that cannot read a query returns its header alone.
    if (!answered) return rcode === 'FORMERR' || rcode === 'NOTIMP'
    return sameName(answered.name, asked.name) && answered.type === asked.type && answered.class === asked.class
  } catch {
    return false
  }
}

/** Follows the CNAME records of an answer from `name`, and returns the records at the end. */
function followAliases(
  { answers }: DnsMessage,
  name: string,
  type: RecordType,
): { readonly name: string; readonly records: readonly DnsRecord[]; readonly ttls: readonly number[] } {
  const ttls: number[] = []
  let current = name
  for (let aliases = 0; aliases <= MAX_CNAMES; aliases++) {
    const own = answers.filter(isRecord).filter((record) => sameName(record.name, current))
    const records = own.filter((record) => record.type === type)
    ttls.push(...own.map(({ ttl = 0 }) => ttl))
    if (records.length > 0) return { name: current, records, ttls }
    const alias = own.find(({ type: of }) => of === 'CNAME')
    if (alias?.type !== 'CNAME') break
    current = normalName(alias.data)
  }
  return { name: current, records: [], ttls }
}

const codeOf = (rcode: string): DnsErrorCode =>
  (['NXDOMAIN', 'SERVFAIL', 'REFUSED', 'FORMERR', 'NOTIMP'] as const).find((one) => one === rcode) ?? 'BADRESPONSE'

type Settled = PromiseSettledResult<Lookup<string>>

/** Joins the two lookups of addresses. A host needs only one kind; a failure of the other must not hide. */
function bothAddresses(four: Settled, six: Settled): Lookup<string> {
  const failures = [four, six].flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const serious = failures.find((reason) => !(reason instanceof DnsError && reason.code === 'NODATA'))
  if (serious !== undefined) throw serious
  const found = [four, six].flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const [first] = found
  if (!first) throw failures[0]
  return {
    records: found.flatMap(({ records }) => records),
    authenticated:
      found.every(({ authenticated }) => authenticated) &&
      failures.every((reason) => reason instanceof DnsError && reason.authenticated),
    ttlSeconds: Math.min(...found.map(({ ttlSeconds }) => ttlSeconds)),
    canonicalName: first.canonicalName,
  }
}

const withoutRoot = (name: string): string => name.replace(/\.$/, '')

const addressOf = (record: DnsRecord): string => String(record.data)

function mxOf(record: DnsRecord): MxRecord {
  const { preference = 0, exchange } = record.data as MxData
  return { preference, exchange: withoutRoot(exchange) }
}

function tlsaOf(record: DnsRecord): TlsaRecord {
  if (record.type !== 'TLSA') throw new DnsError('BADRESPONSE', `${record.name} is not a TLSA record`)
  const { usage, selector, matchingType, certificate: data } = record.data
  return { usage, selector, matchingType, data }
}

function srvOf(record: DnsRecord): SrvRecord {
  const { priority = 0, weight = 0, port, target } = record.data as SrvData
  return { priority, weight, port, target: withoutRoot(target) }
}
