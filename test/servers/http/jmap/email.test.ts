import { describe, expect, it } from 'vitest'
import { ImapClient } from '../../../support/imap-client.ts'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: {
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'bob', password: 'secret', quota: { messages: 1, size: '10KiB' } },
    ],
  },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    { protocol: 'http', jmap: { maxObjectsInGet: 20, maxObjectsInSet: 20 }, limits: { messageSize: '100KiB' } },
  ],
})
const alice = new JmapClient(http)
const bob = new JmapClient(http, 'bob')

const imap = () => ImapClient.open(http.lab.server('imap4').port, 'alice', 'secret')

/** Appends a message over IMAP, and returns the id of its Email. */
async function appended(text: string, mailbox = 'INBOX', flags = ''): Promise<string> {
  const client = await imap()
  const raw = Buffer.from(text.replaceAll(/\r?\n/g, '\r\n')).toString('latin1')
  const [, uid] = /\[APPENDUID \d+ (\d+)\]/.exec(await client.append(mailbox, raw, flags)) ?? []
  await client.ok(`SELECT ${mailbox}`)
  const lines = await client.ok(`UID FETCH ${uid} (EMAILID)`)
  client.destroy()
  return /EMAILID \(([^)]+)\)/.exec(lines.join('\n'))?.[1] as string
}

const mailboxId = async (name: string): Promise<string> => {
  const client = await imap()
  const lines = await client.ok(`STATUS ${name} (MAILBOXID)`)
  client.destroy()
  return /MAILBOXID \(([^)]+)\)/.exec(lines.join('\n'))?.[1] as string
}

/** Returns one Email. */
async function got(id: string, properties?: readonly string[], args: object = {}) {
  const { list } = await alice.ask('Email/get', { ids: [id], properties, ...args })
  return list[0]
}

/** Creates an Email in the drafts, and returns the response of the call with its creation id `k`. */
async function set(email: object, user = alice) {
  const mailboxIds = { [await mailboxId('Drafts')]: true }
  return user.ask('Email/set', { create: { k: { mailboxIds, ...email } } })
}

/** Returns the id of a blob: a part of a message. */
async function blobOf(octets: Buffer): Promise<string> {
  const part = `Content-Type: application/x-any\nContent-Transfer-Encoding: base64\n\n${octets.toString('base64')}`
  return `${await appended(`Content-Type: multipart/mixed; boundary=b\n\n--b\n${part}\n--b--\n`)}-1`
}

const text = (value: string) => ({ textBody: [{ partId: 't' }], bodyValues: { t: { value } } })

describe('Email/get', () => {
  it('returns the metadata as IMAP has them', async () => {
    const id = await appended('Subject: metadata\n\nx\n', 'INBOX', '\\Seen \\Answered $Label1 NonJunk')
    const inbox = await mailboxId('INBOX')
    expect(await got(id, ['blobId', 'threadId', 'mailboxIds', 'keywords', 'size', 'receivedAt'])).toEqual({
      id,
      blobId: id,
      threadId: expect.stringMatching(/^T/),
      mailboxIds: { [inbox]: true },
      size: 24,
      keywords: { $seen: true, $answered: true, $label1: true, nonjunk: true },
      receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    })
  })

  it('does not show a message that IMAP has marked as deleted', async () => {
    const id = await appended('Subject: deleted\n\nx\n', 'INBOX', '\\Deleted')
    expect(await alice.ask('Email/get', { ids: [id] })).toMatchObject({ list: [], notFound: [id] })
  })

  it('returns header fields in every form', async () => {
    const id = await appended(
      [
        'Received: from a by b; Mon, 2 Mar 2026 10:00:00 +0100',
        'Received: from c by d; Mon, 2 Mar 2026 09:00:00 +0000',
        'From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>',
        'To: A group: alice@lab.test, "B \\"C\\"" <b@example.org>;, carol@example.org (Carol)',
        'Cc: ali',
        'Subject: =?iso-8859-1?Q?Gr=FC=DFe?= a=?utf-8?q?b?= =?x-unknown?q?c?=',
        'Date: Mon, 2 Mar 2026 10:00:00 +0530',
        'Message-ID: <1@example.org>',
        'In-Reply-To: your mail',
        'References: <a@x>',
        '\t<b@x>',
        'List-Post: <mailto:list@example.org> (moderated), <https://example.org/post>',
        'List-Help: NO',
        'X-Text: =?utf-8?q?e=CC=81?=',
        'X-Raw:  two\n  lines',
        '',
        'x',
      ].join('\n'),
    )
    const group = [
      { name: null, email: 'alice@lab.test' },
      { name: 'B "C"', email: 'b@example.org' },
    ]
    const carol = { name: 'Carol', email: 'carol@example.org' }
    const expected = {
      from: [{ name: 'Jörg', email: 'joerg@example.org' }],
      to: [...group, carol],
      'header:To:asGroupedAddresses': [
        { name: 'A group', addresses: group },
        { name: null, addresses: [carol] },
      ],
      cc: [{ name: null, email: 'ali' }],
      bcc: null,
      // An encoded-word needs white space around it and a known charset. RFC 8621 section 4.1.2.2
      subject: 'Grüße a=?utf-8?q?b?= =?x-unknown?q?c?=',
      sentAt: '2026-03-02T10:00:00+05:30',
      messageId: ['1@example.org'],
      inReplyTo: null,
      references: ['a@x', 'b@x'],
      'header:list-post:asURLs': ['mailto:list@example.org', 'https://example.org/post'],
      'header:List-Help:asURLs': null,
      'header:X-Text:asText': '\u00e9',
      'header:X-Raw': '  two\r\n  lines',
      'header:X-Raw:asText:all': ['two  lines'],
      'header:Received': ' from c by d; Mon, 2 Mar 2026 09:00:00 +0000',
      'header:Received:all': [
        ' from a by b; Mon, 2 Mar 2026 10:00:00 +0100',
        ' from c by d; Mon, 2 Mar 2026 09:00:00 +0000',
      ],
      'header:X-None:all': [],
      'header:X-None:asDate': null,
    }
    expect(await got(id, Object.keys(expected))).toEqual({ id, ...expected })
    const { headers } = await got(id, ['headers'])
    expect(headers).toHaveLength(14)
    expect(headers.at(-1)).toEqual({ name: 'X-Raw', value: '  two\r\n  lines' })
  })

  it.each([
    'header:From:asDate',
    'header:Subject:asAddresses',
    'header:Received:asText',
    'header:X:all:asText',
    'header:X:asNothing',
    'header::asText',
    'header:From:asURLs:all',
  ])('refuses %s', async (property) => {
    expect(await alice.ask('Email/get', { ids: [], properties: [property] })).toMatchObject({
      type: 'invalidArguments',
    })
  })

  const NESTED = `Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Grüße
--a
Content-Type: multipart/related; boundary=r

--r
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<p>Gr=FC=DFe <a href=3D"https://example.org/a>b">link</a></p>
--r
Content-Type: image/png; name=logo.png
Content-Disposition: inline
Content-ID: <logo@x>
Content-Language: de, en
Content-Location: https://example.org/logo.png
Content-Transfer-Encoding: base64

iVBORw==
--r--
--a--
--m
Content-Type: text/plain
Content-Disposition: attachment; filename*=utf-8''%C3%A4.txt

file
--m
Content-Type: message/rfc822

Subject: inside

inner
--m--
`

  it('returns the parts and sorts them as RFC 8621 section 4.1.4 says', async () => {
    const id = await appended(NESTED)
    const email = await got(id, ['bodyStructure', 'textBody', 'htmlBody', 'attachments', 'hasAttachment', 'preview'])
    const partIds = (list: { partId: string }[]) => list.map(({ partId }) => partId)
    expect(email).toMatchObject({ hasAttachment: true, preview: 'Grüße' })
    expect(partIds(email.textBody)).toEqual(['1.1'])
    expect(partIds(email.htmlBody)).toEqual(['1.2.1'])
    expect(partIds(email.attachments)).toEqual(['1.2.2', '2', '3'])
    expect(email.attachments[0]).toEqual({
      partId: '1.2.2',
      blobId: `${id}-1_2_2`,
      size: 4,
      name: 'logo.png',
      type: 'image/png',
      charset: null,
      disposition: 'inline',
      cid: 'logo@x',
      language: ['de', 'en'],
      location: 'https://example.org/logo.png',
    })
    expect(email.attachments[1]).toMatchObject({ name: 'ä.txt', charset: 'us-ascii', disposition: 'attachment' })
    expect(email.attachments[2]).toMatchObject({ type: 'message/rfc822', charset: null })
    expect(email.bodyStructure).toMatchObject({ partId: null, blobId: null, type: 'multipart/mixed' })
    expect(email.bodyStructure.subParts).toHaveLength(3)
    expect(email.bodyStructure.subParts[2].subParts).toBeUndefined()
    const { textBody } = await got(id, ['textBody'], { bodyProperties: ['size', 'header:Content-Type', 'headers'] })
    expect(textBody).toEqual([
      {
        size: 7,
        'header:Content-Type': ' text/plain; charset=utf-8',
        headers: [
          { name: 'Content-Type', value: ' text/plain; charset=utf-8' },
          { name: 'Content-Transfer-Encoding', value: ' 8bit' },
        ],
      },
    ])
  })

  it('returns body values, cut where a client asks for it', async () => {
    const id = await appended(NESTED)
    const values = async (args: object) => (await got(id, ['bodyValues'], args)).bodyValues
    const whole = { isEncodingProblem: false, isTruncated: false }
    const html = '<p>Grüße <a href="https://example.org/a>b">link</a></p>'
    expect(await values({})).toEqual({})
    expect(await values({ fetchTextBodyValues: true })).toEqual({ '1.1': { value: 'Grüße', ...whole } })
    expect(await values({ fetchHTMLBodyValues: true })).toEqual({ '1.2.1': { value: html, ...whole } })
    expect(Object.keys(await values({ fetchAllBodyValues: true }))).toEqual(
      expect.arrayContaining(['1.1', '1.2.1', '2']),
    )
    for (let most = 1; most < 60; most++) {
      const cut = await values({ fetchAllBodyValues: true, maxBodyValueBytes: most })
      const [plain, marked] = [cut['1.1'], cut['1.2.1']]
      expect('Grüße'.startsWith(plain.value)).toBe(true)
      expect(Buffer.byteLength(plain.value)).toBeGreaterThan(Math.min(most, 7) - 2)
      expect(Buffer.byteLength(plain.value)).toBeLessThanOrEqual(most)
      expect(plain.isTruncated).toBe(most < 7)
      expect(html.startsWith(marked.value)).toBe(true)
      expect(marked.value).toMatch(/^(?:$|<p>(?:$|[^<]+$|[^<]+<a href="https:\/\/example.org\/a>b">))/)
      expect(marked.isTruncated).toBe(most < Buffer.byteLength(html))
    }
  })

  it.each([
    ['utf-8', 'Gr\xfc', '8bit', true],
    ['utf-8', 'Gr\xc3\xbc \xef\xbf\xbd', '8bit', false],
    ['x-unknown', 'abc', '8bit', true],
    ['us-ascii', 'Gr\xfc', '8bit', true],
    ['iso-8859-1', 'Gr\xfc', '8bit', false],
    ['utf-8', 'abc', 'x-unknown', true],
  ])('tells problems of the charset: %s, %j in %s', async (charset, content, encoding, isEncodingProblem) => {
    const header = `Content-Type: text/plain; charset=${charset}\r\nContent-Transfer-Encoding: ${encoding}`
    const raw = Buffer.from(`${header}\r\n\r\n${content}`, 'latin1')
    const blobId = await blobOf(raw)
    const args = { blobIds: [blobId], properties: ['bodyValues'], fetchAllBodyValues: true }
    const { parsed } = await alice.ask('Email/parse', args)
    expect(parsed[blobId].bodyValues['1']).toMatchObject({ isEncodingProblem })
  })

  it('cuts body values after 16 MiB of all calls of a request', async () => {
    const blobId = await blobOf(Buffer.from(`Subject: long\r\n\r\n${'x'.repeat(9 * 2 ** 20)}\r\n`))
    const args = { blobIds: [blobId], properties: ['bodyValues'], fetchAllBodyValues: true }
    const responses = await alice.call(['Email/parse', args], ['Email/parse', args], ['Email/parse', args])
    const sizes = responses.map(([, { parsed }]) => parsed[blobId].bodyValues['1'].value.length)
    expect(sizes[0]).toBe(9 * 2 ** 20 + 1)
    expect([sizes[1] + sizes[0], sizes[2]]).toEqual([16 * 2 ** 20, 0])
  })

  it('refuses unknown arguments and properties, and too many ids', async () => {
    for (const args of [
      { bodyProperties: ['nothing'] },
      { maxBodyValueBytes: -1 },
      { fetchAllBodyValues: 1 },
      { more: 1 },
    ])
      expect(await alice.ask('Email/get', { ids: [], ...args })).toMatchObject({ type: 'invalidArguments' })
    const ids = Array.from({ length: 21 }, (_, at) => `L${at}`)
    expect(await alice.ask('Email/get', { ids })).toMatchObject({ type: 'requestTooLarge' })
  })

  it('shows an account only its own mail', async () => {
    const id = await appended('Subject: own\n\nx\n')
    expect(await bob.ask('Email/get', { ids: [id] })).toMatchObject({ list: [], notFound: [id] })
    expect(await bob.ask('Email/set', { destroy: [id] })).toMatchObject({
      notDestroyed: { [id]: { type: 'notFound' } },
    })
    const { notFound } = await bob.ask('Email/parse', { blobIds: [id, `${id}-1`] })
    expect(notFound).toEqual([id, `${id}-1`])
  })
})

describe('Email/set', () => {
  it('creates what the client gives, as Email/get returns it', async () => {
    const [image, file] = [await blobOf(Buffer.from([0x89, 0x50, 0])), await blobOf(Buffer.from('a\nb'))]
    const given = {
      from: [{ name: 'Müller, "J"', email: 'alice@lab.test' }],
      to: [
        { name: null, email: 'bob' },
        { name: 'A B', email: 'b@example.org' },
      ],
      bcc: [{ name: 'Ünï', email: '"a b"@example.org' }],
      subject: `Grüße  =?utf-8?q?x?= ${'sehr lang '.repeat(20)}`.trimEnd(),
      sentAt: '2024-02-29T12:13:14-05:30',
      messageId: ['own@example.org'],
      references: ['a@x', 'b@y'],
      keywords: { $draft: true, $seen: true, $label: true },
      receivedAt: '2025-01-02T03:04:05Z',
      'header:X-Raw:asRaw': ' one\r\n two',
      'header:Comments:asText:all': ['a', ' b  c '],
      'header:List-Post:asURLs': ['mailto:a@b'],
      'header:X-Groups:asGroupedAddresses': [
        { name: 'Gruppe ö', addresses: [{ name: null, email: 'x@y' }] },
        { name: null, addresses: [{ name: 'Z', email: 'z@y' }] },
      ],
    }
    const name = 'ein sehr langer Name mit Umlauten äöü, der in mehrere Stücke geteilt wird.png'
    const { created, notCreated } = await set({
      ...given,
      textBody: [{ partId: 't' }],
      htmlBody: [{ partId: 'h', type: 'text/html', language: ['de'] }],
      attachments: [
        { blobId: image, type: 'image/png', name, disposition: 'inline', cid: 'c@x' },
        { blobId: file, type: 'text/plain', name: 'a.txt', charset: 'us-ascii' },
      ],
      bodyValues: { t: { value: 'Grüße\n= x\t \nend' }, h: { value: '<p>x</p>\n' } },
    })
    expect(notCreated).toBeNull()
    const { id, ...others } = created.k
    expect(others).toEqual({ blobId: id, threadId: expect.any(String), size: expect.any(Number) })
    const lists = ['textBody', 'htmlBody', 'attachments', 'bodyValues', 'size', 'threadId', 'headers']
    const email = await got(id, [...Object.keys(given), ...lists], {
      fetchTextBodyValues: true,
      fetchHTMLBodyValues: true,
    })
    expect(email).toMatchObject({ ...given, size: others.size, threadId: others.threadId })
    expect(Object.values(email.bodyValues)).toMatchObject([{ value: 'Grüße\n= x\t \nend' }, { value: '<p>x</p>\n' }])
    expect(email.htmlBody).toMatchObject([{ type: 'text/html', language: ['de'] }])
    expect(email.attachments).toMatchObject([
      { type: 'image/png', name, disposition: 'inline', cid: 'c@x', size: 3 },
      { type: 'text/plain', name: 'a.txt', disposition: 'attachment', charset: 'us-ascii', size: 3 },
    ])
    const names = email.headers.map((field: { name: string }) => field.name)
    expect(names).toEqual(expect.arrayContaining(['MIME-Version', 'Date', 'Message-ID', 'Content-Type']))
  })

  it('adds Date, Message-ID and MIME-Version', async () => {
    const { created } = await set(text('x'))
    expect(await got(created.k.id, ['sentAt', 'messageId', 'header:MIME-Version'])).toMatchObject({
      sentAt: expect.stringMatching(/Z$/),
      messageId: [expect.stringMatching(/@lab\.test$/)],
      'header:MIME-Version': ' 1.0',
    })
  })

  it('creates a message of any structure', async () => {
    const inner = await appended('Subject: inner\n\ninner text\n')
    const { created } = await set({
      subject: 'structure',
      bodyStructure: {
        type: 'multipart/mixed',
        'header:X-Root': ' yes',
        subParts: [
          { partId: 'a', type: 'text/plain', disposition: 'inline', location: 'https://example.org/' },
          { type: 'multipart/related', subParts: [{ partId: 'b', type: 'text/html' }] },
          { blobId: inner, type: 'message/rfc822', name: 'mail.eml' },
          { blobId: `${inner}-1`, 'header:Content-Type': ' application/x-own; x=y' },
        ],
      },
      bodyValues: { a: { value: 'a' }, b: { value: '<b>' } },
    })
    const bodyProperties = ['type', 'name', 'disposition', 'location', 'header:X-Root', 'header:Content-Type']
    const { bodyStructure, attachments } = await got(created.k.id, ['bodyStructure', 'attachments'], { bodyProperties })
    expect(bodyStructure).toMatchObject({
      type: 'multipart/mixed',
      'header:X-Root': ' yes',
      subParts: [
        { type: 'text/plain', disposition: 'inline', location: 'https://example.org/' },
        { type: 'multipart/related', subParts: [{ type: 'text/html' }] },
        { type: 'message/rfc822', name: 'mail.eml' },
        { type: 'application/x-own', 'header:Content-Type': ' application/x-own; x=y' },
      ],
    })
    expect(attachments).toHaveLength(2)
    const { parsed } = await alice.ask('Email/parse', {
      blobIds: [`${created.k.id}-3`],
      properties: ['subject', 'preview'],
    })
    expect(parsed).toEqual({ [`${created.k.id}-3`]: { subject: 'inner', preview: 'inner text' } })
  })

  const part = { partId: 't' }
  it.each<[object, readonly string[]]>([
    [{ headers: [] }, ['headers']],
    [{ from: [], 'header:From': ' x' }, ['from', 'header:From']],
    [{ 'header:X-A': ' x', 'header:x-a:asText': 'y' }, ['header:X-A', 'header:x-a:asText']],
    [{ 'header:Content-Type': ' text/plain' }, ['header:Content-Type']],
    [{ 'header:X-A': ' x\r\nBcc: y' }, ['header:X-A']],
    [{ 'header:X-A': ' x\n y' }, ['header:X-A']],
    [{ from: [{ email: 'a\r\nBcc: b' }] }, ['from']],
    [{ messageId: ['a b'] }, ['messageId']],
    [{ sentAt: 'yesterday' }, ['sentAt']],
    [{ subject: 1 }, ['subject']],
    [{ bodyStructure: part, textBody: [part] }, ['textBody']],
    [{ subject: 'a', bodyStructure: { ...part, 'header:Subject': ' b' } }, ['subject']],
    [{ textBody: [part, part] }, ['textBody']],
    [{ textBody: [{ ...part, type: 'text/html' }] }, ['textBody/0/type']],
    [{ htmlBody: [{ ...part, type: 'text/plain' }] }, ['htmlBody/0/type']],
    [{ textBody: [{ ...part, blobId: 'x' }] }, ['textBody/0/blobId']],
    [{ textBody: [{ ...part, charset: 'utf-8' }] }, ['textBody/0/charset']],
    [{ textBody: [{ ...part, size: 1 }] }, ['textBody/0/size']],
    [{ textBody: [{ partId: 'none' }] }, ['textBody/0/partId']],
    [
      { textBody: [{ ...part, 'header:Content-Transfer-Encoding': ' 8bit' }] },
      ['textBody/0/header:Content-Transfer-Encoding'],
    ],
    [{ textBody: [{ ...part, cid: 'a', 'header:Content-ID': ' <b>' }] }, ['textBody/0/cid']],
    [{ textBody: [{ ...part, nothing: 1 }] }, ['textBody/0/nothing']],
    [{ bodyValues: { t: { value: 'x', isTruncated: true } } }, ['bodyValues/t']],
    [{ bodyValues: { t: { value: 'x', isEncodingProblem: true } } }, ['bodyValues/t']],
    [{ bodyStructure: { type: 'multipart/mixed' } }, ['bodyStructure/subParts']],
    [{ bodyStructure: { type: 'text/plain', subParts: [part] } }, ['bodyStructure/subParts', 'bodyStructure/partId']],
    [{ id: 'x' }, ['id']],
    [{ preview: 'x' }, ['preview']],
    [{ nothing: 'x' }, ['nothing']],
    [{ mailboxIds: {} }, ['mailboxIds']],
    [{ mailboxIds: { none: true } }, ['mailboxIds']],
    [{ keywords: { 'a b': true } }, ['keywords']],
    [{ keywords: { $seen: false } }, ['keywords']],
    [{ receivedAt: '2026-01-01T00:00:00+01:00' }, ['receivedAt']],
  ])('refuses %j', async (email, properties) => {
    const { created, notCreated } = await set({ bodyValues: { t: { value: 'x' } }, ...email })
    expect(created).toBeNull()
    expect(notCreated.k).toMatchObject({ type: 'invalidProperties', description: expect.any(String) })
    expect(notCreated.k.properties.toSorted()).toEqual([...properties].sort())
  })

  it('names blobs that do not exist', async () => {
    const attachments = [{ blobId: 'Unone' }, { blobId: 'Lnone-1' }]
    const { notCreated } = await set({ attachments })
    expect(notCreated.k).toMatchObject({ type: 'blobNotFound', notFound: ['Unone', 'Lnone-1'] })
  })

  it('keeps to the quota and the size of messages', async () => {
    const { list } = await bob.ask('Mailbox/get', { properties: ['id'] })
    const mailboxIds = { [list[0].id]: true }
    const create = async (value: string) => bob.ask('Email/set', { create: { k: { ...text(value), mailboxIds } } })
    expect((await create('x'.repeat(50_000))).notCreated.k).toMatchObject({ type: 'overQuota' })
    expect((await create('x'.repeat(200_000))).notCreated.k).toMatchObject({ type: 'tooLarge', maxSize: 102_400 })
    const { created } = await create('x')
    expect((await create('x')).notCreated.k).toMatchObject({ type: 'overQuota' })
    const imported = await bob.ask('Email/import', { emails: { k: { blobId: created.k.id, mailboxIds } } })
    expect(imported.notCreated.k).toMatchObject({ type: 'overQuota' })
    const { id } = created.k
    const copied = await bob.ask('Email/set', { update: { [id]: { [`mailboxIds/${list[1].id}`]: true } } })
    expect(copied.notUpdated[id]).toMatchObject({ type: 'overQuota' })
    // A move needs no room.
    const moved = await bob.ask('Email/set', { update: { [id]: { mailboxIds: { [list[1].id]: true } } } })
    expect(moved.updated).toEqual({ [id]: null })
  })

  it('knows objects that the same request has created, and refuses an old state', async () => {
    const created = { n: { name: 'New' } }
    const [, set_, get] = await alice.call(
      ['Mailbox/set', { create: created }],
      ['Email/set', { create: { k: { ...text('x'), subject: 'new', mailboxIds: { '#n': true } } } }],
      ['Email/get', { ids: ['#k'], properties: ['subject'] }],
    )
    expect(get?.[1].list).toEqual([{ id: set_?.[1].created.k.id, subject: 'new' }])
    const { oldState } = set_?.[1] ?? {}
    expect(await alice.ask('Email/set', { ifInState: oldState, destroy: [] })).toMatchObject({ type: 'stateMismatch' })
  })

  it('changes keywords and Mailboxes, whole or by patches', async () => {
    const [inbox, archive, trash] = [await mailboxId('INBOX'), await mailboxId('Archive'), await mailboxId('Trash')]
    const id = await appended('Subject: change\n\nx\n', 'INBOX', '\\Seen Custom')
    const update = async (patch: object) => alice.ask('Email/set', { update: { [id]: patch } })
    const now = async () => got(id, ['mailboxIds', 'keywords'])
    const { updated, oldState, newState } = await update({
      'keywords/$flagged': true,
      'keywords/custom': null,
      [`mailboxIds/${archive}`]: true,
    })
    expect(updated).toEqual({ [id]: null })
    expect(newState).not.toBe(oldState)
    expect(await now()).toEqual({
      id,
      mailboxIds: { [inbox]: true, [archive]: true },
      keywords: { $seen: true, $flagged: true },
    })
    await update({ mailboxIds: { [trash]: true }, keywords: { $Draft: true } })
    expect(await now()).toEqual({ id, mailboxIds: { [trash]: true }, keywords: { $draft: true } })
    // A property that does not change may be repeated. RFC 8620 section 5.3
    expect(
      (await update({ subject: 'change', [`mailboxIds/${inbox}`]: true, [`mailboxIds/${trash}`]: null })).updated,
    ).toEqual({ [id]: null })
    expect(await now()).toMatchObject({ mailboxIds: { [inbox]: true } })
    const client = await imap()
    await client.ok('SELECT INBOX')
    const fetched = (await client.ok('FETCH * (EMAILID FLAGS)')).join('\n')
    expect(fetched).toContain(`EMAILID (${id})`)
    expect(fetched).toContain('\\Draft')
    client.destroy()
  })

  it.each<[object, string]>([
    [{ 'mailboxIds/none': true }, 'invalidProperties'],
    [{ mailboxIds: {} }, 'invalidProperties'],
    [{ subject: 'other' }, 'invalidProperties'],
    [{ 'keywords/a b': true }, 'invalidProperties'],
    [{ keywords: Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`k${at}`, true])) }, 'tooManyKeywords'],
    [{ 'keywords/a/b': true }, 'invalidPatch'],
    [{ keywords: {}, 'keywords/$seen': true }, 'invalidPatch'],
  ])('refuses the patch %j', async (patch, type) => {
    const id = await appended('Subject: same\n\nx\n')
    const { notUpdated } = await alice.ask('Email/set', { update: { [id]: patch } })
    expect(notUpdated[id]).toMatchObject({ type })
    expect(await got(id, ['keywords'])).toEqual({ id, keywords: {} })
  })

  it('destroys all copies', async () => {
    const [inbox, archive] = [await mailboxId('INBOX'), await mailboxId('Archive')]
    const { created } = await alice.ask('Email/set', {
      create: { k: { ...text('x'), mailboxIds: { [inbox]: true, [archive]: true } } },
    })
    const { id } = created.k
    expect(await alice.ask('Email/set', { destroy: [id] })).toMatchObject({ destroyed: [id], notDestroyed: null })
    expect(await alice.ask('Email/get', { ids: [id] })).toMatchObject({ list: [], notFound: [id] })
    const { notUpdated } = await alice.ask('Email/set', { update: { [id]: { keywords: {} } } })
    expect(notUpdated[id]).toMatchObject({ type: 'notFound' })
  })
})

describe('Email/import, Email/parse and Email/copy', () => {
  it('imports an upload, at the time of its last Received field', async () => {
    const blobId = await blobOf(
      Buffer.from(
        'Received: from a by b; Mon, 2 Mar 2026 10:00:00 +0100\nReceived: from c by d; 1 Mar 2026 00:00:00 +0000\nSubject: up\n\nx\n',
      ),
    )
    const mailboxIds = { [await mailboxId('INBOX')]: true }
    const { created } = await alice.ask('Email/import', {
      emails: {
        a: { blobId, mailboxIds, keywords: { $seen: true } },
        b: { blobId, mailboxIds, receivedAt: '2020-01-01T00:00:00Z' },
      },
    })
    expect(await got(created.a.id, ['subject', 'receivedAt', 'keywords'])).toMatchObject({
      subject: 'up',
      receivedAt: '2026-03-02T09:00:00Z',
      keywords: { $seen: true },
    })
    expect(await got(created.b.id, ['receivedAt'])).toMatchObject({ receivedAt: '2020-01-01T00:00:00Z' })
  })

  it('refuses what is not a message, and blobs that do not exist', async () => {
    const mailboxIds = { [await mailboxId('INBOX')]: true }
    const blobId = await blobOf(Buffer.from('no message'))
    const emails = { a: { blobId, mailboxIds }, b: { blobId: 'Unone', mailboxIds }, c: { blobId } }
    const { created, notCreated } = await alice.ask('Email/import', { emails })
    expect(created).toBeNull()
    expect(notCreated).toMatchObject({
      a: { type: 'invalidEmail' },
      b: { type: 'invalidProperties', properties: ['blobId'] },
      c: { type: 'invalidProperties', properties: ['mailboxIds'] },
    })
    expect(await alice.ask('Email/import', { ifInState: 'x', emails })).toMatchObject({ type: 'stateMismatch' })
  })

  it('parses a message without metadata', async () => {
    const [good, bad] = [await blobOf(Buffer.from('Subject: p\n\nx\n')), await blobOf(Buffer.from('bad'))]
    const blobIds = [good, bad, 'Unone']
    const properties = [
      'id',
      'blobId',
      'threadId',
      'mailboxIds',
      'keywords',
      'receivedAt',
      'size',
      'subject',
      'textBody',
    ]
    expect(await alice.ask('Email/parse', { blobIds, properties })).toMatchObject({
      parsed: {
        [good]: {
          id: null,
          threadId: null,
          mailboxIds: null,
          keywords: null,
          receivedAt: null,
          blobId: good,
          size: 14,
          subject: 'p',
          textBody: [{ partId: '1', blobId: `${good}-1` }],
        },
      },
      notParsable: [bad],
      notFound: ['Unone'],
    })
  })

  it('copies from no other account', async () => {
    const create = { a: { id: 'x', mailboxIds: {} } }
    expect(await alice.ask('Email/copy', { fromAccountId: 'alice', create })).toMatchObject({
      type: 'invalidArguments',
    })
    expect(await alice.ask('Email/copy', { fromAccountId: 'bob', create })).toMatchObject({
      type: 'fromAccountNotFound',
    })
  })
})
