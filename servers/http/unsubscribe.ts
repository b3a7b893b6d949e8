import type { Context, Hono } from 'hono'
import type { Api } from '../../src/api/api.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import { bodyOf } from './body.ts'
import type { Env } from './env.ts'

const PATH = '/unsubscribe'
/** The pair has 26 octets. A form of several parts has boundaries and fields around it. */
const MAX_BODY_OCTETS = 4096
/** Longest name of a list, and longest address. RFC 5321 section 4.5.3.1 */
const MAX_NAME = 320

/** Returns whether a path is a link to unsubscribe. Mail programs have no credentials. */
export const isUnsubscribeLink = (path: string): boolean => /^\/unsubscribe\/[^/]+\/[^/]+$/.test(path)

/** Adds the links of List-Unsubscribe. A mail program sends a POST; a person, or a program that follows links, a GET. RFC 8058. */
export function unsubscribeRoutes(app: Hono<Env>, api: Api): void {
  app.all(`${PATH}/:list/:recipient`, async (c) => {
    const { list, recipient } = c.req.param()
    if (list.length > MAX_NAME || recipient.length > MAX_NAME) throw new ApiProblem('not-found', 'the link is too long')
    const { method } = c.req
    // RFC 8058 section 1: programs that examine mail follow links, so that only POST may unsubscribe.
    if (method === 'GET' || method === 'HEAD') {
      return c.text(
        `${recipient} is subscribed to ${list}. Opening this link changes nothing; a POST unsubscribes (RFC 8058).\n`,
      )
    }
    if (method !== 'POST') {
      throw new ApiProblem('method-not-allowed', `the link has no ${method}`, {}, { Allow: 'GET, HEAD, POST' })
    }
    const octets = await bodyOf(c, MAX_BODY_OCTETS)
    if (!isOneClick(c.req.header('Content-Type') ?? '', octets.toString('latin1'))) {
      throw new ApiProblem('bad-request', 'the body is not the form List-Unsubscribe=One-Click (RFC 8058 section 3.2)')
    }
    const { record } = c.get('connection')
    const problems = problemsOf(c)
    api.lab.unsubscribes.add({
      list,
      recipient,
      problems,
      userAgent: c.req.header('User-Agent') ?? null,
      session: record.id,
    })
    for (const problem of problems) record.note(`unsubscribe: ${problem}`)
    // RFC 8058 section 3.1: no redirect.
    return c.text(`${recipient} is unsubscribed from ${list}.\n`)
  })
}

/** Returns whether a form has the one pair of RFC 8058 section 3.2. */
function isOneClick(contentType: string, body: string): boolean {
  const type = contentType.split(';')[0]?.trim().toLowerCase()
  if (type === 'application/x-www-form-urlencoded') {
    return new URLSearchParams(body).get('List-Unsubscribe') === 'One-Click'
  }
  if (type !== 'multipart/form-data') return false
  return /(?:^|\n)content-disposition: *form-data; *name="?List-Unsubscribe"? *\r?\n\r?\nOne-Click\r?\n--/i.test(body)
}

/** Returns the violations of a request. RFC 8058 sections 3.1 and 3.2. */
function problemsOf(c: Context<Env>): string[] {
  const { channel } = c.get('origin')
  return [
    ...(channel.secure ? [] : ['the request came by http; the link must be https']),
    ...(c.req.header('Cookie') === undefined ? [] : ['the request has a cookie']),
    ...(c.req.header('Authorization') === undefined ? [] : ['the request has credentials (Authorization)']),
  ]
}
