import { aheadOfTests, matcherOf } from '../../../src/api/messages/matcher.ts'
import type { IndexedMessage } from '../../../src/api/messages/message-index.ts'
import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import type { AccountHistory, Mail } from '../../../src/storage/store/views/account-history.ts'
import { itemsSince } from './changes.ts'
import { isBoolean, optional } from './checks.ts'
import { emailConditions, needsOf } from './email-filter.ts'
import { comparatorsOf, type Found, sorted } from './email-sort.ts'
import { shownCopy } from './mails.ts'
import { findSmime } from './smime.ts'
import { threadsOf } from './thread.ts'
import type { MethodCall, Query } from './types.ts'

/** The ids that a query has found at a state, for the next page. */
interface Kept {
  readonly query: string
  readonly state: string
  readonly ids: readonly string[]
}
const kept = new WeakMap<AccountHistory, readonly Kept[]>()
/** Queries whose ids are kept for each account, and how long they may be, in characters. */
const KEPT_QUERIES = 4
const MAX_QUERY_CHARS = 10_000

const collapses = (call: MethodCall): boolean => optional(call, 'collapseThreads', isBoolean) ?? false

/** Email/query. Opens no message for filters and sorts that need only what the store lists. RFC 8621 section 4.4. */
export async function queryEmails(call: MethodCall, { filter, sort }: Query): Promise<readonly string[]> {
  const { history } = call.account
  const isCollapsed = collapses(call)
  const query = JSON.stringify([filter, sort, isCollapsed])
  const state = `${await history.settled()}`
  const all = kept.get(history) ?? []
  const known = all.find((one) => one.query === query && one.state === state)
  const ids = known?.ids ?? (await found(call, { filter, sort }, isCollapsed))
  const rest = all.filter((one) => one.query !== query && one.state === state)
  // Certificates expire without a change of the account.
  if (query.length <= MAX_QUERY_CHARS && !needsOf(filter, sort).has('smime'))
    kept.set(history, [{ query, state, ids }, ...rest].slice(0, KEPT_QUERIES))
  return ids
}

async function found(call: MethodCall, { filter, sort }: Query, isCollapsed: boolean): Promise<string[]> {
  const { api, account } = call
  const { history, store } = account
  const needs = needsOf(filter, sort)
  const threads = isCollapsed || needs.has('threads') ? await threadsOf(history) : new Map<string, Mail[]>()
  const smime = needs.has('smime') ? await findSmime(call) : undefined
  const conditions = emailConditions(filter, { mails: history.mails, threads, smime })
  const comparators = comparatorsOf(sort.length > 0 ? sort : [{ property: 'receivedAt', isAscending: false }], threads)
  const matches = matcherOf(api.reader, conditions, { isScan: true })
  const candidates: (Found & IndexedMessage)[] = []
  for (const mail of [...history.mails.values()]) {
    const copy = shownCopy(mail)
    if (copy) candidates.push({ mail, copy, id: mail.id, folder: copy.folder, entry: copy.entry, order: 0 })
    if (isSliceOver()) await nextSlice()
  }
  using source = aheadOfTests(api.reader, conditions, candidates)
  const emails: Found[] = []
  for (const one of candidates) {
    const isOne = matches(one, source)
    if (isOne === true || (isOne && (await isOne))) emails.push(one)
    if (isSliceOver()) await nextSlice()
    call.signal.throwIfAborted()
  }
  const mails = (await sorted(store, emails, comparators)).map(({ mail }) => mail)
  if (!isCollapsed) return mails.map(({ id }) => id)
  // RFC 8621 section 4.4.3: only the first Email of each thread stays.
  const seen = new Set<string>()
  return mails.filter(({ id, threadId = id }) => seen.size < seen.add(threadId).size).map(({ id }) => id)
}

/** Returns the Emails that a query may find at another place than before. RFC 8621 section 4.5. */
export async function queryEmailChanges(
  call: MethodCall,
  query: Query,
  since: string,
): Promise<Iterable<string> | undefined> {
  const { history } = call.account
  const needs = needsOf(query.filter, query.sort)
  const ofThreads = collapses(call) || needs.has('threads')
  const items = await itemsSince(history, since)
  const threads = ofThreads ? await threadsOf(history) : new Map<string, Mail[]>()
  const changed = new Set<string>()
  for (const { email } of items ?? []) {
    if (!email || (email.type === 'updated' && !email.isMoved && !needs.has('keywords'))) continue
    changed.add(email.id)
    if (!ofThreads) continue
    if (email.threadId === undefined) return undefined
    for (const { id } of threads.get(email.threadId) ?? []) changed.add(id)
  }
  return items && changed
}
