import { type DnsRecord, decodeData } from '../message.ts'
import { isWithin, normalName } from '../names.ts'
import { makeRecord } from '../records.ts'
import { typeNumber, typeOfNumber, typeText } from '../types.ts'
import { absoluteName, nameText, readTtl, type TokenReader } from './fields.ts'
import { dataOctets, dataText, readData, writableTypes } from './record-types.ts'
import { serviceData } from './service-parameters.ts'
import { type Entry, readEntries, type Token, ZoneTextError } from './tokens.ts'

interface ZoneTextOptions {
  /** The zone, to which names without a period at the end are relative. Normal. */
  readonly zone: string
  /** TTL of records without one. */
  readonly ttlSeconds: number
}

/** Reads the records of a zone file. RFC 1035 section 5, RFC 2308 section 4. @throws ZoneTextError with the line */
export function readZoneText(text: string, { zone, ttlSeconds }: ZoneTextOptions): DnsRecord[] {
  let origin = zone
  let ttl = ttlSeconds
  let owner = zone
  return readEntries(text).flatMap((entry) => {
    try {
      const [first, argument] = entry.tokens
      if (first?.text.toUpperCase() === '$ORIGIN') {
        origin = absoluteName(argument?.text ?? '@', origin)
        return []
      }
      if (first?.text.toUpperCase() === '$TTL') {
        ttl = readTtl(argument?.text ?? '') ?? fail('$TTL needs a time such as 3600 or 1h')
        return []
      }
      if (first && /^\$/.test(first.text)) fail(`${first.text} is not supported`)
      const record = readEntry(entry, { origin, ttl, owner })
      owner = record.name
      if (!isWithin(record.name, zone)) fail(`${record.name} is not in the zone ${zone}`)
      return [record]
    } catch (error) {
      if (error instanceof ZoneTextError) throw new ZoneTextError(`line ${entry.line}: ${error.message}`)
      throw error
    }
  })
}

/** Reads one record such as `www 300 IN A 127.0.0.1`. @throws ZoneTextError */
export function readRecord(line: string, { zone, ttlSeconds }: ZoneTextOptions): DnsRecord {
  const [entry, ...others] = readEntries(line)
  if (!entry || others.length > 0) fail('write one record, such as www 300 IN A 127.0.0.1')
  const record = readEntry({ ...(entry as Entry), isIndented: false }, { origin: zone, ttl: ttlSeconds, owner: zone })
  if (!isWithin(record.name, zone)) fail(`${record.name} is not in the zone ${zone}`)
  return record
}

/** Returns a record as a line of a zone file, with absolute names. */
export const recordText = ({ name, ttl = 0, type, data }: DnsRecord): string =>
  `${nameText(name)} ${ttl} IN ${typeText(type)} ${dataText(type, data)}`

/** The length of data has two octets. RFC 1035 section 3.2.1. */
const MAX_DATA_OCTETS = 0xffff

function fail(message: string): never {
  throw new ZoneTextError(message)
}

interface Defaults {
  readonly origin: string
  readonly ttl: number
  readonly owner: string
}

function readEntry(entry: Entry, { origin, ttl: defaultTtl, owner }: Defaults): DnsRecord {
  const tokens = [...entry.tokens]
  const name = entry.isIndented ? owner : normalName(absoluteName(tokens.shift()?.text ?? '', origin))
  let ttl = defaultTtl
  // The TTL and the class come in any order. RFC 1035 section 5.1
  for (let next = tokens[0]; next && !next.isQuoted; next = tokens[0]) {
    const seconds = readTtl(next.text)
    if (seconds !== undefined) ttl = seconds
    else if (/^(CH|HS|CS)$/i.test(next.text)) fail(`the class ${next.text} is not supported`)
    else if (!/^IN$/i.test(next.text)) break
    tokens.shift()
  }
  const written = tokens.shift()?.text.toUpperCase()
  const type = wireType(written ?? fail('the type is missing: write a record such as www A 127.0.0.1'))
  if (ttl >= 2 ** 31) fail(`the TTL ${ttl} is too long`)
  const reader = readerOf(tokens, origin)
  const record = makeRecord(name, type, ttl, dataOf(type, reader, tokens[0]?.text))
  if (reader.left() > 0) fail(`${typeText(type)}: more fields than the type has`)
  const { length } = dataOctets(type, record.data)
  if (length > MAX_DATA_OCTETS) fail(`${typeText(type)}: ${length} octets of data are more than ${MAX_DATA_OCTETS}`)
  return record
}

/** Returns the type of a name, or of TYPE and a number. RFC 3597 section 5. */
function wireType(type: string): string {
  if (writableTypes.includes(type)) return type
  const [, number = ''] =
    /^TYPE(\d{1,5})$/.exec(type) ?? fail(`the type ${type} is not supported; write TYPE and its number`)
  if (Number(number) > 0xffff) fail(`${type}: the number is too large`)
  const known = typeOfNumber(Number(number))
  return writableTypes.includes(known) || known.startsWith('UNKNOWN_')
    ? known
    : fail(`${type}: the lab itself writes records of the type ${known}`)
}

/** @throws ZoneTextError if the octets are not data of the type */
function decodedData(type: string, octets: Buffer): unknown {
  try {
    const isService = type === 'SVCB' || type === 'HTTPS'
    const data = isService ? serviceData(octets) : decodeData(typeNumber(type), octets)
    if (dataOctets(type, data).equals(octets)) return data
  } catch {
    // The message below says the same in the words of zone files.
  }
  return fail(`${type}: these octets are not data of the type`)
}

function dataOf(type: string, reader: TokenReader, mark: string | undefined): unknown {
  if (mark !== '\\#') {
    if (!writableTypes.includes(type)) fail(`${typeText(type)}: write its data as \\# LENGTH HEXADECIMAL`)
    return readData(type, reader)
  }
  // RFC 3597 section 5
  const [, length, ...parts] = reader.rest(type)
  const octets = Buffer.from(parts.map(({ text }) => text).join(''), 'hex')
  if (octets.length !== Number(length?.text)) fail(`${typeText(type)}: the length is not that of the data`)
  return writableTypes.includes(type) ? decodedData(type, octets) : octets
}

function readerOf(tokens: Token[], origin: string): TokenReader {
  return {
    origin,
    left: () => tokens.length,
    next: (what) => tokens.shift() ?? fail(`${what} is missing`),
    rest: (what) => (tokens.length === 0 ? fail(`${what} is missing`) : tokens.splice(0)),
  }
}
