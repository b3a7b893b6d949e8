import { matcherOf } from '../../../../src/api/messages/matcher.ts'
import type { IndexedMessage } from '../../../../src/api/messages/message-index.ts'
import { type Condition, conditionOn, wordsCondition } from '../../../../src/api/messages/search.ts'
import { isSliceOver, nextSlice } from '../../../../src/core/time/time-slice.ts'
import { type GmailKey, GmailQueryError, gmailQuery } from '../../../../src/mail/format/gmail-query.ts'
import { labelsOf } from '../../../../src/storage/store/views/gmail/label-ids.ts'
import type { Mail } from '../../../../src/storage/store/views/gmail/mailbox-history.ts'
import { labelOf } from '../../../../src/storage/store/views/gmail/names.ts'
import { type Gmail, invalid } from './account.ts'
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
  const test = testOf(gmail, q)
  const isWhole = query.get('includeSpamTrash') === 'true' || LOOKS_THERE.test(q)
  const hidden = isWhole ? [] : HIDDEN.filter((label) => !labels.includes(label))
  const found: Mail[] = []
  for (const mail of [...history.mails.values()]) {
    if (isSliceOver()) await nextSlice()
    const its = labelsOf(mail)
    const isOne = labels.every((label) => its.includes(label)) && !hidden.some((label) => its.includes(label))
    // It may be deleted meanwhile.
    if (isOne && mail.copies.size > 0 && (await test(indexed(mail), mail))) found.push(mail)
  }
  return found.filter(({ copies }) => copies.size > 0).sort((a, b) => dateOf(b) - dateOf(a) || (a.id < b.id ? 1 : -1))
}

/** Returns the internal date of a message, in milliseconds since the epoch. */
export const dateOf = (mail: Mail): number => copyOf(mail).entry.internalDate

/** Returns a page of what was found, and the token of the next. @throws ProviderError `invalid` for another token */
export function pageOf({ query }: Gmail, found: readonly Mail[], limit: number) {
  const token = query.get('pageToken') ?? ''
  const [, date, id = ''] = /^(-?\d{1,16})-([0-9a-f]{1,16})$/.exec(token) ?? []
  if (token !== '' && date === undefined) throw invalid('Invalid pageToken')
  const isAfter = (mail: Mail): boolean =>
    dateOf(mail) < Number(date) || (dateOf(mail) === Number(date) && mail.id < id)
  const rest = date === undefined ? found : found.filter(isAfter)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return { page, ...(last && rest.length > limit && { nextPageToken: `${dateOf(last)}-${last.id}` }) }
}

type Test = (message: IndexedMessage, mail: Mail) => boolean | Promise<boolean>

/** @throws ProviderError `invalid` */
function testOf(gmail: Gmail, q: string): Test {
  if ((q.match(/[^\s(){}"]+/g) ?? []).length > MAX_WORDS) throw invalid(`The query q has more than ${MAX_WORDS} words`)
  try {
    return compiled(gmail, gmailQuery(Buffer.from(q).toString('latin1')))
  } catch (error) {
    throw error instanceof GmailQueryError ? invalid(`Invalid query: ${error.message}`) : error
  }
}

const textOf = (octets: string): string => Buffer.from(octets, 'latin1').toString()
/** Labels are compared as searches write them. */
const plain = (name: string): string => name.toLowerCase().replace(/[ /()&]/g, '-')
const FIELDS: readonly string[] = ['from', 'to', 'cc', 'bcc', 'subject', 'message-id']

/** Compiles a condition of a query. Texts are searched as in the API of the lab. */
function compiled(gmail: Gmail, key: GmailKey): Test {
  const { api, context } = gmail.call
  const ofContent = (condition: Condition): Test => {
    const matches = matcherOf(api.reader, [condition], { isScan: true })
    return (message) => matches(message)
  }
  const now = context.clock.now()
  switch (key.kind) {
    case 'all':
    case 'none':
      return () => key.kind === 'all'
    case 'flag':
      return (_, { flags }) => flags.some((flag) => flag.toLowerCase() === key.flag.toLowerCase())
    case 'gm-label':
      return (_, { copies }) =>
        [...copies.values()].some(({ folder }) => plain(labelOf(folder) ?? '') === plain(key.label))
    case 'date':
      return ({ entry }) => entry.internalDate >= key.from && entry.internalDate < key.to
    case 'age':
      return ({ entry }) => entry.internalDate <= now - key.seconds * 1000 === key.older
    case 'size':
      return ({ entry }) => (key.larger ? entry.sizeOctets > key.octets : entry.sizeOctets < key.octets)
    case 'text':
      return ofContent(wordsCondition(textOf(key.text)))
    case 'header': {
      const [name, text] = [key.name, textOf(key.text)]
      return ofContent(FIELDS.includes(name) ? conditionOn(name, text) : conditionOn('header', `${name}:${text}`))
    }
    case 'not': {
      const test = compiled(gmail, key.key)
      return async (...message) => !(await test(...message))
    }
    default: {
      const tests = key.keys.map((one) => compiled(gmail, one))
      return async (...message) => {
        for (const test of tests) if ((await test(...message)) === (key.kind === 'or')) return key.kind === 'or'
        return key.kind === 'and'
      }
    }
  }
}
