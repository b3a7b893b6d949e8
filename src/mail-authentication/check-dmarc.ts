import { createHash } from 'node:crypto'
import type { DmarcResult, SpfResult } from '../mail/authentication-results.ts'
import { asciiDomain, isWithin } from './author.ts'
import type { SignatureResult } from './check-signatures.ts'
import type { MailauthPackage } from './mailauth.ts'
import type { NameLookup } from './names.ts'
import { parseTags } from './tag-list.ts'

type FoundDmarc = Exclude<Awaited<ReturnType<MailauthPackage['dmarc']>>, false>
type Policy = NonNullable<DmarcResult['policy']>

/** DMARC of a message, and what later checks need of it. */
export interface DmarcCheck {
  readonly result: DmarcResult
  /** The domain whose subdomains belong together. RFC 7489 section 3.2. */
  readonly organization: string
  /** Returns whether a domain that signs belongs to the author domain. RFC 7489 section 3.1.1. */
  readonly isAligned: (domain: string) => boolean
  /** What the package has found. */
  readonly found: FoundDmarc | undefined
}

/**
 * Checks the author domain of a message. RFC 7489 section 6.6.2.
 * @param header selects the messages that the policy applies to, if it applies to a part of them
 */
export async function checkDmarc(
  mailauth: MailauthPackage | undefined,
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
  const without = (result: DmarcResult): DmarcCheck => ({
    result,
    organization: author,
    isAligned: (domain) => author !== '' && others.length === 0 && isWithin(domain, author),
    found: undefined,
  })
  // RFC 7489 section 6.6.1
  if (author === '') return without({ ...none, result: 'permerror', reason: 'the message has no author domain' })
  if (others.length > 0)
    return without({ ...none, result: 'permerror', reason: 'the message has several author domains' })
  if (!mailauth) return without({ ...none, result: 'none' })
  const spfDomains = spf.result === 'pass' ? [asciiDomain(spf.domain)] : []
  const dkimDomains = dkim.filter(({ result }) => result === 'pass').map(({ domain }) => asciiDomain(domain))
  const found = await mailauth.dmarc({
    headerFrom: [`author@${author}`],
    spfDomains,
    dkimDomains: dkimDomains.map((domain) => ({ domain })),
    resolver: lookUp as NonNullable<Parameters<MailauthPackage['dmarc']>[0]['resolver']>,
  })
  if (!found) return without({ ...none, result: 'permerror', reason: 'the From field cannot be read' })
  const organization = asciiDomain(found.domain)
  const { rr: record } = found
  const tags = record === undefined ? undefined : parseTags(record)
  // The package takes a strict alignment for a relaxed one. RFC 7489 section 3.1
  const alignment = (tag: string): ((domain: string) => boolean) =>
    tags?.get(tag)?.trim().toLowerCase() === 's'
      ? (domain) => domain === author
      : (domain) => isWithin(domain, organization)
  const isAligned = alignment('adkim')
  const check = (result: DmarcResult): DmarcCheck => ({ result, organization, isAligned, found })
  if (record === undefined) {
    const { result } = found.status
    return check({ ...none, result: result === 'temperror' ? 'temperror' : 'none', ...reasonOf(found.error) })
  }
  const policy = policyOf(found.policy)
  const isReported = /^mailto:|,mailto:/i.test(tags?.get('rua') ?? '')
  // RFC 7489 section 6.6.3
  if (!policy && !isReported)
    return check({ ...none, result: 'permerror', reason: 'the record has no valid policy', record })
  const spfAligned = spfDomains.some(alignment('aspf'))
  const dkimAligned = dkimDomains.some(isAligned)
  const percent = percentOf(tags?.get('pct'))
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

const reasonOf = (reason: string | undefined) => (reason === undefined ? {} : { reason })

function policyOf(text: string | undefined): Policy | undefined {
  const policy = text?.trim().toLowerCase()
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
