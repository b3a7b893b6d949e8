import type { Account } from '../../src/accounts/directory/types.ts'
import { type ImapError, no } from './reply.ts'

/** Returns the refusal that refers a client to another server. RFC 2221 section 4, RFC 2193 section 4. */
const referralRefusal = (what: string, url: string): ImapError => no(`${what}. Try ${hostOf(url)}.`, `REFERRAL ${url}`)

const hostOf = (url: string): string => /^imap:\/\/(?:[^/@]*@)?([^/]*)/i.exec(url)?.[1] ?? url

/** Refers an account that has logged on to its server. @throws ImapError if it has another one. RFC 2221 section 4.1 */
export function checkLoginReferral({ referral }: Account): void {
  if (referral !== undefined) throw referralRefusal('The account is on another server', referral)
}

/** Refers a client to the server of a mailbox. @throws ImapError if the mailbox is on another one. RFC 2193 section 4 */
export function checkMailboxReferral({ mailboxReferrals = {} }: Account, name: string): void {
  const url = Object.hasOwn(mailboxReferrals, name) ? mailboxReferrals[name] : undefined
  if (url !== undefined) throw referralRefusal('The mailbox is on another server', url)
}

/** Returns the names of an account's mailboxes on other servers. */
export const remoteMailboxes = ({ mailboxReferrals = {} }: Account): string[] => Object.keys(mailboxReferrals)
