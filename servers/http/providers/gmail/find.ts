import { matcherOf } from '../../../../src/api/messages/matcher.ts'
import { type Condition, conditionOn, wordsCondition } from '../../../../src/api/messages/search.ts'
import { isSliceOver, nextSlice } from '../../../../src/core/time/time-slice.ts'
import { type GmailKey, GmailQueryError, gmailQuery } from '../../../../src/mail/format/gmail-query.ts'
import { labelOf } from '../../../../src/storage/store/views/gmail/names.ts'
import { type Gmail, invalid } from './account.ts'
import { labelsOf } from './labels.ts'
import type { Mail } from './mailbox-history.ts'
import { copyOf, indexed } from './resource.ts'

type Test = (mail: Mail) => boolean | Promise<boolean>

const MAX_QUERY_CHARS = 8_192
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
  const isComplete =
    query.get('includeSpamTrash') === 'true' || LOOKS_THERE.test(q) || labels.some((label) => HIDDEN.includes(label))
  const chosen = [...history.mails.values()].filter((mail) => {
    const its = labelsOf(mail)
    return labels.every((label) => its.includes(label)) && (isComplete || !HIDDEN.some((label) => its.includes(label)))
  })
  const found: Mail[] = []
  for (const mail of chosen) {
    // It may be deleted meanwhile.
    if (mail.copies.size > 0 && (q === '' || (await test(mail)))) found.push(mail)
    if (isSliceOver()) await nextSlice()
  }
  return found.filter(({ copies }) => copies.size > 0).sort(newestFirst)
}

/** Returns the internal date of a message, in milliseconds since the epoch. */
export const dateOf = (mail: Mail): number => copyOf(mail).entry.internalDate
const newestFirst = (a: Mail, b: Mail): number => dateOf(b) - dateOf(a) || (a.id < b.id ? 1 : -1)

/** Returns a page of what was found, and the token of the next. @throws ProviderError `invalid` for another token */
export function pageOf({ query }: Gmail, found: readonly Mail[], limit: number) {
  const token = query.get('pageToken') ?? ''
  const [, date, id = ''] = /^(-?\d{1,16})-([0-9a-f]{1,16})$/.exec(token) ?? []
  if (token !== '' && date === undefined) throw invalid('Invalid pageToken')
  const isAfter = (mail: Mail): boolean =>
    date === undefined || dateOf(mail) < Number(date) || (dateOf(mail) === Number(date) && mail.id < id)
  const rest = found.filter(isAfter)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return { page, ...(last && rest.length > limit && { nextPageToken: `${dateOf(last)}-${last.id}` }) }
}

/** @throws ProviderError `invalid` */
function testOf(gmail: Gmail, q: string): Test {
  if (q.length > MAX_QUERY_CHARS) throw invalid(`The query q has more than ${MAX_QUERY_CHARS} characters`)
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
  const now = gmail.call.context.clock.now()
  const ofContent = (condition: Condition): Test => {
    const matches = matcherOf(gmail.call.api.reader, [condition], { isScan: true })
    return (mail) => matches(indexed(mail))
  }
  switch (key.kind) {
    case 'all':
      return () => true
    case 'none':
      return () => false
    case 'flag':
      return ({ flags }) => flags.includes(key.flag)
    case 'gm-label':
      return ({ copies }) =>
        [...copies.values()].some(({ folder }) => plain(labelOf(folder) ?? '') === plain(key.label))
    case 'date':
      return (mail) => dateOf(mail) >= key.from && dateOf(mail) < key.to
    case 'age':
      return (mail) => dateOf(mail) <= now - key.seconds * 1000 === key.older
    case 'size':
      return (mail) => {
        const { sizeOctets } = copyOf(mail).entry
        return key.larger ? sizeOctets > key.octets : sizeOctets < key.octets
      }
    case 'text':
      return ofContent(wordsCondition(textOf(key.text)))
    case 'header':
      return FIELDS.includes(key.name)
        ? ofContent(conditionOn(key.name, textOf(key.text)))
        : ofContent(conditionOn('header', `${key.name}:${textOf(key.text)}`))
    case 'not': {
      const test = compiled(gmail, key.key)
      return async (mail) => !(await test(mail))
    }
    case 'and':
    case 'or': {
      const [tests, decisive] = [key.keys.map((one) => compiled(gmail, one)), key.kind === 'or']
      return async (mail) => {
        for (const test of tests) if ((await test(mail)) === decisive) return decisive
        return !decisive
      }
    }
  }
}
