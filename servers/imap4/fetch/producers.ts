import { formatImapDateTime } from '../../../src/mail/imap-dates.ts'
import { bodyStructureForm, imapString } from '../../../src/mail/imap-form.ts'
import type { MessageEntry } from '../../../src/store/types.ts'
import type { Selection } from '../selection.ts'
import { flagList } from '../updates.ts'
import type { FetchItem, PlainItem } from '../wire/fetch-items.ts'
import { utf8Octets } from '../wire/text.ts'
import { binaryOctets, binarySize } from './binary.ts'
import type { Content } from './content.ts'
import { preview } from './preview.ts'
import { sectionOctets } from './section.ts'
import type { FetchWriter } from './writer.ts'

export type EntryProducer = (out: FetchWriter, entry: MessageEntry, selection: Selection) => void
export type ContentProducer = (out: FetchWriter, content: Content) => void

/** How an item is answered: from the entry alone, or from the message's octets. */
export type Producer =
  | { readonly from: 'entry'; readonly produce: EntryProducer }
  | { readonly from: 'content'; readonly produce: ContentProducer }

const entry = (produce: EntryProducer): Producer => ({ from: 'entry', produce })
const content = (produce: ContentProducer): Producer => ({ from: 'content', produce })

const plain: Readonly<Record<PlainItem, Producer>> = {
  FLAGS: entry((out, message, selection) => out.text(`FLAGS ${flagList(selection, message)}`)),
  UID: entry((out, { uid }) => out.text(`UID ${uid}`)),
  INTERNALDATE: entry((out, { internalDate }) => out.text(`INTERNALDATE "${formatImapDateTime(internalDate)}"`)),
  'RFC822.SIZE': entry((out, { sizeOctets }) => out.text(`RFC822.SIZE ${sizeOctets}`)),
  MODSEQ: entry((out, { modSeq }) => out.text(`MODSEQ (${modSeq})`)),
  EMAILID: entry((out, { blob }) => out.text(`EMAILID (${blob})`)),
  THREADID: entry((out) => out.text('THREADID NIL')), // RFC 8474 section 5.2: not known here
  SAVEDATE: entry((out, { savedAt }) => out.text(`SAVEDATE "${formatImapDateTime(savedAt)}"`)),
  ENVELOPE: content((out, { raw, parsed }) => out.text(`ENVELOPE ${parsed.envelopeFormOf(raw)}`)),
  BODY: content((out, { raw, parsed }) => out.text(`BODY ${bodyStructureForm(raw, parsed.structureOf(raw), false)}`)),
  BODYSTRUCTURE: content((out, { raw, parsed }) => out.text(`BODYSTRUCTURE ${parsed.structureFormOf(raw)}`)),
  PREVIEW: content((out, { raw, parsed }) => out.text(`PREVIEW ${imapString(utf8Octets(preview(raw, parsed)))}`)),
}

export function producerOf(item: FetchItem): Producer {
  if (item.kind === 'binary-size') {
    return content((out, message) => out.text(`${item.label} ${binarySize(message, item.section)}`))
  }
  if (item.kind === 'binary') {
    return content((out, message) => labelled(out, item.label, binaryOctets(message, item.section, item.partial), true))
  }
  if (item.kind === 'section') {
    return content((out, message) =>
      labelled(out, item.label, sectionOctets(message, item.section, item.partial), false),
    )
  }
  return plain[item.kind]
}

function labelled(out: FetchWriter, label: string, octets: Buffer | undefined, binary: boolean): void {
  out.text(octets ? `${label} ` : `${label} NIL`)
  if (octets && binary) out.literal8(octets)
  else if (octets) out.literal(octets)
}
