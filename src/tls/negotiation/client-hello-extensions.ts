import { distinct } from '../../core/values/distinct.ts'
import { MalformedMessage, type OctetReader } from './octets.ts'

/** The extensions that matter here; numbers are code points, GREASE included. */
export interface ClientHelloExtensions {
  /** IANA numbers of all extensions, in the client's order; absent without extensions. */
  types?: readonly number[]
  serverName?: string
  alpn?: readonly string[]
  supportedVersions?: readonly number[]
  /** Groups of the key shares. */
  keyShares?: readonly number[]
  /** supported_groups. */
  groups?: readonly number[]
  signatureAlgorithms?: readonly number[]
  /** Whether the client may exchange heartbeats. RFC 6520. */
  heartbeat?: boolean
  /** Whether the client derives the master secret from the whole handshake. RFC 7627. */
  extendedMasterSecret?: boolean
  renegotiationInfo?: Buffer
}

/** IANA numbers of the extensions that matter here. */
export const extensionTypes = {
  serverName: 0,
  supportedGroups: 10,
  ecPointFormats: 11,
  signatureAlgorithms: 13,
  heartbeat: 15,
  alpn: 16,
  extendedMasterSecret: 23,
  preSharedKey: 41,
  supportedVersions: 43,
  keyShare: 51,
  encryptedClientHello: 0xfe0d,
  renegotiationInfo: 0xff01,
} as const

/**
 * Parses the extensions of a ClientHello. RFC 8446 section 4.2. A malformed extension is left out of the result; the rest is
 * still read.
 * @param defects receives each violation of the grammar
 */
export function parseExtensions(reader: OctetReader, defects: string[]): ClientHelloExtensions {
  const found: ClientHelloExtensions = {}
  const types: number[] = []
  while (reader.left >= 4) {
    const type = reader.uint16()
    types.push(type)
    const content = reader.reader(reader.uint16())
    // RFC 8446 section 4.2.11: "The pre_shared_key extension MUST be the last extension in the ClientHello".
    if (type === extensionTypes.preSharedKey && reader.left > 0) defects.push('extensions after pre_shared_key')
    const parser = extensionParsers.get(type)
    if (parser && !isParsed(parser, content, found)) defects.push(`a malformed ${parser.name}`)
  }
  if (reader.left > 0) defects.push('a message that ends too early')
  found.types = distinct(types)
  // RFC 8446 section 4.2: "There MUST NOT be more than one extension of the same type".
  if (found.types.length < types.length) defects.push('an extension sent twice')
  return found
}

interface ExtensionParser {
  readonly name: string
  /** @throws MalformedMessage */
  parse(content: OctetReader, found: ClientHelloExtensions): void
}

function isParsed(parser: ExtensionParser, content: OctetReader, found: ClientHelloExtensions): boolean {
  try {
    parser.parse(content, found)
    content.expectEnd()
    return true
  } catch (error) {
    if (error instanceof MalformedMessage) return false
    throw error
  }
}

const HOST_NAME = 0
/** RFC 1035 section 2.3.4. */
const MAX_HOST_NAME = 255

const parsersByType: Readonly<Record<number, ExtensionParser>> = {
  // RFC 6066 section 3: ServerNameList has at least one entry, and host_name is the only type that exists.
  [extensionTypes.serverName]: {
    name: 'server_name',
    parse(content, found) {
      const list = content.reader(content.uint16())
      if (list.uint8() !== HOST_NAME) throw new MalformedMessage('a server name of an unknown type')
      const name = notEmpty(list.reader(list.uint16())).text()
      list.expectEnd()
      if (name.length > MAX_HOST_NAME || name.includes('\0')) throw new MalformedMessage('not a host name')
      found.serverName = name
    },
  },
  // RFC 8422 section 5.1.1; RFC 8446 section 4.2.7
  [extensionTypes.supportedGroups]: {
    name: 'supported_groups',
    parse(content, found) {
      found.groups = numbers(content.reader(content.uint16()))
    },
  },
  // RFC 8422 section 5.1.2
  [extensionTypes.ecPointFormats]: {
    name: 'ec_point_formats',
    parse(content) {
      if (content.vector8().length === 0) throw new MalformedMessage('an empty list')
    },
  },
  // RFC 8446 section 4.2.3; RFC 5246 section 7.4.1.4.1
  [extensionTypes.signatureAlgorithms]: {
    name: 'signature_algorithms',
    parse(content, found) {
      found.signatureAlgorithms = numbers(content.reader(content.uint16()))
    },
  },
  // RFC 7301 section 3.1: names are not empty.
  [extensionTypes.alpn]: {
    name: 'application_layer_protocol_negotiation',
    parse(content, found) {
      const list = content.reader(content.uint16())
      const names: string[] = []
      do names.push(notEmpty(list.reader(list.uint8())).text())
      while (list.left > 0)
      found.alpn = names
    },
  },
  // RFC 6520 section 2
  [extensionTypes.heartbeat]: {
    name: 'heartbeat',
    parse(content, found) {
      content.skip(1)
      found.heartbeat = true
    },
  },
  // RFC 7627 section 5.1: empty.
  [extensionTypes.extendedMasterSecret]: {
    name: 'extended_master_secret',
    parse(_, found) {
      found.extendedMasterSecret = true
    },
  },
  // RFC 8446 section 4.2.1
  [extensionTypes.supportedVersions]: {
    name: 'supported_versions',
    parse(content, found) {
      found.supportedVersions = numbers(content.reader(content.uint8()))
    },
  },
  // RFC 8446 section 4.2.8: an empty list asks for a HelloRetryRequest.
  [extensionTypes.keyShare]: {
    name: 'key_share',
    parse(content, found) {
      const list = content.reader(content.uint16())
      const groups: number[] = []
      while (list.left > 0) {
        groups.push(list.uint16())
        notEmpty(list.reader(list.uint16()))
      }
      found.keyShares = groups
    },
  },
  // RFC 5746 section 3.2
  [extensionTypes.renegotiationInfo]: {
    name: 'renegotiation_info',
    parse(content, found) {
      found.renegotiationInfo = content.vector8()
    },
  },
}

/** A map, because V8 keeps objects with such large numbers as slow dictionaries. */
const extensionParsers = new Map(Object.entries(parsersByType).map(([type, parser]) => [Number(type), parser]))

/** Reads a list of at least one 16-bit number. @throws MalformedMessage */
function numbers(list: OctetReader): number[] {
  const found = notEmpty(list).uint16s()
  list.expectEnd()
  return found
}

function notEmpty(reader: OctetReader): OctetReader {
  if (reader.left === 0) throw new MalformedMessage('an empty list')
  return reader
}
