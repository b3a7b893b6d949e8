import type { CertificateRule } from '../../core/config/schema/directory.ts'
import { codePoints, globMatches, parseGlob } from '../../core/text/glob.ts'

/** The parts of a client certificate that rules look at. Names as `CN=alice, O=Lab`, the serial number in hexadecimal. */
interface MappedCertificate {
  readonly issuer: string
  readonly subject: string
  readonly serialNumber: string
}

/** Returns the account of the first rule that matches a certificate. Names are compared in any case. */
export const mappedAccount = (
  rules: readonly CertificateRule[],
  { issuer, subject, serialNumber }: MappedCertificate,
): string | undefined =>
  rules.find(
    (rule) =>
      matchesPattern(rule.issuer, issuer) &&
      matchesPattern(rule.subject, subject) &&
      (rule.serialNumber === undefined || normalSerial(rule.serialNumber) === normalSerial(serialNumber)),
  )?.account

function matchesPattern(pattern: string | undefined, name: string): boolean {
  const glob = pattern === undefined ? undefined : parseGlob(lowerCaseName(pattern), 'stars')
  return glob === undefined || globMatches(glob, codePoints(lowerCaseName(name)))
}

/** Stands for a comma inside a value. No name has a noncharacter. */
const INNER_COMMA = '\uFDD0'

/**
 * Returns a name in lower case. Replaces escaped commas, so that `, ` only separates attributes: a value that contains
 * `, OU=Sales` must not match a rule for that unit. RFC 4514 section 2.4.
 */
const lowerCaseName = (name: string): string =>
  name.replace(/\\(.)/gs, (pair, character) => (character === ',' ? INNER_COMMA : pair)).toLowerCase()

const normalSerial = (serialNumber: string): string =>
  serialNumber
    .replaceAll(/[\s:]/g, '')
    .replace(/^0+(?=.)/, '')
    .toUpperCase()
