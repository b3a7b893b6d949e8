import { createHash } from 'node:crypto'
import type { DmarcResult, SpfResult } from '../../mail/format/authentication-results.ts'
import { asciiDomain } from './author.ts'
import type { SignatureResult } from './check-signatures.ts'
import { LookupError, type NameLookup } from './names.ts'

type Policy = NonNullable<DmarcResult['policy']>

/** DMARC of a message, and what later checks need of it. */
export interface DmarcCheck {
  readonly result: DmarcResult
  /** The domain whose subdomains belong together. RFC 7489 section 3.2. */
  readonly organization: string
  /** Returns whether a domain that signs belongs to the author domain. RFC 7489 section 3.1.1. */
  readonly isAligned: (domain: string) => Promise<boolean>
}

/**
 * Checks the author domain of a message. RFC 7489 section 6.6.2.
 * @param header selects the messages that the policy applies to, if it applies to a part of them
 */
export async function checkDmarc(
  authors: readonly string[],
  {
    spf,
    dkim,
    header,
  }: { readonly spf: SpfResult; readonly dkim: readonly SignatureResult[]; readonly header: Buffer },
  lookUp: NameLookup,
): Promise<DmarcCheck> {
  const [author = '', ...others] = authors
  const none = { domain: author, spfAligned: false, dkimAligned: false }
  const without = (reason: string): DmarcCheck => ({
    result: { ...none, result: 'permerror', reason },
    organization: author,
    isAligned: async () => false,
  })
  // RFC 7489 section 6.6.1
  if (author === '') return without('the message has no author domain')
  if (others.length > 0) return without('the message has several author domains')
  const organization = await organizationOf(author)
  let found: Awaited<ReturnType<typeof recordsFor>>
  try {
    found = await recordsFor(author, organization, lookUp)
  } catch (error) {
    if (!(error instanceof LookupError)) throw error
    const result = { ...none, result: 'temperror', reason: error.message } as const
    return { result, organization, isAligned: alignment(undefined, author, organization) }
  }
  const [record, ...more] = found.records
  const tags = tagsOf(more.length === 0 ? (record ?? '') : '')
  const isAligned = alignment(tags.get('adkim'), author, organization)
  const check = (result: DmarcResult): DmarcCheck => ({ result, organization, isAligned })
  if (record === undefined) return check({ ...none, result: 'none' })
  // RFC 7489 section 6.6.3 step 5
  if (more.length > 0) return check({ ...none, result: 'none', reason: `${found.domain} has several DMARC records` })
  const policy = policyOf((found.domain === author ? undefined : tags.get('sp')) || tags.get('p'))
  const isReported = /^mailto:|,mailto:/i.test(tags.get('rua') ?? '')
  // RFC 7489 section 6.6.3
  if (!policy && !isReported)
    return check({ ...none, result: 'permerror', reason: 'the record has no valid policy', record })
  const isSenderAligned = alignment(tags.get('aspf'), author, organization)
  const spfAligned = spf.result === 'pass' && (await isSenderAligned(asciiDomain(spf.domain)))
  const passed = dkim.filter(({ result }) => result === 'pass')
  const dkimAligned = (await Promise.all(passed.map(({ domain }) => isAligned(asciiDomain(domain))))).includes(true)
  const percent = percentOf(tags.get('pct'))
  const isPass = spfAligned || dkimAligned
  return check({
    result: isPass ? 'pass' : 'fail',
    domain: author,
    policy: policy ?? 'none',
    disposition: isPass ? 'none' : dispositionOf(policy ?? 'none', percent, header),
    ...(percent < 100 ? { percent } : {}),
    spfAligned,
    dkimAligned,
    record,
    ...(isPass ? {} : { reason: `neither SPF nor DKIM passes for ${author}` }),
  })
}

/** Returns the organizational domain, by the public suffix list. RFC 7489 section 3.2. */
async function organizationOf(domain: string): Promise<string> {
  // Such a domain is one, or a public suffix: the list is not needed.
  if (domain.split('.').length <= 2) return domain
  const { getDomain } = await import('tldts')
  return getDomain(domain, { allowPrivateDomains: true, extractHostname: false }) ?? domain
}

/** Returns the DMARC records of the author domain; if it has none, of its organization. RFC 7489 section 6.6.3. @throws LookupError */
async function recordsFor(author: string, organization: string, lookUp: NameLookup) {
  for (const domain of new Set([author, organization])) {
    const texts = (await lookUp(`_dmarc.${domain}`, 'TXT')).map((text) => text.trim())
    const records = texts.filter((text) => /^v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/.test(text))
    if (records.length > 0) return { domain, records }
  }
  return { domain: author, records: [] }
}

/** Returns the tags of a record, with names in lower case. Syntax errors are ignored. RFC 7489 section 6.6.3. */
function tagsOf(record: string): ReadonlyMap<string, string> {
  const tags = record.split(';').map((tag): [string, string] => {
    const [name = '', ...value] = tag.split('=')
    return [name.trim().toLowerCase(), value.join('=').trim()]
  })
  return new Map(tags)
}

/** Returns whether domains belong to the author domain. RFC 7489 section 3.1. */
const alignment =
  (mode: string | undefined, author: string, organization: string): DmarcCheck['isAligned'] =>
  async (domain) =>
    mode?.toLowerCase() === 's' ? domain === author : (await organizationOf(domain)) === organization

function policyOf(text: string | undefined): Policy | undefined {
  const policy = text?.toLowerCase()
  return policy === 'none' || policy === 'quarantine' || policy === 'reject' ? policy : undefined
}

const percentOf = (text: string | undefined): number => {
  const percent = /^\d{1,3}$/.test(text ?? '') ? Number(text) : 100
  return Math.min(100, percent)
}

const MILDER: Readonly<Record<Policy, Policy>> = { reject: 'quarantine', quarantine: 'none', none: 'none' }

/** Returns what happens to a failing message. Those beyond the percentage get the next milder policy. RFC 7489 section 6.6.4. */
function dispositionOf(policy: Policy, percent: number, header: Buffer): Policy {
  if (percent >= 100) return policy
  // The same message is always treated alike.
  const sample = createHash('sha256').update(header).digest().readUInt32BE(0) % 100
  return sample < percent ? policy : MILDER[policy]
}
