import { headerFields } from '../../src/mail/headers.ts'
import { bodyLines, newsValue, type Overview } from '../../src/mail/overview.ts'
import type { OctetString } from '../../src/mail/types.ts'
import type { Folder, MessageEntry, MessageStore } from '../../src/store/types.ts'
import { NntpError, syntaxError } from './reply.ts'

/** Gives a field's value of an article; undefined where it has none, or is gone. */
export type FieldReader = (folder: Folder, entry: MessageEntry) => Promise<OctetString | undefined>

/** Metadata items, and what they are made of. RFC 3977 section 8.1. */
const metadata: Readonly<Record<string, (raw: Buffer) => string>> = {
  ':bytes': (raw) => String(raw.length),
  ':lines': (raw) => String(bodyLines(raw)),
}

/** What of an article is in its overview, which needs no reading of its octets. */
const overviewFields: Readonly<Record<string, keyof Overview>> = {
  ':bytes': 'bytes',
  ':lines': 'lines',
  subject: 'subject',
  from: 'from',
  date: 'date',
  'message-id': 'messageId',
  references: 'references',
  xref: 'xref',
}

/** A header field's name, or a metadata item. RFC 3977 section 8.5. @throws NntpError 501, 503 */
export function fieldName(text: string): string {
  const name = text.toLowerCase()
  if (name.startsWith(':')) {
    if (!Object.hasOwn(metadata, name)) throw new NntpError(503, `no such metadata item: ${text}`)
    return name
  }
  if (!/^[!-9;-~]+$/.test(name)) throw syntaxError(`not a header field: ${text}`)
  return name
}

export function fieldReader(store: MessageStore, field: string): FieldReader {
  const item = metadata[field]
  const noted = overviewFields[field]
  return async (folder, entry) => {
    const overview = noted && (await store.overview(folder.id, entry.uid))
    // An empty value may stand for no field at all: the octets tell.
    const value = overview ? String(overview[noted]) : ''
    if (value !== '') return value
    const raw = await store.read(folder.id, entry.uid)
    if (!raw) return undefined
    return item ? item(raw) : newsValue(raw, headerFields(raw), field)
  }
}
