import { isSliceOver, nextSlice, runInSlices } from '../../../src/core/time/time-slice.ts'
import { mediaTypeOf } from '../../../src/mail/format/body-lists.ts'
import { headerFields, unfoldValue } from '../../../src/mail/format/headers.ts'
import { partOctetsOrRaw } from '../../../src/mail/format/parts.ts'
import { parseInSteps } from '../../../src/mail/format/structure.ts'
import type { AccountHistory } from '../../../src/storage/store/views/account-history.ts'
import { octetsOfBlob } from './blobs.ts'
import { shownCopy } from './mails.ts'
import { type DeliveryStatus, type Submission, submissionsOf } from './submit.ts'
import type { MethodCall } from './types.ts'

/** A delivery report or an MDN. */
interface Report {
  readonly list: 'dsnBlobIds' | 'mdnBlobIds'
  /** The Message-IDs that it names. */
  readonly messageIds: ReadonlySet<string>
  readonly envelopeId: string | undefined
  /** The changed facts of recipients, by their addresses in lower case. */
  readonly results: ReadonlyMap<string, Partial<DeliveryStatus>>
}

/** A longer report is not read. */
const MAX_REPORT = 64 * 1024
/** RFC 3464 section 2.3.3. Other actions change nothing. */
const DELIVERED: Readonly<Record<string, Partial<DeliveryStatus>>> = {
  failed: { delivered: 'no' },
  delivered: { delivered: 'yes' },
}

/** The state of a history up to which reports were taken, and the Emails that were looked at. */
const looked = new WeakMap<AccountHistory, { state: number; readonly ids: Set<string> }>()

/** Records the reports that have arrived at the submissions that they are about. RFC 8621 section 7. @throws StoreError */
export async function takeReports(call: MethodCall): Promise<void> {
  const { history, store, account } = call.account
  const kept = submissionsOf(store, account.user)
  const state = await history.settled()
  const seen = looked.get(history) ?? { state: -1, ids: new Set<string>() }
  if (seen.state === state || (await kept.state()) === 0) return
  looked.set(history, seen)
  for (const mail of [...history.mails.values()]) {
    if (isSliceOver()) await nextSlice()
    const { entry } = shownCopy(mail) ?? {}
    // Reports have the null return path. RFC 3461 section 5.2.3, RFC 8098 section 3
    if (entry?.envelope?.mailFrom !== '' || seen.ids.has(mail.id)) continue
    using memory = call.api.lab.intake.memory.reservation('messages')
    memory.grow(2 * entry.sizeOctets)
    const raw = await octetsOfBlob(call, mail.id)
    const report = raw && (await reportIn(raw))
    for (const [id] of report ? await kept.get() : [])
      await kept.change(id, (one) => one && report && withReport(one, report, mail.id))
    seen.ids.add(mail.id)
  }
  seen.state = state
}

const idsIn = (text: string | undefined): readonly string[] => text?.match(/<[^<>\s]+>/g) ?? []

/** Returns the fields of a header by their names in lower case. Of several, the first. */
function fieldsOf(octets: Buffer): ReadonlyMap<string, string> {
  const all = headerFields(octets).map((one) => [one.nameLower, unfoldValue(octets, one).toString().trim()] as const)
  return new Map(all.reverse())
}

/** Parses a delivery report or an MDN. Returns undefined for any other message. RFC 3464 section 2, RFC 8098 section 3. */
async function reportIn(raw: Buffer): Promise<Report | undefined> {
  const structure = await runInSlices(parseInSteps(raw))
  const [, status, returned] = structure.children
  const [, kind] =
    /^message\/(?:global-)?(delivery-status|disposition-notification)$/.exec(status ? mediaTypeOf(status) : '') ?? []
  if (!status || !kind || status.bodyEnd - status.bodyStart > MAX_REPORT) return undefined
  const blocks = `${partOctetsOrRaw(raw, status)}`
    .split(/(?:\r?\n){2,}/)
    .map((one) => fieldsOf(Buffer.from(`${one}\r\n`)))
  const original = returned ? fieldsOf(partOctetsOrRaw(raw, returned)) : undefined
  const own = fieldsOf(raw)
  const results = blocks.flatMap((block) => {
    const isDisplayed = /;\s*displayed\b/i.test(block.get('disposition') ?? '')
    const result = isDisplayed ? ({ displayed: 'yes' } as const) : DELIVERED[block.get('action')?.toLowerCase() ?? '']
    const addresses = ['original-recipient', 'final-recipient'].map((name) => block.get(name)?.split(';')[1]?.trim())
    return result ? addresses.flatMap((one) => (one ? [[one.toLowerCase(), result] as const] : [])) : []
  })
  return {
    list: kind === 'delivery-status' ? 'dsnBlobIds' : 'mdnBlobIds',
    messageIds: new Set(
      [
        ...blocks.map((block) => block.get('original-message-id')),
        ...[original?.get('message-id'), own.get('in-reply-to'), own.get('references')],
      ].flatMap(idsIn),
    ),
    envelopeId: blocks[0]?.get('original-envelope-id'),
    results: new Map(results),
  }
}

/** Returns a submission with a report about it; the same for a report about another message, or one that it has. */
function withReport(one: Submission, report: Report, blobId: string): Submission {
  const { list, messageIds, envelopeId, results } = report
  const envid = one.envelope.mailFrom.parameters?.ENVID
  const isAbout = messageIds.has(one.messageId ?? '') || (envelopeId !== undefined && envelopeId === envid)
  if (!isAbout || one[list].includes(blobId)) return one
  const statuses = Object.entries(one.deliveryStatus).map(([address, status]) => [
    address,
    { ...status, ...results.get(address.toLowerCase()) },
  ])
  return { ...one, [list]: [...one[list], blobId], deliveryStatus: Object.fromEntries(statuses) }
}
