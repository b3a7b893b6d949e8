import { parseQuery } from '../../../src/api/messages/search.ts'
import { notFound } from '../../../src/api/problem.ts'
import type { Mail } from '../delivered-mail.ts'
import { pathParameter, type RouteCall } from '../routes.ts'
import { mailsOf } from '../tool-mail.ts'

/** The path of a message. */
export const MESSAGE = '/api/v1/message/:id'

/** Returns a message by its id. `latest` is the newest, or the newest that matches `query`. @throws ApiProblem `not-found` */
export async function requestedMail(call: RouteCall, id = pathParameter(call.c, 'id')): Promise<Mail> {
  const delivered = await mailsOf(call)
  if (id !== 'latest') return delivered.get(id)
  const { query = '', tz } = call.c.req.query()
  const [latest] = (await delivered.matching(parseQuery(query, tz || undefined, true))).mails
  if (latest) return latest
  throw notFound('no message has arrived yet, or none that matches `query`')
}
