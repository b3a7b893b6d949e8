import { splitAddress } from '../../../accounts/directory/names.ts'
import { parseAddresses } from '../../../mail/format/addresses.ts'
import { headerFields, headerValues } from '../../../mail/format/headers.ts'
import { headerOf } from './parts.ts'

/** The header of a message, and its return path. */
interface Received {
  readonly mailFrom: string
  readonly message: Buffer
}

/** Senders that no program may answer. RFC 3834 section 2, RFC 5230 section 4.6. */
const MACHINES =
  /^(?:mailer-daemon|postmaster|listserv|majordomo|owner-.*|.*-(?:owner|request|bounces?|relay)|(?:.*[-_.])?(?:no|do-?not|dont)[-_.]?reply(?:[-_.].*)?)$/i

/** Fields of mailing lists. RFC 2369, RFC 2919. */
const LIST_FIELDS = /^list-(?:id|help|subscribe|unsubscribe|post|owner|archive)$/

/** Fields that forbid an automatic answer, each with a test of its value. */
const FORBIDDING: ReadonlyMap<string, (value: string) => boolean> = new Map([
  ['auto-submitted', (value: string) => !/^no\b/i.test(value)], // RFC 3834 section 5
  ['precedence', (value: string) => /^(?:bulk|junk|list)\b/i.test(value)],
  // [MS-OXCMAIL] section 2.2.3.2.14: the types of automatic answers that the sender does not want
  ['x-auto-response-suppress', (value: string) => /\b(?:all|oof)\b/i.test(value)],
])

/** Returns why no program may answer a message; undefined if it may. RFC 3834 section 2. */
export function whyNoAnswer({ mailFrom, message }: Received): string | undefined {
  if (mailFrom === '') return 'the return path is empty'
  if (MACHINES.test(splitAddress(mailFrom).localPart)) return 'the sender is a program'
  const header = headerOf(message)
  const fields = headerFields(header)
  if (fields.some(({ nameLower }) => LIST_FIELDS.test(nameLower))) return 'the message comes from a mailing list'
  for (const [name, forbids] of FORBIDDING) {
    if (headerValues(header, fields, name).some(forbids)) return `its field ${name} forbids it`
  }
  return undefined
}

const RECIPIENT_FIELDS = ['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc']

/** Returns whether a message names one of the addresses as its recipient. RFC 3834 section 2. */
export function isAddressedTo(message: Buffer, isOwn: (address: string) => boolean): boolean {
  const header = headerOf(message)
  const fields = headerFields(header)
  return RECIPIENT_FIELDS.flatMap((name) => headerValues(header, fields, name))
    .flatMap(parseAddresses)
    .some(({ mailbox, host }) => host !== undefined && isOwn(Buffer.from(`${mailbox}@${host}`, 'latin1').toString()))
}
