import { headerFieldAt, isEmptyLine } from '../../mail/format/headers.ts'
import { beforeLineEnd } from '../../mail/format/octets.ts'

/**
 * How often a field is in `h=`. `always`: once more than the message has it, so that nobody can add one. `present`: the
 * same, if the message has it. `listed`: as often as the message has it. RFC 6376 sections 5.4.1 and 8.15.
 */
const SIGNED_FIELDS: readonly (readonly [name: string, how: 'always' | 'present' | 'listed'])[] = [
  ['From', 'always'],
  ['Sender', 'present'],
  ['Reply-To', 'always'],
  ['Subject', 'always'],
  ['Date', 'present'],
  ['Message-ID', 'present'],
  ['To', 'always'],
  ['Cc', 'always'],
  ['MIME-Version', 'present'],
  ['Content-Type', 'present'],
  ['Content-Transfer-Encoding', 'present'],
  ['Content-ID', 'listed'],
  ['Content-Description', 'listed'],
  ['Resent-Date', 'listed'],
  ['Resent-From', 'listed'],
  ['Resent-Sender', 'listed'],
  ['Resent-To', 'listed'],
  ['Resent-Cc', 'listed'],
  ['Resent-Message-ID', 'listed'],
  ['In-Reply-To', 'present'],
  ['References', 'present'],
  ['List-Id', 'listed'],
  ['List-Help', 'listed'],
  ['List-Unsubscribe', 'listed'],
  ['List-Unsubscribe-Post', 'listed'],
  ['List-Subscribe', 'listed'],
  ['List-Post', 'listed'],
  ['List-Owner', 'listed'],
  ['List-Archive', 'listed'],
  ['BIMI-Selector', 'listed'],
]

/** A header field as it was received, without its last line end, as latin1. */
export interface Field {
  readonly nameLower: string
  readonly text: string
}

/** Returns what follows the colon of a field. */
export const fieldValue = ({ text }: Pick<Field, 'text'>): string => text.slice(text.indexOf(':') + 1)

/** Returns the fields of a header, in order. Lines that are not fields are left out. */
export function splitFields(header: Buffer): Field[] {
  const found: Field[] = []
  for (let at = 0; at < header.length && !isEmptyLine(header, at); ) {
    const { nameLower, start, end } = headerFieldAt(header, at, header.length)
    if (nameLower !== '') {
      found.push({ nameLower, text: header.toString('latin1', start, beforeLineEnd(header, end, start)) })
    }
    at = end
  }
  return found
}

/** Returns the names for `h=`, and the fields that they stand for: of each name the last first. RFC 6376 section 5.4.2. */
export function fieldsToSign(fields: readonly Field[]): { readonly names: string[]; readonly signed: Field[] } {
  const names: string[] = []
  const signed: Field[] = []
  for (const [name, how] of SIGNED_FIELDS) {
    const nameLower = name.toLowerCase()
    const own = fields.filter((field) => field.nameLower === nameLower).reverse()
    signed.push(...own)
    const more = how === 'always' || (how === 'present' && own.length > 0) ? 1 : 0
    for (let count = own.length + more; count > 0; count--) names.push(name)
  }
  return { names, signed }
}
