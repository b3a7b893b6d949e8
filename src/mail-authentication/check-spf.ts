import { isIP } from 'node:net'
import type { AuthenticationResult, SpfResult } from '../mail/authentication-results.ts'
import type { MailauthPackage } from './mailauth.ts'
import type { NameLookup } from './names.ts'

/** Who sent a message, as SMTP knows it. */
export interface SenderFacts {
  /** The reverse-path without angle brackets. */
  readonly mailFrom: string
  /** The client; undefined for mail that did not come by SMTP. */
  readonly client?: { readonly address: string; readonly helo: string } | undefined
}

/** Checks a client by the SPF record of MAIL FROM, or of HELO for the null reverse-path. RFC 7208 section 2.4. */
export async function checkSpf(
  mailauth: MailauthPackage | undefined,
  { mailFrom, client }: SenderFacts,
  hostname: string,
  lookUp: NameLookup,
): Promise<SpfResult> {
  const identity = mailFrom === '' ? 'helo' : 'mailfrom'
  const domain = mailFrom === '' ? (client?.helo ?? '') : mailFrom.slice(mailFrom.lastIndexOf('@') + 1)
  const address = client?.address.replace(/^::ffff:(?=[\d.]+$)/i, '') ?? ''
  if (client === undefined || isIP(address) === 0) {
    return { result: 'none', reason: 'the address of the client is not known', domain, identity }
  }
  const facts = { identity, clientAddress: address, helo: client.helo } as const
  if (!mailauth) return { result: 'none', reason: `no SPF record of ${domain}`, domain, ...facts }
  const found = await mailauth.spf({
    sender: mailFrom,
    ip: address,
    helo: client.helo,
    mta: hostname,
    resolver: lookUp as NonNullable<Parameters<MailauthPackage['spf']>[0]['resolver']>,
  })
  const { result, comment } = found.status
  const reason = comment?.replace(`${hostname}: `, '')
  return {
    result: result as AuthenticationResult,
    ...(reason ? { reason } : {}),
    domain: found.domain,
    ...facts,
    ...(found.rr ? { record: found.rr } : {}),
  }
}
