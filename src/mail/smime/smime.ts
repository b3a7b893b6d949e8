import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { headerBlockEnd } from '../format/headers.ts'
import type { MessagePart } from '../format/types.ts'
import type { SmimeResult } from './examine.ts'
import type { HeldKey } from './trust.ts'

export type { SmimeResult }

interface SmimeOptions {
  /** When the lab received the message, milliseconds since the epoch. */
  readonly receivedAt: number
  /** The structure of the message, if the caller has parsed it. */
  readonly structure?: MessagePart
  /** Most octets of the content of compressed layers. Default: 25 MiB. */
  readonly maxOctets?: number
  /** Counts the memory of content before it is made. @throws if there is not enough */
  readonly reserve?: (octets: number) => void
  /** Which keys of the store may open it. Default: all. */
  readonly mayUse?: (held: HeldKey) => boolean
}

/** Longest header that is looked at. */
const MAX_HEADER_OCTETS = 64 * 1024
const NAMES = /pkcs7|\.p7m/i

/** Returns whether a message may be an S/MIME message, without parsing it. Called for every message that is read. */
const mayBeSmime = (raw: Buffer): boolean => {
  const start = raw.subarray(0, MAX_HEADER_OCTETS)
  return NAMES.test(start.toString('latin1', 0, headerBlockEnd(start)))
}

/**
 * Verifies the signatures of a message and opens what is encrypted with the keys of a certificate store. Undefined if it is no
 * S/MIME message. @throws PkiError `store`
 */
export async function smimeOf(
  raw: Buffer,
  store: CertificateStore,
  { receivedAt, structure, mayUse, ...limits }: SmimeOptions,
): Promise<SmimeResult | undefined> {
  if (!mayBeSmime(raw)) return undefined
  const [{ examineSmime }, { smimeTrust }] = await Promise.all([import('./examine.ts'), import('./trust.ts')])
  const trust = await smimeTrust(store)
  const held = mayUse ? { ...trust, keys: trust.keys.filter(mayUse) } : trust
  return examineSmime(raw, held, receivedAt, { structure, ...limits })
}
