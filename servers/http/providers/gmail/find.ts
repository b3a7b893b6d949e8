import { matcherOf } from '../../../../src/api/messages/matcher.ts'
import type { IndexedMessage } from '../../../../src/api/messages/message-index.ts'
import { anyOf, type Condition, conditionOn, notAll, wordsCondition } from '../../../../src/api/messages/search.ts'
import { isSliceOver, nextSlice } from '../../../../src/core/time/time-slice.ts'
import type { Attachment } from '../../../../src/mail/format/attachments.ts'
import { type GmailKey, GmailQueryError, gmailQuery } from '../../../../src/mail/format/gmail-query.ts'
import { searchable } from '../../../../src/mail/format/search-text.ts'
import type { Copy, Mail } from '../../../../src/storage/store/views/account-history.ts'
import { labelsOf } from '../../../../src/storage/store/views/gmail/label-ids.ts'
import { labelOf } from '../../../../src/storage/store/views/gmail/names.ts'
import type { Gmail } from './account.ts'
import { invalid } from './errors.ts'
import { copyOf, indexed } from './resource.ts'

const MAX_WORDS = 100
const HIDDEN: readonly string[] = ['TRASH', 'SPAM']
/** Queries that look into spam and trash. */
const LOOKS_THERE = /\b(?:in|is|label|l):["({]*(?:anywhere|all|trash|spam)\b/i

/**
 * Returns the messages that the parameters of a list select, the newest first: `q`, `labelIds`, `includeSpamTrash`.
 * @throws ProviderError `invalid`
 */
export async function findMails(gmail: Gmail): Promise<Mail[]> {
  const { history, query } = gmail
  const q = query.get('q') ?? ''
  const labels = query.getAll('labelIds')
  const matches = matcherOf(gmail.call.api.reader, searchConditions(gmail, q), { isScan: true })
  const isWhole = query.get('includeSpamTrash') === 'true' || LOOKS_THERE.test(q)
  const hidden = isWhole ? [] : HIDDEN.filter((label) => !labels.includes(label))
  const found: Mail[] = []
  for (const mail of [...history.mails.values()]) {
    if (isSliceOver()) await nextSlice()
    const its = labelsOf(mail)
    const isOne = labels.every((label) => its.includes(label)) && !hidden.some((label) => its.includes(label))
    // It may be deleted meanwhile.
    if (isOne && mail.copies.size > 0 && (await matches(indexed(mail)))) found.push(mail)
  }
  return found.filter(({ copies }) => copies.size > 0).sort((a, b) => dateOf(b) - dateOf(a) || (a.id < b.id ? 1 : -1))
}

/** Returns the internal date of a message, in milliseconds since the epoch. */
export const dateOf = (mail: Mail): number => copyOf(mail).entry.internalDate

/** Returns a page of what was found, and the token of the next. @throws ProviderError `invalid` for another token */
export function resultPage({ query }: Gmail, found: readonly Mail[], limit: number) {
  const token = query.get('pageToken') ?? ''
  const [, date, id = ''] = /^(-?\d{1,16})-([\w-]{1,255})$/.exec(token) ?? []
  if (token !== '' && date === undefined) throw invalid('Invalid pageToken')
  const isAfter = (mail: Mail): boolean =>
    dateOf(mail) < Number(date) || (dateOf(mail) === Number(date) && mail.id < id)
  const rest = date === undefined ? found : found.filter(isAfter)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return { page, ...(last && rest.length > limit && { nextPageToken: `${dateOf(last)}-${last.id}` }) }
}

/** @throws ProviderError `invalid` */
function searchConditions(gmail: Gmail, q: string): Condition[] {
  if ((q.match(/[^\s(){}"]+/g) ?? []).length > MAX_WORDS) throw invalid(`The query q has more than ${MAX_WORDS} words`)
  try {
    return compiled(gmail, gmailQuery(Buffer.from(q).toString('latin1')))
  } catch (error) {
    throw error instanceof GmailQueryError ? invalid(`Invalid query: ${error.message}`) : error
  }
}

const decodeUtf8 = (octets: string): string => Buffer.from(octets, 'latin1').toString()
/** Labels are compared as searches write them. */
const plain = (name: string): string => name.toLowerCase().replace(/[ /()&]/g, '-')
const FIELDS: readonly string[] = ['from', 'to', 'cc', 'bcc', 'subject', 'message-id']

/** Returns the condition that a file has a name with some words. */
function inFilename(words: string): Condition {
  const wanted = searchable(words)
  const isOne = ({ filename }: Attachment): boolean => searchable(filename ?? '').includes(wanted)
  return {
    key: `filename ${JSON.stringify(words)}`,
    negated: false,
    ofMessage: ({ read }) => read.attachments.some(isOne),
  }
}

/** Returns the conditions of the lab that a query means. All must hold. */
function compiled(gmail: Gmail, key: GmailKey): Condition[] {
  const ofEntry = (test: (message: IndexedMessage) => boolean): Condition[] => [
    { key: JSON.stringify(key), negated: false, ofEntry: test },
  ]
  const now = gmail.call.context.clock.now()
  switch (key.kind) {
    case 'all':
      return []
    case 'none':
      return [anyOf([])]
    case 'flag':
      return ofEntry(({ entry }) => entry.flags.some((flag) => flag.toLowerCase() === key.flag.toLowerCase()))
    case 'gm-label': {
      const isOne = ({ folder }: Copy): boolean => plain(labelOf(folder) ?? '') === plain(key.label)
      return ofEntry(({ id }) => [...(gmail.history.mails.get(id)?.copies.values() ?? [])].some(isOne))
    }
    case 'date':
      return ofEntry(({ entry }) => entry.internalDate >= key.from && entry.internalDate < key.to)
    case 'age':
      return ofEntry(({ entry }) => entry.internalDate <= now - key.seconds * 1000 === key.older)
    case 'size':
      return ofEntry(({ entry }) => (key.larger ? entry.sizeOctets > key.octets : entry.sizeOctets < key.octets))
    case 'text':
      return [wordsCondition(decodeUtf8(key.text)), ...(key.isFilename ? [inFilename(decodeUtf8(key.text))] : [])]
    case 'header': {
      const [name, text] = [key.name, decodeUtf8(key.text)]
      // IMAP4 does not know files: it finds `has:attachment` by the type of the message.
      if (name === 'content-type') return [conditionOn('has', 'attachment')]
      return [FIELDS.includes(name) ? conditionOn(name, text) : conditionOn('header', `${name}:${text}`)]
    }
    case 'not':
      return [notAll(compiled(gmail, key.key))]
    case 'and':
      return key.keys.flatMap((one) => compiled(gmail, one))
    case 'or':
      return [anyOf(key.keys.map((one) => compiled(gmail, one)))]
  }
}
