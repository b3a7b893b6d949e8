import type { DnsRecord } from '../message.ts'
import { labelsOf, nameOctets } from '../names.ts'
import { makeRecord, type RecordSet } from '../records.ts'
import { canonicalData, dataOctets, encodeRecord } from '../zone-text/record-types.ts'
import { ALGORITHM, type ZoneKey } from './key.ts'

/** State of the signatures of a zone. `missing`: the zone has no signatures. */
export type SignatureState = 'good' | 'bogus' | 'expired' | 'missing'

const HOUR_S = 3600
/** Allowance for wrong clocks. */
const INCEPTION_BEFORE_S = HOUR_S
const LIFETIME_S = 7 * 24 * HOUR_S

interface Signing {
  /** The zone that signs. */
  readonly zone: string
  readonly key: ZoneKey
  readonly nowMs: number
  readonly state: SignatureState
  /** The real owner of records that a wildcard provides. */
  readonly wildcard?: string | undefined
}

/** Returns the RRSIG record of a set; undefined if signatures are missing on purpose. RFC 4034 section 3. */
export function signatureOf({ name, type, records }: RecordSet, signing: Signing): DnsRecord | undefined {
  const { zone, key, nowMs, state, wildcard } = signing
  const [first] = records
  if (!first || state === 'missing') return undefined
  const { ttl = 0 } = first
  const owner = wildcard ?? name
  const now = Math.floor(nowMs / 1000)
  const age = state === 'expired' ? LIFETIME_S + HOUR_S : INCEPTION_BEFORE_S
  const fields = {
    typeCovered: type,
    algorithm: ALGORITHM,
    // Without the asterisk of a wildcard. RFC 4034 section 3.1.3
    labels: labelsOf(owner).filter((label) => label !== '*').length,
    originalTTL: ttl,
    expiration: now - age + LIFETIME_S,
    inception: now - age,
    keyTag: key.keyTag,
    signersName: zone === '' ? '.' : zone,
  }
  const signature = key.sign(Buffer.concat([signedFields(fields), ...canonicalSet(owner, type, ttl, records)]))
  if (state === 'bogus') signature.writeUInt8(signature.readUInt8(63) ^ 0xff, 63)
  return makeRecord(name, 'RRSIG', ttl, { ...fields, signature })
}

/** The data of the RRSIG record without the signature. RFC 4034 section 3.1.8.1. */
const signedFields = (fields: object): Buffer => dataOctets('RRSIG', { ...fields, signature: Buffer.alloc(0) })

/** Returns the records of a set in canonical form and order. RFC 4034 sections 6.2 and 6.3. */
function canonicalSet(owner: string, type: string, ttl: number, records: readonly DnsRecord[]): Buffer[] {
  const ownerLength = nameOctets(owner).length
  return records
    .map(({ data }) => encodeRecord(makeRecord(owner, type, ttl, canonicalData(type, data))))
    .sort((one, other) => Buffer.compare(one.subarray(ownerLength + 10), other.subarray(ownerLength + 10)))
    .filter((octets, index, sorted) => index === 0 || !octets.equals(sorted[index - 1] as Buffer))
}
