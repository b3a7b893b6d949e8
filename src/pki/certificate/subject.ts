import type { AttributeType } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import type { DistinguishedName } from './names.ts'

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

/** ISO 3166-1 alpha-2. */
const codes =
  'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ ' +
  'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR ' +
  'GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP ' +
  'KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT ' +
  'MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW ' +
  'SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ ' +
  'UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW'

const known = new Set(codes.split(' '))

/** Codes that people write and that are not in the standard. */
const meant: Record<string, string> = { UK: 'GB', EN: 'GB', JA: 'JP', EL: 'GR', SU: 'RU' }

export const isCountry = (code: string): boolean => known.has(code)

/** The code that was probably meant. */
export function likelyCountry(code: string): string | undefined {
  const upper = code.toUpperCase()
  return meant[upper] ?? (known.has(upper) ? upper : undefined)
}
