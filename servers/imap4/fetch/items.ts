import { formatImapDateTime } from '../../../src/mail/dates.ts'
import { bodyStructureForm, imapString } from '../../../src/mail/imap-form.ts'
import type { ParsedMessage } from '../../../src/mail/parse-cache.ts'
import { everyPart, isText, partText } from '../../../src/mail/parts.ts'
import type { MessageEntry } from '../../../src/store/types.ts'
import type { Selection } from '../selection.ts'
import { flagList } from '../updates.ts'
import type { FetchItem, PlainItem } from '../wire/fetch-request.ts'
import { utf8Octets } from '../wire/text.ts'
import { binaryOctets, binarySize, type Content, sectionOctets } from './content.ts'
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

const MAX_PREVIEW_CHARS = 200
/** Of a long text, no more is looked at. */
const MAX_SOURCE_CHARS = 20_000

/** The first words of a message. RFC 8970 section 3.2: no more than 200 characters. */
export function preview(raw: Buffer, parsed: ParsedMessage): string {
  const texts = [...everyPart(parsed.structureOf(raw))].filter(isText)
  const isPlain = (subtype: string): boolean => subtype.toLowerCase() === 'plain'
  const part = texts.find(({ subtype }) => isPlain(subtype)) ?? texts[0]
  if (!part) return ''
  const source = partText(raw, part).slice(0, MAX_SOURCE_CHARS)
  const text = isPlain(part.subtype) ? source : withoutTags(source)
  return [...text.replace(/[\s\p{Cc}]+/gu, ' ').trim()].slice(0, MAX_PREVIEW_CHARS).join('')
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', '#39': "'" }

function withoutTags(html: string): string {
  return html
    .replace(/<(style|script|title)\b[^>]*>[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(\w+|#39);/g, (whole, name: string) => ENTITIES[name.toLowerCase()] ?? whole)
}
