import { createHash } from 'node:crypto'
import type { DmarcEdition } from '../../core/config/schema/mail-authentication.ts'
import type { DmarcResult, SpfResult } from '../../mail/format/authentication-results.ts'
import { asciiDomain } from './author.ts'
import type { SignatureResult } from './check-signatures.ts'
import { type Discovery, discoveries } from './dmarc-discovery.ts'
import { LookupError, type NameLookup } from './names.ts'

type Policy = NonNullable<DmarcResult['policy']>

/** DMARC of a message, and what later checks need of it. */
export interface DmarcCheck {
  readonly result: DmarcResult
  /** The domain whose subdomains belong together. RFC 9989 section 4.10.2, RFC 7489 section 3.2. */
  readonly organization: string
  /** Returns whether a domain that signs belongs to the author domain. RFC 9989 section 4.4. */
  readonly isAligned: (domain: string) => Promise<boolean>
}

/**
 * Checks the author domain of a message. RFC 9989 section 5.3, RFC 7489 section 6.6.2.
 * @param header selects the messages that the policy applies to, if it applies to a part of them (RFC 7489)
 */
export async function checkDmarc(
  authors: readonly string[],
  {
    spf,
    dkim,
    header,
  }: { readonly spf: SpfResult; readonly dkim: readonly SignatureResult[]; readonly header: Buffer },
  lookUp: NameLookup,
  edition: DmarcEdition,
): Promise<DmarcCheck> {
  const [author = '', ...others] = authors
  const none = { domain: author, spfAligned: false, dkimAligned: false }
  const without = (reason: string): DmarcCheck => ({
    result: { ...none, result: 'permerror', reason },
    organization: author,
    isAligned: async () => false,
  })
  // RFC 9989 section 5.3.1
  if (author === '') return without('the message has no author domain')
  if (others.length > 0) return without('the message has several author domains')
  const discovery = discoveries[edition](lookUp)
  let organization: string
  let found: Awaited<ReturnType<typeof discovery.recordsFor>>
  try {
    organization = await discovery.organizationOf(author)
    found = await discovery.recordsFor(author)
  } catch (error) {
    if (!(error instanceof LookupError)) throw error
    return { ...without(''), result: { ...none, result: 'temperror', reason: error.message } }
  }
  const alignment = (mode: string | undefined): DmarcCheck['isAligned'] =>
    alignmentOf(mode, author, organization, discovery)
  const [record, ...more] = found.records
  const tags = tagsOf(more.length === 0 ? (record ?? '') : '')
  const isAligned = alignment(tags.get('adkim'))
  const check = (result: DmarcResult): DmarcCheck => ({ result, organization, isAligned })
  if (record === undefined) return check({ ...none, result: 'none' })
  // RFC 9989 section 4.10, RFC 7489 section 6.6.3 step 5
  if (more.length > 0) return check({ ...none, result: 'none', reason: `${found.domain} has several DMARC records` })
  const isInherited = found.domain !== author
  const isMissing = isInherited && tags.has('np') && edition === 'rfc9989' && !(await exists(author, lookUp))
  const policy = policyOf((isMissing && tags.get('np')) || (isInherited && tags.get('sp')) || tags.get('p'))
  const isReported = /^mailto:|,mailto:/i.test(tags.get('rua') ?? '')
  // RFC 9989 section 4.7, RFC 7489 section 6.6.3
  if (!policy && !isReported)
    return check({ ...none, result: 'permerror', reason: 'the record has no valid policy', record })
  const isSenderAligned = alignment(tags.get('aspf'))
  const spfAligned = spf.result === 'pass' && (await isSenderAligned(asciiDomain(spf.domain)))
  const passed = dkim.filter(({ result }) => result === 'pass')
  const dkimAligned = (await Promise.all(passed.map(({ domain }) => isAligned(asciiDomain(domain))))).includes(true)
  // RFC 9989 section 4.7: `t=y` asks for the next milder policy. It replaces `pct`.
  const percent = edition === 'rfc7489' ? percentOf(tags.get('pct')) : tags.get('t')?.toLowerCase() === 'y' ? 0 : 100
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
    policyDomain: found.domain,
    ...(isPass ? {} : { reason: `neither SPF nor DKIM passes for ${author}` }),
  })
}

/** Returns the tags of a record, with names in lower case. Syntax errors are ignored. RFC 9989 section 4.7. */
export function tagsOf(record: string): ReadonlyMap<string, string> {
  const tags = record.split(';').map((tag): [string, string] => {
    const [name = '', ...value] = tag.split('=')
    return [name.trim().toLowerCase(), value.join('=').trim()]
  })
  return new Map(tags)
}

/** Returns whether domains belong to the author domain. RFC 9989 section 4.4, RFC 7489 section 3.1. */
const alignmentOf =
  (mode: string | undefined, author: string, organization: string, discovery: Discovery): DmarcCheck['isAligned'] =>
  async (domain) => {
    if (domain === author || mode?.toLowerCase() === 's') return domain === author
    try {
      return (await discovery.organizationOf(domain)) === organization
    } catch (error) {
      // Another domain's records cannot be looked up now: nothing shows that it belongs here.
      if (error instanceof LookupError) return false
      throw error
    }
  }

/** Returns whether a domain exists for DMARC: it has addresses or takes mail. RFC 9989 section 3.2.13. */
async function exists(domain: string, lookUp: NameLookup): Promise<boolean> {
  try {
    for (const type of ['A', 'AAAA', 'MX'] as const) if ((await lookUp(domain, type)).length > 0) return true
    return false
  } catch (error) {
    // Only an answer says that a name does not exist.
    if (error instanceof LookupError) return true
    throw error
  }
}

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
