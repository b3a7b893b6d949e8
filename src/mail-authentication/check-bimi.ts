import type { BimiResult } from '../mail/authentication-results.ts'
import { headersOf } from './check-arc.ts'
import type { DmarcCheck } from './check-dmarc.ts'
import type { MailauthPackage } from './mailauth.ts'
import type { NameLookup } from './names.ts'
import type { Field } from './signed-fields.ts'

/** Reads the BIMI record of the author domain. The logo and its certificate are not fetched: the lab asks nobody outside. */
export async function checkBimi(
  mailauth: MailauthPackage | undefined,
  { result: dmarc, organization, found }: DmarcCheck,
  fields: readonly Field[],
  lookUp: NameLookup,
): Promise<BimiResult> {
  if (!mailauth || !found || dmarc.result !== 'pass') {
    return {
      result: 'skipped',
      reason: dmarc.result === 'none' ? 'the domain has no DMARC record' : 'DMARC does not pass',
    }
  }
  const bimi = await mailauth.bimi({
    dmarc: {
      ...found,
      domain: organization,
      policy: dmarc.policy ?? 'none',
      ...(dmarc.percent === undefined ? {} : { pct: dmarc.percent }),
      status: { ...found.status, result: 'pass', header: { ...found.status.header, from: dmarc.domain } },
    },
    headers: headersOf(fields.filter(({ nameLower }) => nameLower === 'bimi-selector')),
    resolver: lookUp as never,
  })
  if (!bimi) return { result: 'none' }
  const { result, comment, header } = bimi.status
  const selector = header?.selector as string | undefined
  const domain = header?.d as string | undefined
  return {
    result: result === 'temperr' ? 'temperror' : result,
    ...(comment ? { reason: comment } : {}),
    ...(domain ? { domain } : {}),
    ...(selector ? { selector } : {}),
    ...(bimi.location ? { location: bimi.location } : {}),
    ...(bimi.authority ? { authority: bimi.authority } : {}),
  }
}
