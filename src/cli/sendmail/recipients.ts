import { MISSING_DOMAIN, MISSING_MAILBOX, parseAllAddresses, SYNTAX_ERROR } from '../../mail/format/addresses.ts'
import type { Address, OctetString } from '../../mail/format/types.ts'
import { exitStatus, SendmailError } from './exit-status.ts'

/** RFC 5322 section 3.2.3, with UTF-8. */
const DOT_ATOM = /^[^\s()<>[\]:;@\\,."\p{Cc}]+(?:\.[^\s()<>[\]:;@\\,."\p{Cc}]+)*$/u

/**
 * Returns the addresses of a list. Names without a domain get `domain`, as local users do with every sendmail.
 * @param place where the list is, for errors
 * @throws SendmailError if an address cannot be read: no recipient may be lost
 */
export function parseRecipients(list: OctetString, domain: string, place: string): string[] {
  const found = parseAllAddresses(list)
  if (!found) throw unreadableList(list, place)
  // The name and the end of a group have no host.
  return found.flatMap((address) => (address.host === undefined ? [] : [completeAddress(address, domain, list, place)]))
}

function completeAddress(
  { name, mailbox = '', host }: Address,
  domain: string,
  list: OctetString,
  place: string,
): string {
  if (host === SYNTAX_ERROR) throw unreadableList(list, place)
  if (mailbox === MISSING_MAILBOX) {
    // A word alone is a local user.
    if (name === undefined || host !== MISSING_DOMAIN || /\s/.test(name)) throw unreadableList(list, place)
    return `${localPart(name)}@${domain}`
  }
  return `${localPart(mailbox)}@${host === MISSING_DOMAIN ? domain : utf8(host ?? '')}`
}

function localPart(octets: OctetString): string {
  const text = utf8(octets)
  return DOT_ATOM.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"` // RFC 5321 section 4.1.2
}

const utf8 = (octets: OctetString): string => Buffer.from(octets, 'latin1').toString()

const unreadableList = (list: OctetString, place: string): SendmailError =>
  new SendmailError(exitStatus.dataError, `${place} has an address that cannot be read: ${utf8(list).slice(0, 200)}`)
