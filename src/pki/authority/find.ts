import type { AuthorityRecord, IssuedRecord, StoreIndex } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'

/** An authority by name in any case; the default one where no name is given. @throws PkiError `unknown` */
export function findAuthority(index: Readonly<StoreIndex>, name: string | undefined): AuthorityRecord {
  const wanted = name ?? index.defaultAuthority
  const found = index.authorities.find((one) => one.name.toLowerCase() === wanted?.toLowerCase())
  if (found) return found
  const known = index.authorities.map((one) => `"${one.name}"`).join(', ') || 'none'
  throw new PkiError('unknown', `no authority "${wanted ?? ''}"; there are: ${known}`)
}

/** Serial numbers as people write them: any case, with colons or spaces, `0x` or leading zeros. */
export const plainSerial = (serial: string): string =>
  serial
    .replace(/^0x|[\s:]/gi, '')
    .replace(/^0+(?=.)/, '')
    .toUpperCase()

/** The certificate of a serial number or thumbprint in the authorities' books. @throws PkiError `unknown` */
export function findIssued(
  index: Readonly<StoreIndex>,
  serial: string,
  authority?: string,
): { authority: AuthorityRecord; entry: IssuedRecord } {
  const wanted = plainSerial(serial)
  const books = authority === undefined ? index.authorities : [findAuthority(index, authority)]
  for (const book of books) {
    const entry = book.issued.find(
      (one) => plainSerial(one.serial) === wanted || plainSerial(one.thumbprint) === wanted,
    )
    if (entry) return { authority: book, entry }
  }
  const who = authority === undefined ? 'no authority of this lab has' : `"${authority}" has not`
  throw new PkiError('unknown', `${who} issued a certificate of the serial number ${serial}`)
}
