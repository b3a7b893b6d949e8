import { isIP } from 'node:net'
import type { SpfResult } from '../../mail/format/authentication-results.ts'
import { asciiDomain } from './author.ts'
import type { NameLookup } from './names.ts'
import { checkHost, type SpfEvaluation } from './spf/evaluate.ts'

/** The sender of a message, as SMTP knows it. */
export interface SenderFacts {
  /** The reverse-path without angle brackets. */
  readonly mailFrom: string
  /** The client; undefined for mail that did not come by SMTP. */
  readonly client?: { readonly address: string; readonly helo: string } | undefined
}

/** Checks a client by the SPF record of MAIL FROM, or of HELO for the null reverse-path. RFC 7208 section 2.4. */
export async function checkSpf(
  { mailFrom, client }: SenderFacts,
  { hostname, at }: { readonly hostname: string; readonly at: number },
  lookUp: NameLookup,
): Promise<SpfResult> {
  const identity = mailFrom === '' ? 'helo' : 'mailfrom'
  const domain = (mailFrom === '' ? (client?.helo ?? '') : mailFrom.slice(mailFrom.lastIndexOf('@') + 1)).toLowerCase()
  const address = client?.address.replace(/^::ffff:(?=[\d.]+$)/i, '') ?? ''
  if (client === undefined || isIP(address) === 0) {
    return { result: 'none', reason: 'the address of the client is not known', domain, identity }
  }
  // RFC 7208 section 4.3
  const localPart = mailFrom.slice(0, Math.max(0, mailFrom.lastIndexOf('@'))) || 'postmaster'
  const query = { address, domain: asciiDomain(domain), sender: `${localPart}@${domain}` }
  const found = await checkHost({ ...query, helo: client.helo, receiver: hostname, at }, lookUp)
  return {
    result: found.result,
    reason: reasonOf(found, query),
    domain,
    identity,
    clientAddress: address,
    helo: client.helo,
    ...(found.record === undefined ? {} : { record: found.record }),
  }
}

function reasonOf(
  { result, problem, explanation }: SpfEvaluation,
  { address, domain, sender }: { readonly address: string; readonly domain: string; readonly sender: string },
): string {
  const reasons: Readonly<Record<SpfEvaluation['result'], string>> = {
    pass: `domain of ${sender} designates ${address} as permitted sender`,
    fail: `domain of ${sender} does not designate ${address} as permitted sender`,
    softfail: `domain of transitioning ${sender} does not designate ${address} as permitted sender`,
    neutral: `${address} is neither permitted nor denied by domain of ${sender}`,
    none: `${domain} does not designate permitted sender hosts`,
    permerror: `permanent error in processing during lookup of ${sender}: ${problem}`,
    temperror: `error in processing during lookup of ${sender}: ${problem}`,
  }
  return `${reasons[result]}${explanation === undefined ? '' : `; ${domain} explains: ${explanation}`}`
}
