import type { AttributeType } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import type { DistinguishedName } from './names.ts'
import { mailAddress, refuseBadText } from './values.ts'

/** The owner of a certificate, as named in a request. */
export interface SubjectFields {
  readonly commonName?: string
  readonly organization?: string
  readonly organizationalUnit?: string
  readonly country?: string
  readonly state?: string
  readonly locality?: string
  readonly email?: string
}

/** In the order of the distinguished name, with the maximum length of each value. RFC 5280 appendix A.1. */
const attributes: readonly { field: keyof SubjectFields; type: AttributeType; maxLength: number; title: string }[] = [
  { field: 'country', type: 'C', maxLength: 2, title: 'country' },
  { field: 'state', type: 'ST', maxLength: 128, title: 'state or province' },
  { field: 'locality', type: 'L', maxLength: 128, title: 'locality' },
  { field: 'organization', type: 'O', maxLength: 64, title: 'organization' },
  { field: 'organizationalUnit', type: 'OU', maxLength: 64, title: 'organizational unit' },
  { field: 'commonName', type: 'CN', maxLength: 64, title: 'common name' },
  { field: 'email', type: 'emailAddress', maxLength: 255, title: 'email address' },
]

/** Returns the distinguished name with the fields given. @throws PkiError `refused` for an invalid value */
export function subjectName(fields: SubjectFields): DistinguishedName {
  if (fields.country) checkCountry(fields.country)
  return attributes.flatMap(({ field, type, maxLength, title }) => {
    const given = fields[field]
    // An empty common name would silently become another one; other fields may be left empty.
    if (given === undefined || (given.trim() === '' && field !== 'commonName')) return []
    refuseBadText(`the ${title}`, given)
    const value = field === 'email' ? mailAddress(given.trim()) : given.trim()
    if (value.length > maxLength) {
      throw new PkiError('refused', `the ${title} is longer than ${maxLength} characters`)
    }
    return [{ type, value }]
  })
}

/** Checks a subject that a request encodes. @throws PkiError `refused` for control characters and mail addresses that are not ASCII */
export function checkSubject(name: DistinguishedName): void {
  for (const { type, value } of name) {
    if (value.trim() === '') continue
    refuseBadText(`${type} in the subject`, value)
    if (type === 'emailAddress') mailAddress(value)
  }
}

/** Checks that a country code is in ISO 3166. @throws PkiError `refused` */
export function checkCountry(code: string): void {
  if (countryCodes.has(code)) return
  const likely = likelyCountry(code)
  const hint = likely ? `did you mean ${likely}?` : 'examples: JP, US'
  throw new PkiError('refused', `"${code}" is not a country code of ISO 3166 (two capital letters); ${hint}`)
}

function likelyCountry(code: string): string | undefined {
  const upper = code.toUpperCase()
  return commonMistakes[upper] ?? (countryCodes.has(upper) ? upper : undefined)
}

/** Codes that people write but that are not in the standard. */
const commonMistakes: Record<string, string> = { UK: 'GB', EN: 'GB', JA: 'JP', EL: 'GR', SU: 'RU' }

/** ISO 3166-1 alpha-2. */
const countryCodes = new Set(
  (
    'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ ' +
    'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR ' +
    'GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP ' +
    'KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT ' +
    'MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW ' +
    'SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ ' +
    'UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW'
  ).split(' '),
)
