import { wordsCondition } from '../../../src/api/messages/search.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import { DeliveredMail, firstCopies, type Mail } from '../delivered-mail.ts'
import { countParameter, jsonResponse, type Route, type RouteCall } from '../routes.ts'
import { conditionsOn, type Filter, matches } from './filter.ts'
import { type Received, receivedOf } from './received.ts'
import { summaryOf } from './version-three.ts'

/** Longest messages of one answer together. */
const MAX_ANSWER_OCTETS = 16 * 1024 * 1024

const DEFAULT_PAGE = 50
const MAX_PAGE = 200

/** How a version of MailDev writes a message. */
export type Form = (received: Received) => object

/** Parameters of the list that are no filters. */
const PAGING = new Set(['skip', 'limit', 'sort'])

/** Creates the list of whole messages, the oldest first. */
export const listRoute = (path: string, form: Form): Route => ({
  method: 'GET',
  path,
  access: 'read',
  async run(call) {
    const { c } = call
    const [skip, limit] = [countParameter(c, 'skip', 0), countParameter(c, 'limit', Number.MAX_SAFE_INTEGER)]
    const filter = Object.entries(c.req.query()).filter(([name]) => !PAGING.has(name))
    const newest = (await DeliveredMail.of(call.api, call.caller)).all.mails
    const mails = c.req.query('sort') === 'desc' ? newest : newest.toReversed()
    const found = await wholeMessages(call, mails, { filter, skip, limit, form })
    return jsonResponse(c, found)
  },
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
      // What lists show is held. Other keys need the message.
      const facts = await api.reader.facts(mail.copies[0], { source })
      const known = facts && summaryOf(mail, facts)
      if (!known || !matches(known, conditionsOn(known, filter))) continue
    }
    const received = await receivedOf(api, mail, source)
    const whole = received && form(received)
    if (!whole || !matches(whole, filter)) continue
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

/** The page of lines that the web interface of MailDev 3 shows. */
export const summaryRoute: Route = {
  method: 'GET',
  path: '/api/email/summary',
  access: 'read',
  async run({ api, caller, c }) {
    const { search = '', sort, unread } = c.req.query()
    const skip = countParameter(c, 'skip', 0)
    const limit = Math.min(countParameter(c, 'limit', DEFAULT_PAGE) || DEFAULT_PAGE, MAX_PAGE)
    const delivered = await DeliveredMail.of(api, caller)
    const phrase = search.trim()
    const conditions = phrase === '' ? [] : [wordsCondition(phrase)]
    const matching = (await delivered.matching(conditions)).mails.filter(({ isRead }) => unread !== 'true' || !isRead)
    const ordered = sort === 'asc' ? matching.toReversed() : matching
    const items: object[] = []
    const page = ordered.slice(skip, skip + limit)
    using source = api.reader.ahead(firstCopies(page))
    for (const mail of page) {
      const facts = await api.reader.facts(mail.copies[0], { source })
      if (facts) items.push(summaryOf(mail, facts))
      if (isSliceOver()) await nextSlice()
    }
    const { mails, unread: unreadCount } = delivered.all
    return jsonResponse(c, {
      items,
      total: matching.length,
      storeTotal: mails.length,
      unread: unreadCount,
      skip,
      limit,
    })
  },
}
