import type { Steps } from '../../../src/core/time/time-slice.ts'
import { formatImapDateTime } from '../../../src/mail/format/dates.ts'
import { htmlText } from '../../../src/mail/format/html-text.ts'
import { bodyStructureForm, imapString } from '../../../src/mail/format/imap-form.ts'
import type { ParsedMessage } from '../../../src/mail/format/parse-cache.ts'
import { everyPart, isText, partStart } from '../../../src/mail/format/parts.ts'
import type { MessagePart, OctetString } from '../../../src/mail/format/types.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import { gmailId } from '../../../src/storage/store/views/gmail/ids.ts'
import { labelsForm } from '../gmail/labels.ts'
import type { Selection } from '../selection.ts'
import { flagList } from '../updates.ts'
import type { FetchItem, PlainItem } from '../wire/fetch-request.ts'
import { utf8Octets } from '../wire/text.ts'
import { binaryOctets, binarySize, type MessageContent, messageOctets, sectionOctets } from './content.ts'
import type { FetchWriter } from './writer.ts'

type EntryWriter = (out: FetchWriter, entry: MessageEntry, selection: Selection) => void
/** Writes an item, or returns the steps that write it. */
type ContentWriter = (out: FetchWriter, content: MessageContent) => Steps<void> | undefined

/** The writer of a FETCH item. It needs the store's entry alone, or octets: those of the header, or of the whole message. */
export type ItemWriter = { readonly from: 'entry'; readonly write: EntryWriter } | OctetsWriter
type OctetsWriter = { readonly from: 'header' | 'content'; readonly write: ContentWriter }

const entry = (write: EntryWriter): ItemWriter => ({ from: 'entry', write })
const content = (write: ContentWriter): OctetsWriter => ({ from: 'content', write })
const headerWriter = ({ write }: OctetsWriter): OctetsWriter => ({ from: 'header', write })

/** Returns the writer of an item whose value is computed in steps and then kept. `kept` returns the kept value. */
const steppedWriter = (
  label: string,
  value: (raw: Buffer, parsed: ParsedMessage) => Steps<OctetString | number>,
  kept: (parsed: ParsedMessage) => OctetString | undefined = () => undefined,
): OctetsWriter =>
  content((out, { raw, parsed }) => {
    const text = kept(parsed)
    if (text === undefined) return writeLater(out, label, value(raw, parsed))
    out.text(`${label} ${text}`)
    return undefined
  })

function* writeLater(out: FetchWriter, label: string, value: Steps<OctetString | number>): Steps<void> {
  out.text(`${label} ${yield* value}`)
}

const plainItems: Readonly<Record<PlainItem, ItemWriter>> = {
  FLAGS: entry((out, message, selection) => out.text(`FLAGS ${flagList(selection, message)}`)),
  UID: entry((out, { uid }) => out.text(`UID ${uid}`)),
  INTERNALDATE: entry((out, { internalDate }) => out.text(`INTERNALDATE "${formatImapDateTime(internalDate)}"`)),
  'RFC822.SIZE': entry((out, { sizeOctets }) => out.text(`RFC822.SIZE ${sizeOctets}`)),
  MODSEQ: entry((out, { modSeq }) => out.text(`MODSEQ (${modSeq})`)),
  EMAILID: entry((out, { blob }) => out.text(`EMAILID (${blob})`)),
  THREADID: entry((out, { uid }, { threadIds }) => {
    const thread = threadIds.get(uid)
    out.text(thread === undefined ? 'THREADID NIL' : `THREADID (${thread})`)
  }),
  SAVEDATE: entry((out, { savedAt }) => out.text(`SAVEDATE "${formatImapDateTime(savedAt)}"`)),
  ENVELOPE: headerWriter(
    steppedWriter(
      'ENVELOPE',
      (raw, parsed) => parsed.envelopeFormOf(raw),
      ({ envelopeForm }) => envelopeForm,
    ),
  ),
  BODY: steppedWriter('BODY', function* (raw, parsed) {
    return yield* bodyStructureForm(raw, yield* parsed.structureOf(raw), false)
  }),
  BODYSTRUCTURE: steppedWriter(
    'BODYSTRUCTURE',
    (raw, parsed) => parsed.structureFormOf(raw),
    ({ structureForm }) => structureForm,
  ),
  'X-GM-MSGID': entry((out, { blob }) => out.text(`X-GM-MSGID ${gmailId(blob)}`)),
  'X-GM-THRID': entry((out, { uid, blob }, { threadIds }) => {
    out.text(`X-GM-THRID ${gmailId(threadIds.get(uid) ?? blob)}`)
  }),
  'X-GM-LABELS': entry((out, message, selection) => out.text(labelsForm(out.utf8, selection, message))),
  PREVIEW: steppedWriter('PREVIEW', function* (raw, parsed) {
    return imapString(utf8Octets(preview(raw, yield* parsed.structureOf(raw))))
  }),
}

/** Returns the writer of an item. */
export function itemWriter(item: FetchItem): ItemWriter {
  if (item.kind === 'binary-size') {
    return content((out, message) => writeLater(out, item.label, binarySize(message, item.section)))
  }
  if (item.kind === 'binary') {
    return content(function* (out, message) {
      writeOctets(out, item.label, yield* binaryOctets(message, item.section, item.range), true)
    })
  }
  if (item.kind === 'section') {
    const { label, section, range } = item
    if (section.path.length > 0) {
      return content(function* (out, message) {
        writeOctets(out, label, yield* sectionOctets(message, section, range), false)
      })
    }
    const writer = content((out, message) => {
      writeOctets(out, label, messageOctets(message, section, range), false)
      return undefined
    })
    return section.text === 'HEADER' ? headerWriter(writer) : writer
  }
  return plainItems[item.kind]
}

function writeOctets(out: FetchWriter, label: string, octets: Buffer | undefined, binary: boolean): void {
  out.text(octets ? `${label} ` : `${label} NIL`)
  if (octets && binary) out.literal8(octets)
  else if (octets) out.literal(octets)
}

const MAX_PREVIEW_CHARS = 200
/** Characters read for a preview. */
const MAX_SOURCE_CHARS = 20_000

/** Returns the first words of a message, at most 200 characters. RFC 8970 section 3.2. */
function preview(raw: Buffer, structure: MessagePart): string {
  const texts = everyPart(structure).filter(isText)
  const isPlain = (subtype: string): boolean => subtype.toLowerCase() === 'plain'
  const part = texts.find(({ subtype }) => isPlain(subtype)) ?? texts[0]
  if (!part) return ''
  const { text: source } = partStart(raw, part, MAX_SOURCE_CHARS)
  const text = isPlain(part.subtype) ? source : htmlText(source)
  return [...text.replace(/[\s\p{Cc}]+/gu, ' ').trim()].slice(0, MAX_PREVIEW_CHARS).join('')
}
