import { z } from 'zod'
import { type Condition, parseQuery } from '../../../src/api/messages/search.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { changeFlags, type DeliveredMail, deleteMails, type MailList } from '../delivered-mail.ts'
import { bodyOf, changes, countParameter, jsonResponse, type Route, type RouteCall, reads } from '../routes.ts'
import { formsOf, mailsOf } from '../tool-mail.ts'
import { mailpitSummary } from './shapes.ts'

const DEFAULT_LIMIT = 50

/** Answers with a part of a list, the counts of the whole mailbox, and its tags. */
async function answerList(call: RouteCall, { all }: DeliveredMail, found: MailList): Promise<Response> {
  const { api, c } = call
  const start = countParameter(c, 'start', 0)
  // As in Mailpit, 0 means no limit.
  const limit = countParameter(c, 'limit', DEFAULT_LIMIT) || found.mails.length
  const page = found.mails.slice(start, start + limit)
  const messages = await formsOf(call, page, (mail, facts) => mailpitSummary(api, mail, facts))
  return jsonResponse(c, {
    total: all.mails.length,
    unread: all.unread,
    count: messages.length,
    messages_count: found.mails.length,
    messages_unread: found.unread,
    start,
    tags: all.tags,
    messages,
  })
}

/**
 * Returns the conditions of the search of a request.
 * @param isLenient as in `parseQuery`: not for changes, which would concern every message
 * @throws ApiProblem `bad-request` without one
 */
function searchOf({ c }: RouteCall, query = '', isLenient = false): Condition[] {
  if (query.trim() === '') throw new ApiProblem('bad-request', 'query: is missing; write query=from:alice, for example')
  return parseQuery(query, c.req.query('tz') || undefined, isLenient)
}

const list = reads('/api/v1/messages', async (call) => {
  const delivered = await mailsOf(call)
  return answerList(call, delivered, delivered.all)
})

const search = reads('/api/v1/search', async (call) => {
  const conditions = searchOf(call, call.c.req.query('query'), true)
  const delivered = await mailsOf(call)
  return answerList(call, delivered, await delivered.matching(conditions))
})

const ids = z.array(z.string()).default([])

const setRead = changes('PUT', '/api/v1/messages', async (call) => {
  const wanted = await bodyOf(call, z.object({ read: z.boolean().default(false), ids, search: z.string().default('') }))
  if (wanted.ids.length > 0 && wanted.search !== '') {
    throw new ApiProblem('bad-request', 'IDs and Search exclude each other; write one of them')
  }
  const delivered = await mailsOf(call)
  const found =
    wanted.ids.length > 0
      ? await delivered.some(wanted.ids)
      : wanted.search === ''
        ? delivered.all.mails
        : (await delivered.matching(searchOf(call, wanted.search))).mails
  await changeFlags(call.api, found, { mode: wanted.read ? 'add' : 'remove', flags: ['\\Seen'] })
  return call.c.text('ok')
})

const remove = changes('DELETE', '/api/v1/messages', async (call) => {
  const wanted = await bodyOf(call, z.object({ ids }))
  const delivered = await mailsOf(call)
  // As in Mailpit, no ids mean every message.
  const found = wanted.ids.length > 0 ? await delivered.some(wanted.ids) : delivered.all.mails
  await deleteMails(call.api, found)
  return call.c.text('ok')
})

const removeFound = changes('DELETE', '/api/v1/search', async (call) => {
  const conditions = searchOf(call, call.c.req.query('query'))
  const delivered = await mailsOf(call)
  await deleteMails(call.api, (await delivered.matching(conditions)).mails)
  return call.c.text('ok')
})

export const messagesRoutes: readonly Route[] = [list, search, setRead, remove, removeFound]
