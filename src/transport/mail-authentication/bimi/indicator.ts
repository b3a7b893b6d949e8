import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { BimiResult } from '../../../mail/format/authentication-results.ts'
import type { Asked, Assertion } from './assertion.ts'
import { BimiFailure } from './failure.ts'
import { type FetchRules, fetchDocument } from './fetch.ts'
import { checkLogo, MAX_LOGO_OCTETS } from './logo.ts'
import { checkMark, type MarkTrust } from './mark-certificate.ts'

/** Largest evidence document: a chain of which one certificate contains a logo. */
const MAX_EVIDENCE_OCTETS = 256 * 1024

/** How the logos of senders are fetched and checked. */
export interface IndicatorRules {
  readonly fetching: FetchRules
  readonly trust: MarkTrust
  /** Whether a logo needs a mark certificate, as at Gmail and Apple. */
  readonly needsEvidence: boolean
}

type Indicator = Omit<BimiResult, 'result'>

/** Fetches and checks what a record names. draft-brand-indicators-for-message-identification-12 sections 8.3 to 8.6. */
export async function indicatorOf(
  { location = '', authority, ...place }: Assertion,
  { author, organization }: Asked,
  { fetching, trust, needsEvidence }: IndicatorRules,
): Promise<Indicator & Pick<BimiResult, 'result'>> {
  let evidence: NonNullable<BimiResult['evidence']> = authority === undefined ? 'none' : 'fail'
  try {
    if (needsEvidence && authority === undefined) throw new BimiFailure('the record names no mark certificate in a=')
    const names = [place.domain, author, organization].flatMap((one) => [one, `${place.selector}._bimi.${one}`])
    const mark =
      authority === undefined
        ? undefined
        : await checkMark(String(await fetchDocument(authority, MAX_EVIDENCE_OCTETS, fetching)), names, trust)
    if (mark) evidence = 'pass'
    const logo = await decompressSvg(await fetchDocument(location, MAX_LOGO_OCTETS, fetching))
    if (mark && !mark.logo.equals(logo)) throw new BimiFailure('the logo is not the one in the mark certificate')
    const warning = checkLogo(logo)
    return {
      result: 'pass',
      ...(warning === undefined ? {} : { reason: warning }),
      evidence,
      ...(mark?.type === undefined ? {} : { markType: mark.type }),
      indicator: logo.toString('base64'),
      indicatorHash: createHash('sha256').update(logo).digest('hex'),
    }
  } catch (error) {
    if (!(error instanceof BimiFailure)) throw error
    return { result: error.result, reason: error.message, evidence }
  }
}

/** Decompresses SVGZ. RFC 6170 section 5.2. @throws BimiFailure */
async function decompressSvg(octets: Buffer): Promise<Buffer> {
  if (octets[0] !== 0x1f || octets[1] !== 0x8b) return octets
  try {
    return await promisify(gunzip)(octets, { maxOutputLength: MAX_LOGO_OCTETS })
  } catch (cause) {
    throw new BimiFailure(`the logo cannot be decompressed: ${(cause as Error).message}`, 'fail', { cause })
  }
}
