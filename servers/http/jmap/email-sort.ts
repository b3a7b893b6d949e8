import { sortInSteps } from '../../../src/core/text/sorting.ts'
import { isSliceOver, nextSlice, runInSlices } from '../../../src/core/time/time-slice.ts'
import { parseAddresses } from '../../../src/mail/format/addresses.ts'
import { parseDate } from '../../../src/mail/format/dates.ts'
import { headerFields, headerValue } from '../../../src/mail/format/headers.ts'
import { foldText } from '../../../src/mail/format/search-text.ts'
import { baseSubject } from '../../../src/mail/format/threading.ts'
import { decodeWords } from '../../../src/mail/format/words.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import type { Copy, Mail } from '../../../src/storage/store/views/account-history.ts'
import { isString, rowOf } from './checks.ts'
import { inThread } from './email-filter.ts'
import { hasKeyword } from './mails.ts'
import { type JsonObject, MethodError } from './types.ts'

/** An Email with the copy that stands for it. */
export interface Found {
  readonly mail: Mail
  readonly copy: Copy
}

type Value = string | number
type Field = (name: string) => string

interface Comparator {
  readonly isAscending: boolean
  readonly ofEmail?: (found: Found) => Value
  /** The same, with the decoded header fields. */
  readonly ofHeader?: (found: Found, field: Field) => Value
}

const unsupportedSort = (description: string): MethodError => new MethodError('unsupportedSort', description)

/** Characters of a text that are compared. */
const MAX_CHARS = 4096
/** Octets of a message in which its header is looked for. */
const MAX_HEADER_OCTETS = 64 * 1024

const collations: Readonly<Record<string, (text: string) => string>> = {
  'i;ascii-casemap': (text) => text.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase()),
  'i;unicode-casemap': (text) => foldText(text).toUpperCase(),
}

/** Returns what clients show of the first address of a field: the name, else the address, else nothing. RFC 8621 section 4.4.2. */
function firstShown(value: string): string {
  const first = parseAddresses(value).find(({ host }) => host !== undefined)
  return first ? decodeWords(first.name ?? '') || `${first.mailbox}@${first.host}` : ''
}

const texts: Readonly<Record<string, (field: Field) => string>> = {
  from: (field) => firstShown(field('from')),
  to: (field) => firstShown(field('to')),
  subject: (field) => baseSubject(decodeWords(field('subject'))).base,
}

const keywordSorts = ['hasKeyword', 'allInThreadHaveKeyword', 'someInThreadHaveKeyword']
/** The properties by which Emails are sorted. */
export const EMAIL_SORTS: readonly string[] = ['receivedAt', 'size', 'sentAt', ...Object.keys(texts), ...keywordSorts]

/** Returns the comparators of a sort. RFC 8621 section 4.4.2. @throws MethodError `unsupportedSort` */
export function comparatorsOf(
  sort: readonly JsonObject[],
  threads: ReadonlyMap<string, readonly Mail[]>,
): Comparator[] {
  return sort.map(({ property, isAscending = true, collation = 'i;unicode-casemap', keyword }) => {
    const collate = rowOf(collations, collation)
    if (!isString(property) || typeof isAscending !== 'boolean' || !collate)
      throw unsupportedSort('a comparator has an unknown collation, or no property')
    if (property === 'receivedAt') return { isAscending, ofEmail: ({ copy }) => copy.entry.internalDate }
    if (property === 'size') return { isAscending, ofEmail: ({ copy }) => copy.entry.sizeOctets }
    if (property === 'sentAt')
      return {
        isAscending,
        ofHeader: ({ copy }, field) => parseDate(field('date'))?.getTime() ?? copy.entry.internalDate,
      }
    const text = rowOf(texts, property)
    if (text) return { isAscending, ofHeader: (_, field) => collate(text(field).slice(0, MAX_CHARS)) }
    const name = isString(keyword) ? keyword.toLowerCase() : ''
    if (!keywordSorts.includes(property) || name === '')
      throw unsupportedSort(`the sort ${property.slice(0, 100)} is not supported, or has no keyword`)
    if (property === 'hasKeyword') return { isAscending, ofEmail: ({ mail }) => Number(hasKeyword(mail, name)) }
    const test = inThread[property as keyof typeof inThread]
    const known = new Map<string, number>()
    const ofThread = (id: string, mail: Mail): number => {
      const value = known.get(id) ?? Number(test(threads.get(id) ?? [mail], name))
      known.set(id, value)
      return value
    }
    return { isAscending, ofEmail: ({ mail }) => ofThread(mail.threadId ?? mail.id, mail) }
  })
}

/** Sorts Emails; those that are equal by their ids. Reads headers only if a comparator needs them. @throws StoreError */
export async function sorted(
  store: MessageStore,
  emails: readonly Found[],
  comparators: readonly Comparator[],
): Promise<readonly Found[]> {
  const readsHeaders = comparators.some(({ ofHeader }) => ofHeader)
  using source = store.readAhead(readsHeaders ? emails.map(({ copy }) => copy) : [], MAX_HEADER_OCTETS)
  const rows: { readonly email: Found; readonly values: readonly Value[] }[] = []
  for (const email of emails) {
    const { folder, entry } = email.copy
    const raw = readsHeaders ? await source.read(folder.id, entry.uid, 0, MAX_HEADER_OCTETS) : undefined
    const fields = raw && headerFields(raw)
    const field: Field = (name) => (raw && fields ? headerValue(raw, fields, name) : undefined) ?? ''
    const values = comparators.map(({ ofEmail, ofHeader }) => ofEmail?.(email) ?? ofHeader?.(email, field) ?? 0)
    rows.push({ email, values })
    if (isSliceOver()) await nextSlice()
  }
  const compare = (a: (typeof rows)[number], b: typeof a): number => {
    for (let index = 0; index < comparators.length; index++) {
      const left = a.values[index] as Value
      const right = b.values[index] as Value
      if (left !== right) return left < right === comparators[index]?.isAscending ? -1 : 1
    }
    return a.email.mail.id < b.email.mail.id ? -1 : 1
  }
  return (await runInSlices(sortInSteps(rows, compare))).map(({ email }) => email)
}
