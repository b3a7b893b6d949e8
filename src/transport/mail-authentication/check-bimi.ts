import type { BimiResult } from '../../mail/format/authentication-results.ts'
import { authorsIn } from './author.ts'
import { type Asked, findAssertion } from './bimi/assertion.ts'
import { BimiFailure } from './bimi/failure.ts'
import { type IndicatorRules, indicatorOf } from './bimi/indicator.ts'
import { type DmarcCheck, tagsOf } from './check-dmarc.ts'
import { LookupError, type NameLookup } from './names.ts'
import { type Field, fieldValue } from './signed-fields.ts'
import { parseTags } from './tag-list.ts'

/** A message, as far as BIMI needs it. */
interface BimiMessage {
  readonly fields: readonly Field[]
  /** Whether a signature that DMARC relies on covers BIMI-Selector. */
  readonly isSelectorSigned: boolean
}

/**
 * Checks the brand indicator of the author domain. draft-brand-indicators-for-message-identification-12 section 8.
 * @param rules undefined: the record is read, and nothing is fetched
 */
export async function checkBimi(
  dmarc: DmarcCheck,
  message: BimiMessage,
  lookUp: NameLookup,
  rules: (() => Promise<IndicatorRules>) | undefined,
): Promise<BimiResult> {
  try {
    const authors = authorsIn(message.fields)
    const why = await whySkipped(dmarc, message, authors.length, lookUp)
    if (why !== undefined) return { result: 'skipped', reason: why }
    const asked: Asked = {
      author: dmarc.result.domain,
      localPart: authors[0]?.localPart ?? '',
      organization: dmarc.organization,
      selector: selectorOf(message),
    }
    const found = await findAssertion(asked, lookUp)
    if (!found) return { result: 'none' }
    if (found.location === undefined) return { ...found, result: 'declined' }
    return rules ? { ...found, ...(await indicatorOf(found, asked, await rules())) } : { ...found, result: 'pass' }
  } catch (error) {
    if (!(error instanceof BimiFailure)) throw error
    return { result: error.result, reason: error.message }
  }
}

/** Returns why BIMI does not apply to a message; undefined if it does. Section 8.1. */
async function whySkipped(
  { result: dmarc, organization }: DmarcCheck,
  { fields }: BimiMessage,
  authors: number,
  lookUp: NameLookup,
): Promise<string | undefined> {
  if (dmarc.result === 'none') return 'the domain has no DMARC record'
  if (dmarc.result !== 'pass') return 'DMARC does not pass'
  const froms = fields.filter(({ nameLower }) => nameLower === 'from')
  if (froms.length > 1 || authors > 1) return 'the message has several authors'
  const { policy, percent = 100, record = '', policyDomain } = dmarc
  const isLax = (text: string): boolean => ['p', 'sp'].some((tag) => tagsOf(text).get(tag)?.toLowerCase() === 'none')
  // The policy of the organization counts too, where a subdomain has its own.
  const above = policyDomain === organization ? [] : await dmarcRecords(organization, lookUp)
  const isPartial = policy === 'quarantine' && percent < 100
  return policy === 'none' || isPartial || [record, ...above].some(isLax) ? 'too lax DMARC policy' : undefined
}

async function dmarcRecords(domain: string, lookUp: NameLookup): Promise<readonly string[]> {
  try {
    return (await lookUp(`_dmarc.${domain}`, 'TXT')).filter((text) => /^v\s*=\s*DMARC1\s*;/.test(text))
  } catch (error) {
    if (!(error instanceof LookupError)) throw error
    throw new BimiFailure(`failed to resolve _dmarc.${domain}`, 'temperror')
  }
}

const SELECTOR = /^[a-z\d](?:[a-z\d-]*[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]*[a-z\d])?)*$/i

/** Returns the selector that a message names. A field that is not signed or has an error is ignored. Sections 6.1 and 6.5. */
function selectorOf({ fields, isSelectorSigned }: BimiMessage): string {
  const [field, ...others] = fields.filter(({ nameLower }) => nameLower === 'bimi-selector')
  const tags = field && others.length === 0 && isSelectorSigned ? parseTags(fieldValue(field)) : undefined
  const selector = tags?.get('s') ?? ''
  return tags?.get('v') === 'BIMI1' && SELECTOR.test(selector) ? selector.toLowerCase() : 'default'
}
