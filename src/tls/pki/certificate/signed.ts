import { constants, type KeyObject, verify } from 'node:crypto'
import { type Asn1, decodeNumber, item, items, oidOf, taggedItem } from '../der/decode.ts'
import { hashIds, nameIn, rsassaPss } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { hashOfSignature } from '../keys.ts'

/**
 * Returns whether a key signed a SEQUENCE { data, algorithm, signature, … }: a certificate, a request, a revocation list or
 * the basic response of OCSP. @throws PkiError for an unknown algorithm
 */
export function isSignedBy(whole: Asn1, key: KeyObject): boolean {
  const [data, algorithm, signature] = [item(whole, 0), item(whole, 1), item(whole, 2)]
  const octets = signature.content.subarray(1)
  const [id, parameters] = items(algorithm)
  if (id && oidOf(id) === rsassaPss) return isPssSignature(data.raw, parameters, key, octets)
  return verify(hashOfSignature(oidOf(item(algorithm, 0))), data.raw, key, octets)
}

/** Returns whether a signature is an RSASSA-PSS signature with these parameters. RFC 4055 section 3.1. @throws PkiError `refused` for an unknown hash */
export function isPssSignature(data: Buffer, parameters: Asn1 | undefined, key: KeyObject, signature: Buffer): boolean {
  const fields = parameters ? items(parameters) : []
  const named = taggedItem(fields, 0)
  const id = named && oidOf(item(item(named, 0), 0))
  const hash = id === undefined ? 'sha1' : nameIn(hashIds, id)
  if (hash === undefined) throw new PkiError('refused', `the hash ${id} of RSA-PSS is not supported`)
  const salt = taggedItem(fields, 2)
  const saltLength = salt ? decodeNumber(item(salt, 0)) : 20
  return verify(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature)
}
