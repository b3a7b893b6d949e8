import { sortInSteps } from '../../../src/core/text/sorting.ts'
import { isSliceOver, nextSlice, runInSlices, type Steps } from '../../../src/core/time/time-slice.ts'
import { parseZonedDate } from '../../../src/mail/format/dates.ts'
import { ownMessageId, threadAncestors } from '../../../src/mail/format/message-ids.ts'
import { foldText } from '../../../src/mail/format/search-text.ts'
import {
  baseSubject,
  orderedSubject,
  type Thread,
  type Threadable,
  threadReferences,
} from '../../../src/mail/format/threading.ts'
import type { Address } from '../../../src/mail/format/types.ts'
import { decodeWords } from '../../../src/mail/format/words.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import { entriesAt, type MessageContent, MessageReader, sourceOf } from '../fetch/content.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession } from '../state.ts'
import type { SortKey, SortKeyName } from '../wire/search-request.ts'

type SortValue = string | number

/** Characters of a text that are compared. */
const MAX_SORTED_CHARS = 4096

/** Folds case to capitals, so that `_` sorts after the letters. i;unicode-casemap, RFC 5051 section 2. */
const sortable = (text: string): string => foldText(text.slice(0, MAX_SORTED_CHARS)).toUpperCase()

/** The value that each key sorts by. RFC 5256 section 3; RFC 5957 section 4. */
const sortKeys = {
  ARRIVAL: (entry) => entry.internalDate,
  SIZE: (entry) => entry.sizeOctets,
  DATE: sentDate,
  SUBJECT: (_entry, content) => sortable(baseSubject(subjectOf(content)).base),
  FROM: (_entry, content) => firstMailbox(content, 'from'),
  TO: (_entry, content) => firstMailbox(content, 'to'),
  CC: (_entry, content) => firstMailbox(content, 'cc'),
  DISPLAYFROM: (_entry, content) => firstShown(content, 'from'),
  DISPLAYTO: (_entry, content) => firstShown(content, 'to'),
} as const satisfies Record<SortKeyName, (entry: MessageEntry, content: MessageContent | undefined) => SortValue>

const ENVELOPE_KEYS: ReadonlySet<SortKeyName> = new Set(['FROM', 'TO', 'CC', 'DISPLAYFROM', 'DISPLAYTO'])

/** Returns the indexes sorted by the keys. Messages that compare equal keep their order. RFC 5256 section 3. */
export async function sortMessages(
  session: ImapSession,
  selection: Selection,
  indexes: readonly number[],
  keys: readonly SortKey[],
): Promise<number[]> {
  const needsContent = keys.some(({ name }) => name !== 'ARRIVAL' && name !== 'SIZE')
  const needsEnvelope = keys.some(({ name }) => ENVELOPE_KEYS.has(name))
  using source = sourceOf(session, selection, entriesAt(selection, indexes))
  const contents = new MessageReader(session, selection, source)
  const rows: { readonly index: number; readonly values: readonly SortValue[] }[] = []
  for (const index of indexes) {
    const entry = selection.messages.at(index) as MessageEntry
    const content = needsContent ? await contents.read(entry) : undefined
    if (content && needsEnvelope) await runInSlices(content.parsed.envelopeOf(content.raw))
    rows.push({ index, values: keys.map(({ name }) => sortKeys[name](entry, content)) })
    if (isSliceOver()) await nextSlice()
  }
  const sorted = await runInSlices(sortInSteps(rows, (a, b) => compareRows(a.values, b.values, keys)))
  return sorted.map(({ index }) => index)
}

function compareRows(a: readonly SortValue[], b: readonly SortValue[], keys: readonly SortKey[]): number {
  for (let i = 0; i < keys.length; i++) {
    const [left, right] = [a[i] as SortValue, b[i] as SortValue]
    const { reverse } = keys[i] as SortKey
    if (left !== right) return left < right === reverse ? 1 : -1
  }
  return 0
}

/** Returns the time of the Date field, or the internal date if that field is missing or invalid. RFC 5256 section 2.2. */
function sentDate(entry: MessageEntry, content: MessageContent | undefined): number {
  const value = content?.header('date')
  return (value === undefined ? undefined : parseZonedDate(value)?.ms) ?? entry.internalDate
}

/** Octets of a Subject that are compared. */
const MAX_SUBJECT_OCTETS = 64 * 1024

function subjectOf(content: MessageContent | undefined): string {
  const value = content?.header('subject')
  return value === undefined ? '' : decodeWords(value.slice(0, MAX_SUBJECT_OCTETS))
}

function firstMailbox(content: MessageContent | undefined, name: 'from' | 'to' | 'cc'): string {
  const [first]: readonly Address[] = content?.parsed.envelope?.[name] ?? []
  return sortable(first?.mailbox ?? '')
}

/** Returns what clients show of the first address: its name, else the address itself. RFC 5957 section 3. */
function firstShown(content: MessageContent | undefined, field: 'from' | 'to'): string {
  const [first]: readonly Address[] = content?.parsed.envelope?.[field] ?? []
  const { name = '', mailbox = '', host } = first ?? {}
  const shown = decodeWords(name)
  if (shown !== '') return sortable(shown)
  return sortable(mailbox !== '' && host !== undefined ? `${mailbox}@${host}` : mailbox)
}

/** The threading algorithms. RFC 5256 section 3. */
export const threadAlgorithms = {
  REFERENCES: threadReferences,
  ORDEREDSUBJECT: orderedSubject,
} as const satisfies Record<string, (messages: readonly Threadable[]) => Steps<Thread[]>>

export type ThreadAlgorithm = keyof typeof threadAlgorithms

/** Reads the fields that threading needs. Skips messages that other sessions have expunged. */
export async function threadables(
  session: ImapSession,
  selection: Selection,
  indexes: readonly number[],
  byUid: boolean,
): Promise<Threadable[]> {
  const found: Threadable[] = []
  using source = sourceOf(session, selection, entriesAt(selection, indexes))
  const contents = new MessageReader(session, selection, source)
  for (const index of indexes) {
    const entry = selection.messages.at(index) as MessageEntry
    const content = await contents.read(entry)
    if (!content) continue
    const messageId = ownMessageId(content.header('message-id'))
    found.push({
      number: byUid ? entry.uid : index + 1,
      ancestors: threadAncestors(content.header('references'), content.header('in-reply-to')),
      subject: subjectOf(content),
      date: sentDate(entry, content),
      ...(messageId === undefined ? {} : { messageId }),
    })
    if (isSliceOver()) await nextSlice()
  }
  return found
}
