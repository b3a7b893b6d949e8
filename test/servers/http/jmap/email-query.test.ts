import { ImapFlow } from 'imapflow'
import { beforeAll, describe, expect, it } from 'vitest'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
})
const alice = new JmapClient(http)
/** Emails by their names. */
const ids = new Map<string, string>()
const boxIds = new Map<string, string>()
let imap: ImapFlow

// biome-ignore lint/suspicious/noExplicitAny: tests check the shape of the answer themselves
type Json = any
const day = (number: number): Date => new Date(Date.UTC(2026, 0, number))
const messages: readonly [name: string, mailbox: string, day: number, flags: string[], header: string, body: string][] =
  [
    [
      'a',
      'INBOX',
      1,
      ['\\Seen'],
      'From: Zoë <z@lab.test>\r\nTo: bob@lab.test\r\nSubject: Budget 2026',
      'first words here',
    ],
    [
      'b',
      'INBOX',
      2,
      ['\\Flagged'],
      'From: amy@lab.test\r\nTo: Carl <c@lab.test>\r\nCc: dan@lab.test\r\nSubject: Re: Budget 2026\r\nIn-Reply-To: <a@x>',
      'second',
    ],
    [
      'c',
      'Archive',
      3,
      ['\\Seen', 'Work'],
      'From: Bea <bea@lab.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nX-Tag: one two',
      'words here, first',
    ],
    [
      'd',
      'Archive',
      4,
      ['\\Seen'],
      'From: mo@lab.test\r\nBcc: eve@lab.test\r\nDate: Thu, 01 Jan 2015 00:00:00 +0000\r\nSubject: Zebra\r\nX-Tag: three',
      `<p>html</p>${'x'.repeat(5000)}`,
    ],
    ['e', 'Archive', 5, ['\\Deleted'], 'From: gone@lab.test\r\nSubject: Gone', 'gone'],
    [
      'f',
      'Sent',
      6,
      [],
      'From: alice@lab.test\r\nTo: bob@lab.test\r\nSubject: Other\r\nReferences: <a@x>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b',
      '--b\r\n\r\nwith a file\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=plan.pdf\r\n\r\nPDF\r\n--b--',
    ],
  ]

beforeAll(async () => {
  imap = new ImapFlow({ ...http.lab.imapflow({ user: 'alice', pass: 'secret' }), logger: false })
  await imap.connect()
  for (const [name, mailbox, date, flags, header, body] of messages) {
    const raw = `Message-ID: <${name}@x>\r\n${header}\r\n\r\n${body}\r\n`
    const { uid } = (await imap.append(mailbox, raw, flags, day(date))) as Json
    await imap.mailboxOpen(mailbox)
    ids.set(((await imap.fetchOne(`${uid}`, { uid: true }, { uid: true })) as Json).emailId, name)
  }
  for (const { name, id } of (await alice.ask('Mailbox/get')).list) boxIds.set(name, id)
  return () => imap.close()
})

const query = (args: object) => alice.ask('Email/query', args)
/** Returns the names of the Emails that a query finds, the oldest first by default; of an error, its type. */
async function found(filter: object | null, more: object = {}): Promise<string> {
  const result = await query({ filter, sort: [{ property: 'receivedAt' }], ...more })
  return result.type ?? result.ids.map((id: string) => ids.get(id)).join('')
}
const sorted = (...sort: object[]): Promise<string> => found(null, { sort })

describe('Email/query', () => {
  it.each<[string, object]>([
    ['ab', { inMailbox: 'INBOX' }],
    ['', { inMailbox: 'none' }],
    ['cdf', { inMailboxOtherThan: ['INBOX'] }],
    ['ab', { before: '2026-01-03T00:00:00Z' }],
    ['cdf', { after: '2026-01-03T00:00:00Z' }],
    ['d', { minSize: 5000 }],
    ['abcf', { maxSize: 5000 }],
    ['acd', { hasKeyword: '$seen' }],
    ['c', { hasKeyword: 'WORK' }],
    ['bf', { notKeyword: '$seen' }],
    ['cd', { allInThreadHaveKeyword: '$seen' }],
    ['abf', { someInThreadHaveKeyword: '$flagged' }],
    ['cd', { noneInThreadHaveKeyword: '$flagged' }],
    ['f', { hasAttachment: true }],
    ['abcd', { hasAttachment: false }],
    ['ac', { text: 'first here' }],
    ['a', { text: '"first words"' }],
    ['c', { text: "'words here, first'" }],
    ['ab', { text: 'BUDGET' }],
    ['', { text: '  ' }],
    ['a', { from: 'zoë' }],
    ['f', { from: 'alice' }],
    ['af', { to: 'bob@lab.test' }],
    ['b', { to: 'carl' }],
    ['b', { cc: 'dan' }],
    ['d', { bcc: 'eve' }],
    ['c', { subject: 'GRÜẞE' }],
    ['', { subject: 'first' }],
    ['ac', { body: 'words' }],
    ['', { body: 'budget' }],
    ['cd', { header: ['x-tag'] }],
    ['c', { header: ['X-TAG', 'TWO'] }],
    ['b', { hasKeyword: '$flagged', inMailbox: 'INBOX' }],
    ['abcdf', {}],
    ['bd', { operator: 'OR', conditions: [{ cc: 'dan' }, { minSize: 5000 }] }],
    ['acf', { operator: 'NOT', conditions: [{ cc: 'dan' }, { minSize: 5000 }] }],
    [
      'ab',
      { operator: 'AND', conditions: [{ inMailbox: 'INBOX' }, { operator: 'NOT', conditions: [{ body: 'none' }] }] },
    ],
    ['', { operator: 'OR', conditions: [] }],
    ['abcdf', { operator: 'AND', conditions: [] }],
  ])('finds %s by %j', async (names, filter) => {
    const text = JSON.stringify(filter).replaceAll('"INBOX"', `"${boxIds.get('INBOX')}"`)
    expect(await found(JSON.parse(text))).toBe(names)
  })

  it('sorts by every property that the session object names', async () => {
    const { accounts } = await alice.session()
    const { emailQuerySortOptions } = accounts.alice.accountCapabilities['urn:ietf:params:jmap:mail']
    for (const property of emailQuerySortOptions) expect(await sorted({ property, keyword: '$seen' })).toHaveLength(5)
    expect(emailQuerySortOptions).toHaveLength(9)
    const by = (property: string, more = {}) => ({ property, ...more })
    expect(await sorted(by('receivedAt'))).toBe('abcdf')
    expect(await sorted(by('receivedAt', { isAscending: false }))).toBe('fdcba')
    expect((await sorted(by('size', { isAscending: false }))).slice(0, 2)).toBe('df')
    // Without a name, the address counts.
    expect(await sorted(by('from'))).toBe('fbcda')
    expect((await sorted(by('to'))).slice(-1)).toBe('b')
    expect(await sorted(by('subject'), by('receivedAt'))).toBe('abcfd')
    expect(await sorted(by('sentAt'))).toBe('dabcf')
    expect(await sorted(by('hasKeyword', { keyword: '$seen' }), by('receivedAt'))).toBe('bfacd')
    expect(await sorted(by('allInThreadHaveKeyword', { keyword: '$seen' }), by('receivedAt'))).toBe('abfcd')
    const flagged = by('someInThreadHaveKeyword', { keyword: '$flagged', isAscending: false })
    expect(await sorted(flagged, by('receivedAt'))).toBe('abfcd')
    expect(await sorted(by('subject', { collation: 'i;ascii-casemap' }), by('receivedAt'))).toBe('abcfd')
  })

  it('collapses threads to the first Email of each', async () => {
    expect(await found(null, { collapseThreads: true })).toBe('acd')
    const newest = { sort: [{ property: 'receivedAt', isAscending: false }], collapseThreads: true }
    expect(await found({ hasKeyword: '$flagged' }, newest)).toBe('b')
    expect(await found(null, newest)).toBe('fdc')
  })

  it('returns pages by position and by anchor', async () => {
    const page = async (args: object) => {
      const result = await query({ sort: [{ property: 'receivedAt' }], limit: 2, ...args })
      return result.type ?? `${result.position} ${result.ids.map((id: string) => ids.get(id)).join('')} ${result.total}`
    }
    const anchor = [...ids].find(([, name]) => name === 'c')?.[0]
    expect(await page({ calculateTotal: true })).toBe('0 ab 5')
    expect(await page({ position: 3 })).toBe('3 df undefined')
    expect(await page({ position: -1 })).toBe('4 f undefined')
    expect(await page({ anchor, anchorOffset: -1 })).toBe('1 bc undefined')
    expect(await page({ anchor: 'none' })).toBe('anchorNotFound')
    expect(await page({ limit: -1 })).toBe('invalidArguments')
  })

  it('refuses what it does not know or is too much, and survives hostile values', async () => {
    const deep = (levels: number): object => (levels === 0 ? {} : { operator: 'NOT', conditions: [deep(levels - 1)] })
    expect(await found(deep(10))).toBe('abcdf')
    for (const filter of [
      ...[{ colour: 1 }, { __proto__x: 1 }, { constructor: 'x' }, { operator: 'XOR', conditions: [] }, deep(11)],
      ...[{ operator: 'OR', conditions: Array(600).fill({}) }, { text: 'word '.repeat(1000) }],
    ])
      expect(await found(filter)).toBe('unsupportedFilter')
    for (const filter of [
      ...[{ before: 'yesterday' }, { minSize: -1 }, { text: 1 }, { header: [] }, { header: ['a', 'b', 'c'] }],
      ...[
        { inMailboxOtherThan: 'x' },
        { operator: 'AND' },
        { operator: 'AND', conditions: [1] },
        { hasAttachment: 'yes' },
      ],
    ])
      expect([filter, await found(filter)]).toEqual([filter, 'invalidArguments'])
    for (const sort of [
      ...[{ property: 'colour' }, { property: 'hasKeyword' }, { property: 'from', collation: 'i;none' }, {}],
      ...[
        { property: 'noneInThreadHaveKeyword', keyword: 'x' },
        { property: 'toString' },
        { property: 'size', isAscending: 1 },
      ],
    ])
      expect([sort, await sorted(sort)]).toEqual([sort, 'unsupportedSort'])
  })

  it('finds nothing of other accounts', async () => {
    expect((await new JmapClient(http, 'bob').ask('Email/query', {})).ids).toEqual([])
  })
})

describe('SearchSnippet/get', () => {
  it('marks the words that were found in subject and text, as HTML', async () => {
    const raw = `Subject: Tom & Jerry <3\r\n\r\n${'long before '.repeat(30)}tom said <hi> to JERRY ${'after '.repeat(100)}\r\n`
    const { uid } = (await imap.append('INBOX', raw)) as Json
    await imap.mailboxOpen('INBOX')
    const { emailId } = (await imap.fetchOne(`${uid}`, { uid: true }, { uid: true })) as Json
    const snippets = async (filter: object | null) => {
      const { list } = await alice.ask('SearchSnippet/get', { emailIds: [emailId], filter })
      return list[0]
    }
    const { subject, preview } = await snippets({ text: 'jerry "tom said"' })
    expect(subject).toBe('Tom &amp; <mark>Jerry</mark> &lt;3')
    expect(preview).toMatch(/before <mark>tom said<\/mark> &lt;hi&gt; to <mark>JERRY<\/mark> after/)
    expect(Buffer.byteLength(preview)).toBeLessThanOrEqual(255)
    expect(await snippets({ body: 'long' })).toMatchObject({
      subject: null,
      preview: expect.stringMatching(/^<mark>long</),
    })
    expect(await snippets({ operator: 'NOT', conditions: [{ text: 'tom' }] })).toMatchObject({
      subject: null,
      preview: null,
    })
    expect(await snippets({ text: '.*+?()[]{}|\\^$/-' })).toMatchObject({ subject: null, preview: null })
    expect(await snippets(null)).toEqual({ emailId, subject: null, preview: null })
    const { notFound } = await alice.ask('SearchSnippet/get', { emailIds: ['none'], filter: { text: 'x' } })
    expect(notFound).toEqual(['none'])
    expect((await alice.ask('SearchSnippet/get', { emailIds: [], filter: { colour: 1 } })).type).toBe(
      'unsupportedFilter',
    )
    await imap.messageDelete(`${uid}`, { uid: true })
  })
})
