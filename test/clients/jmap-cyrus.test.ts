import { isDeepStrictEqual } from 'node:util'
import { ImapFlow } from 'imapflow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLab, type TestLab } from '../../src/testing/index.ts'
import { corpus } from '../support/corpus.ts'
import { CYRUS, type Cyrus, startCyrus } from '../support/cyrus.ts'
import { ifInstalled } from '../support/more-programs.ts'

type Json = Readonly<Record<string, unknown>>
type Answer = readonly [name: string, args: Json, callId: string]
type JsonAnswer = readonly [name: string, args: Json]

/** A server with the mails of the corpus in INBOX, each with an internal date of its own. */
interface Side {
  readonly account: string
  /** The ids of the mails in order of their dates. */
  ids: readonly string[]
  call(...calls: readonly (readonly [name: string, args: Json])[]): Promise<readonly Answer[]>
}

const USING = ['core', 'mail'].map((name) => `urn:ietf:params:jmap:${name}`)
const FIRST = Date.UTC(2026, 0, 1)
const messages = corpus().map(({ name, raw }) => ({
  name,
  raw: Buffer.from(raw.toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1'),
}))

function sideOf(url: string, account = 'alice'): Side {
  const headers = {
    'Content-Type': 'application/json',
    Authorization: `Basic ${Buffer.from('alice:secret').toString('base64')}`,
  }
  return {
    account,
    ids: [],
    async call(...calls) {
      const methodCalls = calls.map(([name, args], at) => [name, { accountId: account, ...args }, `${at}`])
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ using: USING, methodCalls }) })
      if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
      return ((await answer.json()) as { methodResponses: Answer[] }).methodResponses
    },
  }
}

const flagsOf = (at: number): string[] => [...(at % 7 === 0 ? ['\\Flagged'] : []), ...(at % 3 === 0 ? ['\\Seen'] : [])]

async function fill(port: number): Promise<void> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: false,
    doSTARTTLS: false,
    logger: false,
    auth: { user: 'alice', pass: 'secret' },
  })
  await client.connect()
  for (const [at, { raw }] of messages.entries())
    await client.append('INBOX', raw, flagsOf(at), new Date(FIRST + at * 60_000))
  await client.logout()
}

const headerOf = (at: number): string => messages[at]?.raw.toString('latin1').split('\r\n\r\n', 1)[0] ?? ''
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text)

/** Returns whether the subject, the sender and the recipient of a header are words and addresses that both read alike. */
const isPlain = (header: string): boolean =>
  isAscii(header) &&
  !header.includes('=?') &&
  /^To:[^:;]*@/im.test(header) &&
  !/^To:\s*(?:""|undisclosed)|^From: ""/im.test(header)

/** Returns a value without what says the same in two ways: no parts, and no address. Charsets are shown as they are, or as they were read. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(comparable)
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value.trim() : value
  const kept = Object.entries(value).filter(([name]) => name !== 'charset' && name !== 'isEncodingProblem')
  return Object.fromEntries(kept.map(([name, inner]) => [name, comparable(inner)]))
}

/** Returns whether Cyrus has replaced characters that it could not read. */
const isLossy = (value: unknown): boolean => JSON.stringify(value).includes('\ufffd')

/** Replaces what every server chooses itself: ids by the mails that they name, states and blobs by nothing. */
function normal(value: unknown, side: Side): unknown {
  const places = new Map(side.ids.map((id, at) => [id, `mail ${at}`]))
  const own = [
    'state',
    'oldState',
    'newState',
    'queryState',
    'oldQueryState',
    'newQueryState',
    'accountId',
    'blobId',
    'threadId',
  ]
  const of = (one: unknown): unknown => {
    if (typeof one === 'string') return places.get(one) ?? one
    if (Array.isArray(one)) return one.map(of)
    if (typeof one !== 'object' || one === null) return one
    const kept = Object.entries(one).filter(([name]) => !own.includes(name))
    return Object.fromEntries(kept.map(([name, inner]) => [places.get(name) ?? name, of(inner)]))
  }
  return of(value)
}

/** The filters and sorts whose results must be the same ids in the same order. */
const received = [{ property: 'receivedAt', isAscending: true }]
const at = (minute: number): string => new Date(FIRST + minute * 60_000 - 30_000).toISOString().replace('.000', '')
const queries: readonly (readonly [name: string, args: Json])[] = [
  ['all, by date', { sort: received }],
  ['all, without a sort', {}],
  ['before', { filter: { before: at(100) }, sort: received }],
  ['after', { filter: { after: at(100) }, sort: received }],
  ['minSize', { filter: { minSize: 10_000 }, sort: received }],
  ['maxSize', { filter: { maxSize: 3_000 }, sort: received }],
  ['hasKeyword', { filter: { hasKeyword: '$flagged' }, sort: received }],
  ['notKeyword', { filter: { notKeyword: '$seen' }, sort: received }],
  ['someInThreadHaveKeyword', { filter: { someInThreadHaveKeyword: '$flagged' }, sort: received }],
  ['allInThreadHaveKeyword', { filter: { allInThreadHaveKeyword: '$flagged' }, sort: received }],
  ['noneInThreadHaveKeyword', { filter: { noneInThreadHaveKeyword: '$flagged' }, sort: received }],
  ['AND', { filter: { operator: 'AND', conditions: [{ minSize: 3_000 }, { before: at(150) }] }, sort: received }],
  ['OR', { filter: { operator: 'OR', conditions: [{ minSize: 20_000 }, { before: at(10) }] }, sort: received }],
  ['NOT', { filter: { operator: 'NOT', conditions: [{ minSize: 3_000 }, { before: at(10) }] }, sort: received }],
  [
    'nested',
    {
      filter: {
        operator: 'AND',
        conditions: [{ operator: 'NOT', conditions: [{ maxSize: 9_000 }] }, { after: at(20) }],
      },
      sort: received,
    },
  ],
  ['a header that exists', { filter: { header: ['List-Id'] }, sort: received }],
  ['by size', { sort: [{ property: 'size' }, ...received] }],
  ['by size, the largest first', { sort: [{ property: 'size', isAscending: false }, ...received] }],
  ['by subject', { sort: [{ property: 'subject' }, ...received] }],
  ['by sender', { sort: [{ property: 'from' }, ...received] }],
  ['by recipient', { sort: [{ property: 'to' }, ...received] }],
  ['by the date in the header', { sort: [{ property: 'sentAt' }, ...received] }],
  ['by a keyword', { sort: [{ property: 'hasKeyword', keyword: '$flagged' }, ...received] }],
  [
    'by a keyword in the thread',
    { sort: [{ property: 'someInThreadHaveKeyword', keyword: '$flagged', isAscending: false }, ...received] },
  ],
  ['one of each thread', { collapseThreads: true, sort: received }],
  ['one of each thread, the newest', { collapseThreads: true, sort: [{ property: 'receivedAt', isAscending: false }] }],
  ['a part', { sort: received, position: 17, limit: 5 }],
  ['a part from the end', { sort: received, position: -5, limit: 3 }],
  ['limit 0', { sort: received, limit: 0, calculateTotal: true }],
]

/** Sorts by texts of the header, of which Cyrus replaces octets that are not ASCII. */
const TEXT_SORTS = ['by subject', 'by sender', 'by recipient']

/** The mails of which a property differs on purpose. docs/conformance.md has the reasons. */
const DELIBERATE: Readonly<Record<string, readonly string[]>> = {
  // Words around the identifiers, which have angle brackets. RFC 5322 section 3.6.4
  inReplyTo: [
    'easy-ham-1.00975',
    'easy-ham-1.00993',
    'easy-ham-2.00197',
    'easy-ham-2.00706',
    'easy-ham-2.00721',
    'easy-ham-2.00758',
  ],
  messageId: ['spam-1.00237', 'spam-1.00498', 'spam-2.00695', 'spam-2.01245', 'spam-2.01309', 'spam-2.01371'],
  // A local part that needs its quotes.
  from: ['spam-1.00319'],
  // A local part with a space.
  to: ['spam-2.00013'],
  // Cyrus has rules of its own; here, an attachment that is not inline. RFC 8621 section 4.1.4
  hasAttachment: [
    'easy-ham-1.00063',
    'easy-ham-1.00067',
    'easy-ham-1.00975',
    'easy-ham-1.01045',
    'easy-ham-1.01216',
    'easy-ham-1.01294',
    'easy-ham-1.01542',
    'easy-ham-1.01561',
    'easy-ham-2.00718',
    'easy-ham-2.01311',
    'easy-ham-2.01388',
    'hard-ham-1.00233',
    'spam-1.00036',
  ],
  // A multipart without parts, a bare line feed, a file name without quotes.
  bodyStructure: ['spam-1.00467', 'spam-2.00164', 'spam-2.01359'],
  // text/enriched is no text here, and a multipart without parts has none.
  textBody: ['easy-ham-1.00063', 'spam-1.00467'],
  htmlBody: ['easy-ham-1.00063', 'spam-1.00467'],
  attachments: ['easy-ham-1.00063'],
  // A multipart without parts; Cyrus drops a CR without LF. RFC 8621 section 4.1.4
  bodyValues: ['spam-1.00467', 'spam-2.00164', 'spam-2.00179', 'spam-2.00238'],
  'header:To:asAddresses': ['spam-2.00013'],
  'header:To:asAddresses:all': ['spam-2.00013'],
}

/** Properties of the Email objects. */
const properties: readonly (readonly [name: string, args: Json])[] = [
  [
    'header properties',
    {
      properties: [
        'messageId',
        'inReplyTo',
        'references',
        'sender',
        'from',
        'to',
        'cc',
        'bcc',
        'replyTo',
        'subject',
        'sentAt',
      ],
    },
  ],
  ['metadata', { properties: ['keywords', 'size', 'receivedAt', 'hasAttachment'] }],
  [
    'body structure',
    {
      properties: ['bodyStructure'],
      bodyProperties: [
        'partId',
        'size',
        'type',
        'charset',
        'disposition',
        'name',
        'cid',
        'language',
        'location',
        'subParts',
      ],
    },
  ],
  ['body lists', { properties: ['textBody', 'htmlBody', 'attachments'], bodyProperties: ['partId', 'type'] }],
  ['body values', { properties: ['bodyValues'], fetchAllBodyValues: true }],
  ['the header', { properties: ['headers'] }],
  ...['asRaw', 'asText', 'asAddresses', 'asGroupedAddresses', 'asMessageIds', 'asDate', 'asURLs'].map((form) => {
    const name =
      {
        asAddresses: 'To',
        asGroupedAddresses: 'Cc',
        asMessageIds: 'References',
        asDate: 'Resent-Date',
        asURLs: 'List-Unsubscribe',
      }[form] ?? 'Subject'
    return [`header:${name}:${form}`, { properties: [`header:${name}:${form}`, `header:${name}:${form}:all`] }] as const
  }),
]

describe.skipIf(messages.length === 0 || !ifInstalled(...CYRUS))('JMAP beside Cyrus IMAP', () => {
  let [lab, cyrus, ours, theirs] = [] as unknown as [TestLab, Cyrus, Side, Side]

  beforeAll(async () => {
    lab = await startLab({
      directory: { accounts: [{ user: 'alice', password: 'secret' }] },
      virtualServers: [{ protocol: 'imap4' }, { protocol: 'http' }],
    })
    cyrus = await startCyrus()
    ours = sideOf(`http://127.0.0.1:${lab.server('http').port}/jmap/api`)
    theirs = sideOf(cyrus.jmap)
    await Promise.all([fill(lab.server('imap4').port), fill(cyrus.imapPort)])
    for (const side of [ours, theirs]) {
      const [answer] = await side.call(['Email/query', { sort: received }])
      side.ids = answer?.[1].ids as string[]
    }
  })

  afterAll(async () => {
    await cyrus?.[Symbol.asyncDispose]()
    await lab?.stop()
  })

  /** Returns the answers of both to the same call, in the same words. */
  async function both(
    name: string,
    args: Json | ((side: Side) => Json),
  ): Promise<readonly [ours: JsonAnswer, theirs: JsonAnswer]> {
    const ask = async (side: Side): Promise<JsonAnswer> => {
      const [answer] = await side.call([name, typeof args === 'function' ? args(side) : args])
      return normal(answer?.slice(0, 2), side) as JsonAnswer
    }
    return [await ask(ours), await ask(theirs)]
  }

  test.each(queries)('Email/query: %s', async (name, args) => {
    const [own, other] = await both('Email/query', args)
    const isSeen = (id: unknown): boolean => !TEXT_SORTS.includes(name) || isPlain(headerOf(Number(`${id}`.slice(5))))
    const idsOf = ([, { ids }]: JsonAnswer): unknown[] => (ids as unknown[]).filter(isSeen)
    expect(idsOf(own)).toEqual(idsOf(other))
    if (args.calculateTotal) expect(own[1].total).toBe(other[1].total)
  })

  test.each(properties)('Email/get: %s', async (_, args) => {
    const [own, other] = await both('Email/get', (side) => ({ ids: side.ids, ...args }))
    const listOf = ([, { list = [] }]: JsonAnswer) => list as readonly Json[]
    const differing = new Map<string, string[]>()
    for (const [at, mail] of listOf(own).entries()) {
      if (!isAscii(headerOf(at))) continue
      for (const [name, value] of Object.entries(listOf(other)[at] ?? {})) {
        const [ours, theirs] = [comparable(mail[name]), comparable(value)]
        if (isDeepStrictEqual(ours, theirs) || isLossy(theirs)) continue
        differing.set(name, [...(differing.get(name) ?? []), (messages[at]?.name ?? '').replace('.eml', '')])
      }
    }
    expect(Object.fromEntries(differing)).toEqual(
      Object.fromEntries(Object.entries(DELIBERATE).filter(([name]) => (args.properties as string[]).includes(name))),
    )
  })
})
