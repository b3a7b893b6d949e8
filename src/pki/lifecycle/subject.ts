import type { AttributeType } from '../asn1/oids.ts'
import { PkiError } from '../errors.ts'
import type { DistinguishedName } from '../x509/name.ts'
import { isCountry, likelyCountry } from './countries.ts'

/** What the certificate wizard asks of the owner. */
export interface SubjectFields {
  readonly commonName?: string
  readonly organization?: string
  readonly organizationalUnit?: string
  readonly country?: string
  readonly state?: string
  readonly locality?: string
  readonly email?: string
}

/** Order in the name, and the longest value. RFC 5280 appendix A.1. */
const rows: readonly { field: keyof SubjectFields; type: AttributeType; longest: number; title: string }[] = [
  { field: 'country', type: 'C', longest: 2, title: 'country' },
  { field: 'state', type: 'ST', longest: 128, title: 'state or province' },
  { field: 'locality', type: 'L', longest: 128, title: 'locality' },
  { field: 'organization', type: 'O', longest: 64, title: 'organization' },
  { field: 'organizationalUnit', type: 'OU', longest: 64, title: 'organizational unit' },
  { field: 'commonName', type: 'CN', longest: 64, title: 'common name' },
  { field: 'email', type: 'emailAddress', longest: 255, title: 'mail address' },
]

/** @throws PkiError `refused` for a country that is not in ISO 3166 */
export function checkCountry(code: string): void {
  if (isCountry(code)) return
  const likely = likelyCountry(code)
  const hint = likely ? `; ${likely} may be meant` : ', as JP or US'
  throw new PkiError('refused', `"${code}" is not a country of ISO 3166: two capital letters${hint}`)
}

/** The distinguished name of the fields that are given. @throws PkiError `refused` for a value that cannot stand there */
export function subjectName(fields: SubjectFields): DistinguishedName {
  if (fields.country) checkCountry(fields.country)
  return rows.flatMap(({ field, type, longest, title }) => {
    const value = fields[field]?.trim()
    if (!value) return []
    if (value.length > longest) throw new PkiError('refused', `the ${title} is longer than ${longest} characters`)
    return [{ type, value }]
  })
}
