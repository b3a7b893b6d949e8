import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { addressOctets } from '../../../core/network/ip-address.ts'
import { item, readAsn1 } from '../der/decode.ts'
import {
  boolean,
  context,
  contextPrimitive,
  integer,
  namedBits,
  nul,
  octetString,
  oid,
  sequence,
} from '../der/encode.ts'
import { accessMethods, extensionIds, type KeyUsage, keyUsageBits, type Purpose, purposeIds } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { encodeGeneralName, type GeneralName } from './names.ts'
import { mailAddress } from './values.ts'

/** Encodes one Extension. RFC 5280 section 4.2. */
const extension = (id: string, value: Buffer, critical = false): Buffer =>
  critical ? sequence(oid(id), boolean(true), octetString(value)) : sequence(oid(id), octetString(value))

/** Returns the SubjectPublicKeyInfo of a private or public key. */
export const publicKeyInfo = (key: KeyObject): Buffer =>
  (key.type === 'public' ? key : createPublicKey(key)).export({ type: 'spki', format: 'der' })

/** Returns the SHA-1 over the bits of the public key. RFC 5280 section 4.2.1.2, method 1. */
export function keyIdentifier(spki: Buffer): Buffer {
  return createHash('sha1')
    .update(item(readAsn1(spki), 1).content.subarray(1))
    .digest()
}

export const subjectKeyIdentifier = (id: Buffer): Buffer =>
  extension(extensionIds.subjectKeyIdentifier, octetString(id))

export const authorityKeyIdentifier = (id: Buffer): Buffer =>
  extension(extensionIds.authorityKeyIdentifier, sequence(contextPrimitive(0, id)))

export const keyUsage = (usages: readonly KeyUsage[]): Buffer =>
  extension(extensionIds.keyUsage, namedBits(usages.map((usage) => keyUsageBits[usage])), true)

export const extKeyUsage = (purposes: readonly Purpose[]): Buffer =>
  extension(extensionIds.extKeyUsage, sequence(...purposes.map((purpose) => oid(purposeIds[purpose]))))

/** Encodes the basicConstraints of an authority, which are critical. RFC 5280 section 4.2.1.9. */
export const authorityConstraints = (pathLength?: number): Buffer =>
  extension(
    extensionIds.basicConstraints,
    sequence(boolean(true), ...(pathLength === undefined ? [] : [integer(pathLength)])),
    true,
  )

/** Encodes the basicConstraints of an end entity: empty, because `cA` FALSE is the default. */
export const endEntityConstraints = (): Buffer => extension(extensionIds.basicConstraints, sequence())

/** Encodes subjectAltName. It must be critical if the subject is empty. RFC 5280 section 4.2.1.6. */
export const subjectAltName = (names: readonly GeneralName[], critical = false): Buffer =>
  extension(extensionIds.subjectAltName, sequence(...names.map(encodeGeneralName)), critical)

export const crlDistributionPoints = (urls: readonly string[]): Buffer =>
  extension(
    extensionIds.crlDistributionPoints,
    sequence(...urls.map((value) => sequence(context(0, context(0, encodeGeneralName({ type: 'uri', value })))))),
  )

export const authorityInfoAccess = (access: Partial<Record<keyof typeof accessMethods, string>>): Buffer =>
  extension(
    extensionIds.authorityInfoAccess,
    sequence(
      ...(Object.keys(accessMethods) as (keyof typeof accessMethods)[]).flatMap((method) => {
        const value = access[method]
        return value === undefined
          ? []
          : [sequence(oid(accessMethods[method]), encodeGeneralName({ type: 'uri', value }))]
      }),
    ),
  )

/** Encodes certificatePolicies. RFC 5280 section 4.2.1.4. */
export const certificatePolicies = (...ids: readonly string[]): Buffer =>
  extension(extensionIds.certificatePolicies, sequence(...ids.map((id) => sequence(oid(id)))))

/** Encodes logotypes. @param value see `logotypeValue` */
export const logotypes = (value: Buffer): Buffer => extension(extensionIds.logotype, value)

/** Encodes id-pkix-ocsp-nocheck: clients do not check the revocation of the responder. RFC 6960 section 4.2.2.2.1. */
export const ocspNoCheck = (): Buffer => extension(extensionIds.ocspNoCheck, nul())

/** Encodes the TLS feature status_request ("must staple"). RFC 7633 section 6. */
export const mustStaple = (): Buffer => extension(extensionIds.tlsFeature, sequence(integer(5)))

/** Encodes acmeIdentifier: the SHA-256 of a key authorization. It is critical. RFC 8737 section 3. */
export const acmeIdentifier = (digest: Buffer): Buffer =>
  extension(extensionIds.acmeIdentifier, octetString(digest), true)

export interface NameConstraints {
  readonly permitted?: readonly string[]
  readonly excluded?: readonly string[]
}

/** Encodes `example.test`, `@example.test` (email) or `192.0.2.0/24`. RFC 5280 section 4.2.1.10. */
function subtree(text: string): Buffer {
  const [address = '', prefix] = text.split('/')
  const version = isIP(address)
  if (version !== 0 && prefix !== undefined) {
    const octets = addressOctets(address)
    const bits = Number(prefix)
    if (!Number.isInteger(bits) || bits < 0 || bits > octets.length * 8) {
      throw new PkiError('refused', `${text} is not an address range`)
    }
    const mask = octets.map((_, index) => 0xff & ~(0xff >> Math.max(0, Math.min(8, bits - index * 8))))
    return sequence(contextPrimitive(7, Buffer.concat([octets.map((octet, i) => octet & (mask[i] ?? 0)), mask])))
  }
  if (version !== 0) return subtree(`${text}/${version === 4 ? 32 : 128}`)
  if (text.startsWith('@')) return sequence(contextPrimitive(1, domain(text.slice(1), text)))
  if (text.includes('@')) return sequence(contextPrimitive(1, Buffer.from(mailAddress(text))))
  return sequence(contextPrimitive(2, domain(text, text)))
}

/** @throws PkiError `refused` if it is not a domain; a leading period is allowed */
function domain(name: string, text: string): Buffer {
  const ascii = domainToASCII(name.replace(/^\./, ''))
  if (/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(ascii)) return Buffer.from(name.startsWith('.') ? `.${ascii}` : ascii)
  throw new PkiError(
    'refused',
    `${text} is not a name constraint; write it like example.test, @example.test or 192.0.2.0/24`,
  )
}

/**
 * Returns nameConstraints, which is critical, or nothing if there are no constraints. RFC 5280 section 4.2.1.10.
 * @param constraints a Buffer is the encoded value, as a request contains it
 */
export function nameConstraints(constraints: NameConstraints | Buffer | undefined): Buffer[] {
  if (Buffer.isBuffer(constraints)) return [extension(extensionIds.nameConstraints, constraints, true)]
  const part = (number: number, names: readonly string[] = []): Buffer[] =>
    names.length === 0 ? [] : [context(number, ...names.map(subtree))]
  const parts = [...part(0, constraints?.permitted), ...part(1, constraints?.excluded)]
  return parts.length === 0 ? [] : [extension(extensionIds.nameConstraints, sequence(...parts), true)]
}
