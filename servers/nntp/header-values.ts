import { headerFields } from '../../src/mail/headers.ts'
import { newsValue, type Overview } from '../../src/mail/overview.ts'
import type { OctetString } from '../../src/mail/types.ts'
import type { Folder, MessageEntry, MessageStore } from '../../src/store/types.ts'
import { NntpError, syntaxError } from './reply.ts'

/** Gives a field's value of an article; undefined where it has none, or is gone. */
export type FieldReader = (folder: Folder, entry: MessageEntry) => Promise<OctetString | undefined>

/** What is in an article's overview, so that its octets need not be read; the metadata items (RFC 3977 section 8.1) are. */
const overviewFields: ReadonlyMap<string, keyof Overview> = new Map([
  [':bytes', 'bytes'],
  [':lines', 'lines'],
  ['subject', 'subject'],
  ['from', 'from'],
  ['date', 'date'],
  ['message-id', 'messageId'],
  ['references', 'references'],
  ['xref', 'xref'],
])

/** A header field's name, or a metadata item. RFC 3977 section 8.5. @throws NntpError 501, 503 */
export function fieldName(text: string): string {
  const name = text.toLowerCase()
  if (name.startsWith(':')) {
    if (!overviewFields.has(name)) throw new NntpError(503, `no such metadata item: ${text}`)
    return name
  }
  if (!/^[!-9;-~]+$/.test(name)) throw syntaxError(`not a header field: ${text}`)
  return name
}

export function fieldReader(store: MessageStore, field: string): FieldReader {
  const noted = overviewFields.get(field)
  return async (folder, entry) => {
    if (noted) {
      const overview = await store.overview(folder.id, entry.uid)
      const value = overview && String(overview[noted])
      // An empty value may stand for no field at all: the octets tell.
      if (value !== '') return value
    }
    const raw = await store.read(folder.id, entry.uid)
    return raw && newsValue(raw, headerFields(raw), field)
  }
}
