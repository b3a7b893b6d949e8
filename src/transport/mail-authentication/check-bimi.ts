import type { BimiResult } from '../../mail/format/authentication-results.ts'
import type { DmarcCheck } from './check-dmarc.ts'
import { LookupError, type NameLookup } from './names.ts'
import { type Field, valueOf } from './signed-fields.ts'
import { parseTags } from './tag-list.ts'

/**
 * Reads the BIMI record of the author domain. The logo and its certificate are not fetched: the lab asks nobody outside.
 * draft-brand-indicators-for-message-identification section 7
 */
export async function checkBimi(
  { result: dmarc, organization }: DmarcCheck,
  fields: readonly Field[],
  lookUp: NameLookup,
): Promise<BimiResult> {
  const skipped = (reason: string): BimiResult => ({ result: 'skipped', reason })
  if (dmarc.result === 'none') return skipped('the domain has no DMARC record')
  if (dmarc.result !== 'pass') return skipped('DMARC does not pass')
  const { policy, percent = 100, domain: author } = dmarc
  if (policy === 'none' || (policy === 'quarantine' && percent < 100)) return skipped('too lax DMARC policy')
  const [wanted, ...others] = fields.filter(({ nameLower }) => nameLower === 'bimi-selector')
  if (others.length > 0) return { result: 'fail', reason: 'multiple BIMI-Selector headers' }
  const tags = wanted && parseTags(valueOf(wanted))
  if (wanted && !isBimi(tags?.get('v'))) return { result: 'fail', reason: 'missing bimi version in selector header' }
  const selector = tags?.get('s') || 'default'
  for (const place of [
    { selector, domain: author },
    { selector: 'default', domain: organization },
  ]) {
    const name = `${place.selector}._bimi.${place.domain}`
    try {
      const [record, ...more] = await lookUp(name, 'TXT')
      if (more.length > 0) return { result: 'temperror', reason: `invalid BIMI response for ${name}` }
      if (record !== undefined) return { ...place, ...readRecord(record) }
    } catch (error) {
      if (!(error instanceof LookupError)) throw error
      return { result: 'temperror', reason: `failed to resolve ${name}` }
    }
  }
  return { result: 'none' }
}

const isBimi = (version: string | undefined): boolean => version?.toLowerCase() === 'bimi1'

function readRecord(record: string): BimiResult {
  const fail = (reason: string): BimiResult => ({ result: 'fail', reason })
  const tags = parseTags(record)
  if (!isBimi(tags?.get('v'))) return fail('missing bimi version in dns record')
  const location = tags?.get('l') ?? ''
  const authority = tags?.get('a') ?? ''
  if (location === '' && authority === '') return fail('missing location value in dns record')
  if (!isHttps(location)) return fail('invalid location value in dns record')
  if (!isHttps(authority)) return fail('invalid authority value in dns record')
  return { result: 'pass', ...(location ? { location } : {}), ...(authority ? { authority } : {}) }
}

const isHttps = (text: string): boolean => text === '' || (URL.canParse(text) && /^https:\/\//i.test(text))
