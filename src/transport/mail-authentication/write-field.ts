import { createHash, type KeyObject, sign } from 'node:crypto'

/** Returns the signature algorithm (`a=`) of a key. RFC 6376 section 3.3, RFC 8463. */
export const algorithmOf = (key: KeyObject): string =>
  `${key.asymmetricKeyType === 'ed25519' ? 'ed25519' : 'rsa'}-sha256`

/**
 * Signs a field and completes it.
 * @param unsigned the field up to and including `b=`
 * @param covered the other fields that the signature covers, in canonical form with their line ends, as latin1
 * @param canonical makes the canonical form of the field itself, which comes last without a line end. RFC 6376 section 3.7
 */
export function signedField(
  unsigned: string,
  covered: readonly string[],
  canonical: (field: string) => string,
  key: KeyObject,
): string {
  const octets = Buffer.from([...covered, canonical(unsigned)].join(''), 'latin1')
  // Ed25519 signs the hash. RFC 8463 section 3
  const value =
    key.asymmetricKeyType === 'ed25519'
      ? sign(null, createHash('sha256').update(octets).digest(), key)
      : sign('sha256', octets, key)
  return `${unsigned}${foldValue(value.toString('base64'), /.{1,70}/g)}\r\n`
}

/** Returns the value of `h=`. */
export const foldedNames = (names: readonly string[]): string => foldValue(names.join(':'), /[^:]*:?/g)

const LINE_OCTETS = 72

/** Folds a value between its pieces. */
function foldValue(value: string, pieces: RegExp): string {
  let line = ''
  const lines: string[] = []
  for (const piece of value.match(pieces) ?? []) {
    if (line !== '' && line.length + piece.length > LINE_OCTETS) {
      lines.push(line)
      line = ''
    }
    line += piece
  }
  return [...lines, line].join('\r\n\t')
}
