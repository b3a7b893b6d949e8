import type { EphemeralKeyInfo, TLSSocket } from 'node:tls'
import { groupName } from '../../tls/groups.ts'
import { suiteBits, suiteKeyExchange, suiteName } from '../../tls/suites.ts'
import type { Tap } from '../tap.ts'
import { readServerAnswer } from './server-answer.ts'

/** What a handshake agreed on. */
export interface Agreed {
  readonly version: string
  /** IANA code point, or the name where the handshake was made by Node.js. */
  readonly suite: number | string
  /** Code point of the key-exchange group, or its name. */
  readonly group?: number | string | undefined
}

/** For people and reports. */
export interface AgreedFacts {
  readonly version: string
  readonly cipher: string
  readonly bits: number | undefined
  readonly keyExchange: string | undefined
}

export function describeAgreed({ version, suite, group }: Agreed): AgreedFacts {
  const cipher = typeof suite === 'number' ? suiteName(suite) : suite
  const named = typeof group === 'number' ? groupName(group) : group
  const exchange = suiteKeyExchange(cipher)
  const keyExchange = [exchange, named].filter((part) => part !== undefined).join(' ') || undefined
  return { version, cipher, bits: suiteBits(cipher), keyExchange }
}

/** Off a socket and what crossed its wire. */
export function readAgreed(socket: TLSSocket, tap: Tap): Agreed {
  const group = groupOnWire(Buffer.concat(tap.received)) ?? groupOf(socket.getEphemeralKeyInfo())
  return { version: socket.getProtocol() ?? 'unknown', suite: socket.getCipher().standardName, group }
}

/** TLS 1.3 names the group in its ServerHello, hybrid ones too, which Node.js does not tell. */
function groupOnWire(received: Buffer): number | undefined {
  // Behind a STARTTLS reply the first record begins after a line end.
  for (let at = received.indexOf(HANDSHAKE_RECORD); at !== -1; at = received.indexOf(HANDSHAKE_RECORD, at + 1)) {
    try {
      const answer = readServerAnswer(received.subarray(at))
      if (answer.kind === 'hello') return answer.group
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  return undefined
}

const HANDSHAKE_RECORD = Buffer.from([22, 3])

function groupOf(info: EphemeralKeyInfo | object | null): string | undefined {
  if (!info || !('type' in info)) return undefined
  if (info.type === 'DH') return `${info.size} bits`
  return curveNames[info.name ?? ''] ?? info.name
}

const curveNames: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}
