import { type KeyObject, verify } from 'node:crypto'
import { type Asn1, item, oidOf } from '../../pki/der/decode.ts'
import { hashOfSignature } from '../../pki/keys.ts'

/** Whether `key` made the signature of a SEQUENCE { data, algorithm, signature, … }. @throws PkiError for an unknown algorithm */
export function isSignedBy(value: Asn1, key: KeyObject): boolean {
  const hash = hashOfSignature(oidOf(item(item(value, 1), 0)))
  return verify(hash, item(value, 0).raw, key, item(value, 2).content.subarray(1))
}
