import { createHash, type X509Certificate } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type Asn1, item, items, octetStringValue, oidOf, stringOf, taggedItem } from '../der/decode.ts'
import { context, ia5String, octetString, oid, sequence } from '../der/encode.ts'
import { extensionIds, hashIds, nameIn } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { extensionValues } from './certificate.ts'

const MEDIA_TYPE = 'image/svg+xml'
/** Media types of RFC 9399 section 4.1 and of the mark certificates in use. */
const SVG_URL = /^data:image\/svg\+xml(?:\+gzip)?;base64,([A-Za-z\d+/=\s]*)$/i

/** Encodes the value of logotypes with the logo of the subject, compressed in a data URL. RFC 9399 section 4.1. */
export function logotypeValue(svg: Buffer): Buffer {
  const hash = sequence(sequence(oid(hashIds.sha256)), octetString(sha('sha256', svg)))
  const url = `data:${MEDIA_TYPE};base64,${gzipSync(svg, { level: 9 }).toString('base64')}`
  const details = sequence(ia5String(MEDIA_TYPE), sequence(hash), sequence(ia5String(url)))
  // subjectLogo [2] EXPLICIT, direct [0] IMPLICIT LogotypeData with one LogotypeImage.
  return sequence(context(2, context(0, sequence(sequence(details)))))
}

/**
 * Returns the logo that a certificate has for its subject, decompressed; undefined without logotypes. RFC 9399 section 4.1.
 * @throws PkiError `malformed` if it is not one SVG image in a data URL, larger than `maxOctets`, or has another hash
 */
export function logoOf(certificate: X509Certificate, maxOctets: number): Buffer | undefined {
  const value = extensionValues(certificate).get(extensionIds.logotype)
  return value && logoIn(value, maxOctets)
}

/** Returns the logo of the subject in the value of logotypes. @throws PkiError `malformed` */
export function logoIn(value: Asn1, maxOctets: number): Buffer {
  const direct = taggedItem(items(taggedItem(items(value), 2) ?? throwMissingLogo()), 0) ?? throwMissingLogo()
  // image is the first item, without a tag; audio has one.
  const [image, ...others] = items(item(direct, 0))
  if (image === undefined || others.length > 0) throw malformedLogotype('one image is needed')
  const [, hashes, urls] = items(item(image, 0))
  const url = SVG_URL.exec(stringOf(item(urls, 0)))?.[1]
  if (url === undefined) throw malformedLogotype('the image is not SVG in a data URL')
  const data = Buffer.from(url, 'base64')
  const logo = decompressLogo(data, maxOctets)
  const [algorithm, digest] = items(item(hashes, 0))
  const name = algorithm && nameIn(hashIds, oidOf(item(algorithm, 0)))
  if (name === undefined || digest === undefined) throw malformedLogotype('the hash of the image is of an unknown kind')
  // RFC 6170 section 5.2: over the decompressed image. Some authorities hash what the URL contains.
  const wanted = octetStringValue(digest)
  if (![logo, data].some((octets) => sha(name, octets).equals(wanted)))
    throw malformedLogotype('the hash of the image is wrong')
  return logo
}

/** RFC 6170 section 5.2: an image in a data URL is compressed. */
function decompressLogo(data: Buffer, maxOutputLength: number): Buffer {
  if (data[0] !== 0x1f || data[1] !== 0x8b) throw malformedLogotype('the image is not compressed by gzip')
  try {
    return gunzipSync(data, { maxOutputLength })
  } catch (cause) {
    throw malformedLogotype(
      (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
        ? 'the image is too large'
        : 'the image is broken',
      cause,
    )
  }
}

const sha = (name: string, octets: Buffer): Buffer => createHash(name).update(octets).digest()

const malformedLogotype = (what: string, cause?: unknown): PkiError =>
  new PkiError('malformed', `the logotype cannot be used: ${what}`, { cause })

function throwMissingLogo(): never {
  throw malformedLogotype('there is no logo of the subject')
}
