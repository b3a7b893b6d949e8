import { beforeAll, describe, expect, it } from 'vitest'
import { bearer, HttpLab } from '../../client.ts'
import { GmailClient, gmailLab, mime } from './gmail-lab.ts'

// The errors that Google documents, with their JSON:
// https://developers.google.com/workspace/gmail/api/guides/handle-errors
// https://developers.google.com/workspace/gmail/api/guides/sync (a startHistoryId that is too old: 404)
// https://developers.google.com/workspace/gmail/api/guides/performance (fields)
// https://developers.google.com/workspace/gmail/api/guides/batch
// https://cloud.google.com/apis/design/errors (names of the statuses)

const [servers] = [gmailLab().virtualServers ?? []]
const http = HttpLab.ofTests(
  gmailLab({
    virtualServers: servers.map((server) =>
      server.protocol === 'http'
        ? { ...server, limits: { rate: { messages: 2, per: '1h' }, messageSize: '20KB' } }
        : server,
    ),
  }),
)
const alice = new GmailClient(http)

const raw = (text: string) => Buffer.from(text).toString('base64url')
const send = { raw: raw(mime('Sent').replace('alice@', 'bob@')) }
const errorOf = (
  code: number,
  status: string,
  reason: string,
  message: unknown = expect.any(String),
  domain = 'global',
) => ({
  error: { code, message, errors: [expect.objectContaining({ message, domain, reason })], status },
})
const invalid = (message: unknown) => errorOf(400, 'INVALID_ARGUMENT', 'invalidArgument', message)
const missing = errorOf(404, 'NOT_FOUND', 'notFound', 'Requested entity was not found.')

let id: string
beforeAll(async () => {
  id = await alice.insert('One')
})

describe('the errors of the Gmail API', () => {
  it.each<[name: string, request: string, json: unknown, answer: { readonly error: { readonly code: number } }]>([
    ['a bad q', 'GET messages?q=)', undefined, invalid(expect.stringMatching(/query/i))],
    ['a bad date in q', 'GET messages?q=after:never', undefined, invalid(expect.stringMatching(/query/i))],
    ['an unknown id', 'GET messages/1234567890abcdef', undefined, missing],
    ['an id of another form', 'GET messages/xyz', undefined, invalid('Invalid id value')],
    ['an unknown thread', 'GET threads/1234567890abcdef', undefined, missing],
    ['an unknown draft', 'GET drafts/r123', undefined, missing],
    ['a bad label', 'POST messages/ID/modify', { addLabelIds: ['Nowhere'] }, invalid('Invalid label: Nowhere')],
    ['an unknown label', 'GET labels/Label_9', undefined, missing],
    [
      'a label that exists',
      'POST labels',
      { name: 'inbox' },
      errorOf(409, 'ABORTED', 'aborted', 'Label name exists or conflicts'),
    ],
    ['a label without a name', 'POST labels', {}, invalid('Invalid label name')],
    ['a system label that is deleted', 'DELETE labels/INBOX', undefined, invalid('Invalid update request')],
    ['an invalid page token', 'GET messages?pageToken=x', undefined, invalid('Invalid pageToken')],
    ['an invalid maxResults', 'GET messages?maxResults=0', undefined, invalid('Invalid value for maxResults: 0')],
    ['an unknown format', 'GET messages/ID?format=html', undefined, invalid(`Invalid value at 'format': "html"`)],
    [
      'an attachment that is not there',
      'GET messages/ID/attachments/7',
      undefined,
      invalid('Invalid attachment token'),
    ],
    ['no startHistoryId', 'GET history', undefined, invalid('Missing required parameter: startHistoryId')],
    ['an expired startHistoryId', 'GET history?startHistoryId=1', undefined, missing],
    [
      'an unknown historyType',
      'GET history?startHistoryId=1&historyTypes=x',
      undefined,
      invalid(expect.stringContaining('history_types')),
    ],
    ['no ids', 'POST messages/batchDelete', { ids: [] }, invalid(expect.stringContaining('No message ids specified.'))],
    ['no message', 'POST messages/send', {}, invalid('Recipient address required')],
    ['no recipient', 'POST messages/send', { raw: raw('Subject: x\r\n\r\n') }, invalid('Recipient address required')],
    [
      'a message that is too large',
      'POST messages',
      { raw: raw('x'.repeat(30_000)) },
      errorOf(413, 'INVALID_ARGUMENT', 'uploadTooLarge'),
    ],
    ['no topic', 'POST watch', {}, invalid(expect.stringContaining('topicName'))],
    ['bad JSON', 'POST messages/send', '{', invalid(expect.stringContaining('JSON'))],
    [
      'the mailbox of another user',
      'GET /gmail/v1/users/bob@lab.test/messages',
      undefined,
      errorOf(403, 'PERMISSION_DENIED', 'forbidden', 'Delegation denied for the account'),
    ],
    ['bad fields', 'GET messages?fields=messages(id', undefined, invalid('Invalid field selection messages(id')],
    ['a batch without requests', 'POST /gmail/batch/gmail/v1', {}, invalid(expect.stringContaining('inner requests'))],
    ['a method that is not offered', 'GET settings/imap', undefined, errorOf(501, 'UNIMPLEMENTED', 'notImplemented')],
  ])('%s', async (_, request, json, answer) => {
    const [method = '', path = ''] = request.replace('ID', id).split(' ')
    const got = await alice.ask(method, path, json)
    expect([got.status, got.body]).toEqual([answer.error.code, answer])
  })

  it('a token that is not one of the lab, none, and one of another scope', async () => {
    const ask = async (headers: Record<string, string>) => {
      const { status, body } = await http.request('/gmail/v1/users/me/messages', { headers })
      expect(body.error.code).toBe(status)
      return body
    }
    const unknown = errorOf(
      401,
      'UNAUTHENTICATED',
      'authError',
      expect.stringMatching(/^Request had invalid authentication/),
    )
    const place = { locationType: 'header', location: 'Authorization' }
    expect(await ask(bearer('x'))).toEqual(unknown)
    expect((await ask({})).error.errors).toEqual([expect.objectContaining(place)])
    const other = await http.lab.accessToken({ user: 'alice', scope: 'imap4' })
    expect(await ask(bearer(other))).toEqual(
      errorOf(403, 'PERMISSION_DENIED', 'insufficientPermissions', 'Request had insufficient authentication scopes.'),
    )
  })

  it('more messages than the rate allows', async () => {
    for (const _ of [1, 2]) expect((await alice.ask('POST', 'messages/send', send)).status).toBe(200)
    const { status, body } = await alice.ask('POST', 'messages/send', send)
    const limited = errorOf(429, 'RESOURCE_EXHAUSTED', 'rateLimitExceeded', 'User-rate limit exceeded.', 'usageLimits')
    expect([status, body]).toEqual([429, limited])
  })
})
