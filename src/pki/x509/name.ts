import { ia5String, isPrintable, oid, printableString, sequence, setOf, utf8String } from '../asn1/der.ts'
import { type AttributeType, attributeTypes, nameIn } from '../asn1/oids.ts'
import { type Asn1, items, oidOf, readAsn1, textOf } from '../asn1/reader.ts'

/** One attribute of a distinguished name. `type` is a short name, or a dotted identifier where none is known. */
interface NameAttribute {
  readonly type: AttributeType | (string & {})
  readonly value: string
}

/** A distinguished name in its encoded order (most significant first, by custom). RFC 5280 section 4.1.2.4. */
export type DistinguishedName = readonly NameAttribute[]

/** Types that must be PrintableString or IA5String; all others are UTF8String. RFC 5280 appendix A.1. */
const fixedEncodings: Partial<Record<string, (text: string) => Buffer>> = {
  C: printableString,
  serialNumber: printableString,
  emailAddress: ia5String,
  DC: ia5String,
}

export type EncodeText = (text: string) => Buffer

/** PrintableString where it will do, else UTF8String. */
const printableOrUtf8: EncodeText = (text) => (isPrintable(text) ? printableString(text) : utf8String(text))

export function encodeName(name: DistinguishedName, encodeText: EncodeText = printableOrUtf8): Buffer {
  return sequence(
    ...name.map(({ type, value }) => {
      const id = attributeTypes[type as AttributeType] ?? type
      return setOf(sequence(oid(id), (fixedEncodings[type] ?? encodeText)(value)))
    }),
  )
}

export function readName(name: Asn1 | Buffer): DistinguishedName {
  return items(Buffer.isBuffer(name) ? readAsn1(name) : name).flatMap((relative) =>
    items(relative).map((attribute) => {
      const [type, value] = items(attribute)
      const id = type ? oidOf(type) : ''
      return { type: nameIn(attributeTypes, id) ?? id, value: value ? textOf(value) : '' }
    }),
  )
}

/** `CN=mail.example.test, O=Example`: as people read it, in the encoded order turned round. RFC 4514 section 2.1. */
export function formatName(name: DistinguishedName): string {
  return [...name]
    .reverse()
    .map(({ type, value }) => `${type}=${/[,+"\\<>;=]|^[ #]| $/.test(value) ? JSON.stringify(value) : value}`)
    .join(', ')
}

/** The last common name, or else the whole name: what a list shows. */
export function commonName(name: DistinguishedName): string {
  return name.findLast(({ type }) => type === 'CN')?.value ?? (formatName(name) || '(no name)')
}
