import { isIPv4, isIPv6 } from 'node:net'
import { addressOctets, addressText } from '../../../core/network/ip-address.ts'
import { labelOctets, nameFrom, nameOctets } from '../names.ts'
import { quoteOctets, type Token, ZoneTextError } from './tokens.ts'

/** A parameter of an SVCB or HTTPS record: the number of its key, and its value in wire format. RFC 9460 section 2.2. */
type Parameter = readonly [key: number, value: Buffer]

/** The form of a parameter's value. */
interface ValueForm {
  /** @throws Error if the text is not a value */
  read(value: Buffer): Buffer
  write(value: Buffer): string
  /** Whether octets are a value. */
  isValue(value: Buffer): boolean
}

/** RFC 9460 section 14.3.2; ech: RFC 9848 section 3; dohpath: RFC 9461 section 5. In the order of their numbers. */
const keys = ['mandatory', 'alpn', 'no-default-alpn', 'port', 'ipv4hint', 'ech', 'ipv6hint', 'dohpath']

const keyNumber = (key: string): number => {
  const known = keys.indexOf(key)
  const unknown = /^key(0|[1-9]\d{0,4})$/.exec(key)?.[1]
  const number = known >= 0 ? known : Number(unknown)
  if (!(number < 0xffff)) throw new ZoneTextError(`${key} is not a parameter of a service`)
  return number
}

const keyName = (number: number): string => keys[number] ?? `key${number}`

const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff])

/** Splits a list. A comma or backslash that belongs to an item has a backslash in front. RFC 9460 appendix A.1. */
const itemsOf = (list: string): string[] =>
  [...list.matchAll(/(?:\\.|[^,\\])+/gs)].map(([item]) => item.replaceAll(/\\(.)/gs, '$1'))

const isListOf =
  (length: number) =>
  (value: Buffer): boolean =>
    value.length > 0 && value.length % length === 0

const addresses = (isAddress: (text: string) => boolean, length: number): ValueForm => ({
  read: (value) =>
    Buffer.concat(
      itemsOf(value.toString()).map((item) =>
        isAddress(item) ? addressOctets(item) : refuse(`${item} is no address`),
      ),
    ),
  write: (value) => parts(value, length).map(addressText).join(','),
  isValue: isListOf(length),
})

const plain: ValueForm = { read: (value) => value, write: (value) => quoteOctets(value), isValue: () => true }

const forms: Readonly<Record<string, ValueForm>> = {
  mandatory: {
    read: (value) => {
      const numbers = itemsOf(value.toString()).map(keyNumber)
      return Buffer.concat(numbers.sort((a, b) => a - b).map(uint16))
    },
    write: (value) =>
      parts(value, 2)
        .map((part) => keyName(part.readUInt16BE()))
        .join(','),
    isValue: isListOf(2),
  },
  alpn: {
    read(value) {
      const names = itemsOf(value.toString('latin1'))
      return names.some(({ length }) => length > 255) ? refuse('a name has more than 255 octets') : withLengths(names)
    },
    write: (value) => quoteOctets(Buffer.from(strings(value).map(escapeItem).join(','), 'latin1')),
    // RFC 9460 section 7.1.1
    isValue: (value) => value.length > 0 && !strings(value).includes('') && withLengths(strings(value)).equals(value),
  },
  'no-default-alpn': {
    read: (value) => (value.length > 0 ? refuse('has no value') : value),
    write: () => '',
    isValue: (value) => value.length === 0,
  },
  port: {
    read: (value) => {
      const port = Number(value.toString())
      return /^\d+$/.test(value.toString()) && port <= 0xffff ? uint16(port) : refuse(`${value} is not a port`)
    },
    write: (value) => String(value.readUInt16BE()),
    isValue: (value) => value.length === 2,
  },
  ipv4hint: addresses(isIPv4, 4),
  ech: {
    read: (value) =>
      /^[\w+/]+={0,2}$/.test(value.toString()) ? Buffer.from(value.toString(), 'base64') : refuse('is not Base64'),
    write: (value) => value.toString('base64'),
    isValue: (value) => value.length > 0,
  },
  ipv6hint: addresses(isIPv6, 16),
}

function refuse(why: string): never {
  throw new ZoneTextError(why)
}

const escapeItem = (item: string): string => item.replaceAll(/[,\\]/g, '\\$&')

const parts = (value: Buffer, length: number): Buffer[] =>
  Array.from({ length: Math.ceil(value.length / length) }, (_, at) => value.subarray(at * length, (at + 1) * length))

/** Returns strings with their lengths in front. */
const withLengths = (all: readonly string[]): Buffer =>
  Buffer.concat(all.flatMap((one) => [Buffer.from([one.length]), Buffer.from(one, 'latin1')]))

/** Returns the strings of a value, each of which has its length in front. */
function strings(value: Buffer): string[] {
  const found: string[] = []
  for (let at = 0; at < value.length; at += 1 + (value[at] ?? 0)) {
    found.push(value.toString('latin1', at + 1, at + 1 + (value[at] ?? 0)))
  }
  return found
}

/** @throws ZoneTextError if the octets are not a value of the parameter, whose key can be a number: `key3` */
function checkValue([number, value]: Parameter): void {
  const key = keyName(number)
  if ((forms[key] ?? plain).isValue(value)) return
  refuse(`${key}: ${value.length === 0 ? 'the value is missing' : 'the value is malformed'}`)
}

/** Reads parameters such as `alpn="h2,h3" port=8443 ech=…`. RFC 9460 section 2.1. @throws ZoneTextError */
export function readParameters(tokens: readonly Token[]): Parameter[] {
  const read: Parameter[] = []
  for (let at = 0; at < tokens.length; at++) {
    const { text } = tokens[at] as Token
    const [, key = '', sign, value = ''] = /^([^=]*)(=?)(.*)$/s.exec(text) ?? []
    // A quoted value is a token of its own.
    const next = tokens[at + 1]
    const isApart = sign === '=' && value === '' && next?.isQuoted === true
    if (isApart) at += 1
    const number = keyNumber(key)
    if (read.some(([known]) => known === number)) refuse(`${key} appears twice`)
    const form = forms[key] ?? plain
    try {
      read.push([number, form.read(labelOctets(isApart ? next.text : value))])
    } catch (error) {
      throw error instanceof ZoneTextError ? new ZoneTextError(`${key}: ${error.message}`) : error
    }
    checkValue(read.at(-1) as Parameter)
  }
  const mandatory = read.find(([number]) => number === 0)?.[1] ?? Buffer.alloc(0)
  for (const part of parts(mandatory, 2)) {
    // RFC 9460 section 8
    const number = part.readUInt16BE()
    if (number === 0 || !read.some(([known]) => known === number))
      refuse(`mandatory: ${keyName(number)} is not a parameter of this record`)
  }
  return read.sort(([one], [other]) => one - other)
}

/** Returns parameters as a zone file writes them. */
export const parametersText = (all: readonly Parameter[]): string =>
  all
    .map(([number, value]) => {
      const text = value.length === 0 ? '' : (forms[keyName(number)] ?? plain).write(value)
      return text === '' ? keyName(number) : `${keyName(number)}=${text}`
    })
    .join(' ')

/** Returns parameters in wire format, in the order of their keys. RFC 9460 section 2.2. */
export const parametersOctets = (all: readonly Parameter[]): Buffer =>
  Buffer.concat(all.flatMap(([number, value]) => [uint16(number), uint16(value.length), value]))

/**
 * Reads the data of an SVCB or HTTPS record, which dns-packet does not know. RFC 9460 section 2.2.
 * @throws RangeError; ZoneTextError
 */
export function serviceData(octets: Buffer) {
  const target = nameFrom(octets, 2)
  const params: Parameter[] = []
  for (let at = 2 + nameOctets(target).length; at < octets.length; ) {
    const length = octets.readUInt16BE(at + 2)
    const parameter = [octets.readUInt16BE(at), octets.subarray(at + 4, at + 4 + length)] as const
    checkValue(parameter)
    params.push(parameter)
    at += 4 + length
  }
  return { priority: octets.readUInt16BE(0), target: target === '' ? '.' : target, params }
}
