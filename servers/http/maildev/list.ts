import { wordsCondition } from '../../../src/api/messages/search.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { isSliceOver, nextSlice, type Steps } from '../../../src/core/time/time-slice.ts'
import { firstCopies, type Mail } from '../delivered-mail.ts'
import { countParameter, jsonResponse, type Route, type RouteCall, reads } from '../routes.ts'
import { formIfThere, formsOf, MAX_ANSWER_OCTETS, mailsOf, type ReceivedMail } from '../tool-mail.ts'
import { maildevSummary } from './version-three.ts'

const DEFAULT_PAGE = 50
const MAX_PAGE = 200

/** How a version of MailDev writes a message. */
export type Form = (received: ReceivedMail) => Steps<object>

/** Parameters of the list that are no filters. */
const PAGING = new Set(['skip', 'limit', 'sort'])

/** Creates the list of whole messages, the oldest first. */
export const listRoute = (path: string, form: Form): Route =>
  reads(path, async (call) => {
    const { c } = call
    const [skip, limit] = [countParameter(c, 'skip', 0), countParameter(c, 'limit', Number.MAX_SAFE_INTEGER)]
    const filter = Object.entries(c.req.query()).filter(([name]) => !PAGING.has(name))
    const newest = (await mailsOf(call)).all.mails
    const mails = c.req.query('sort') === 'desc' ? newest : newest.toReversed()
    return jsonResponse(c, await wholeMessages(call, mails, { filter, skip, limit, form }))
  })

interface Wanted {
  readonly filter: Filter
  readonly skip: number
  readonly limit: number
  readonly form: Form
}

/** @throws ApiProblem `too-large` */
async function wholeMessages(
  { api }: RouteCall,
  mails: readonly Mail[],
  { filter, skip, limit, form }: Wanted,
): Promise<object[]> {
  const found: object[] = []
  let [skipped, octets] = [0, 0]
  const chosen = filter.length === 0 ? mails.slice(skip, skip + limit) : mails
  using source = api.lab.store.readAhead(firstCopies(chosen))
  for (const mail of chosen) {
    if (found.length === limit) break
    if (isSliceOver()) await nextSlice()
    if (filter.length > 0) {
      // The keys of lists are held. Other keys need the message.
      const facts = await api.reader.facts(mail.copies[0], { source })
      const known = facts && maildevSummary(mail, facts)
      if (!known || !hasValues(known, conditionsOn(known, filter))) continue
    }
    const whole = await formIfThere(api, mail, form, source)
    if (!whole || !hasValues(whole, filter)) continue
    if (filter.length > 0 && skipped++ < skip) continue
    octets += mail.copies[0].entry.sizeOctets
    if (octets > MAX_ANSWER_OCTETS) {
      const why = `these messages have more than ${MAX_ANSWER_OCTETS} octets together, the limit of an answer`
      throw new ApiProblem('too-large', `${why}; ask for fewer: limit=10`)
    }
    found.push(whole)
  }
  return found
}

/** The values that a list is searched for, by the path of their key, such as `from.address`. */
type Filter = readonly (readonly [path: string, value: string])[]

/** Returns the values at a path. On the way, an array stands for all of its items. */
function valuesAt(value: unknown, [key, ...rest]: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((one) => valuesAt(one, key === undefined ? [] : [key, ...rest]))
  if (key === undefined) return [value]
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return []
  return valuesAt((value as Record<string, unknown>)[key], rest)
}

/** Returns whether a message has all values. */
const hasValues = (message: object, filter: Filter): boolean =>
  filter.every(([path, value]) => valuesAt(message, path.split('.')).some((one) => String(one) === value))

/** Returns the conditions about keys that an object has. */
const conditionsOn = (object: object, filter: Filter): Filter =>
  filter.filter(([path]) => Object.hasOwn(object, path.split('.')[0] ?? ''))

/** The page of lines that the web interface of MailDev 3 shows. */
export const summaryRoute: Route = reads('/api/email/summary', async (call) => {
  const { c } = call
  const { search = '', sort, unread } = c.req.query()
  const skip = countParameter(c, 'skip', 0)
  const limit = Math.min(countParameter(c, 'limit', DEFAULT_PAGE) || DEFAULT_PAGE, MAX_PAGE)
  const delivered = await mailsOf(call)
  const phrase = search.trim()
  const conditions = phrase === '' ? [] : [wordsCondition(phrase)]
  const matching = (await delivered.matching(conditions)).mails.filter(({ isRead }) => unread !== 'true' || !isRead)
  const ordered = sort === 'asc' ? matching.toReversed() : matching
  const items = await formsOf(call, ordered.slice(skip, skip + limit), maildevSummary)
  const { mails, unread: unreadCount } = delivered.all
  return jsonResponse(c, { items, total: matching.length, storeTotal: mails.length, unread: unreadCount, skip, limit })
})
