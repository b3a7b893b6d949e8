import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { beforeAll, describe, expect, it } from 'vitest'
import { corpus } from '../../../support/corpus.ts'
import { ImapClient } from '../../../support/imap-client.ts'
import { needs } from '../../../support/programs.ts'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({ directory: { accounts: [{ user: 'alice', password: 'secret' }] } })
const alice = new JmapClient(http)

/** Reads lines of messages in base64 with the library of Python, and prints what it finds as lines of JSON. */
const PYTHON = `
import base64, email, email.policy, json, sys
for line in sys.stdin:
  m = email.message_from_bytes(base64.b64decode(line), policy=email.policy.default)
  parts = [p for p in m.walk() if not p.is_multipart()]
  print(json.dumps({
    'subject': m['subject'],
    'from': [[a.display_name, a.addr_spec] for a in m['from'].addresses],
    'to': [[a.display_name, a.addr_spec] for g in m['to'].groups for a in g.addresses],
    'groups': [g.display_name for g in m['to'].groups],
    'date': m['date'].datetime.isoformat(),
    'parts': [{
      'type': p.get_content_type(),
      'name': p.get_filename(),
      'content': p.get_content().replace('\\r\\n', '\\n') if p.get_content_maintype() == 'text' else p.get_payload(decode=True).hex(),
    } for p in parts],
    'defects': [str(d) for p in m.walk() for d in p.defects] + [str(d) for h in m.values() for d in getattr(h, 'defects', [])],
  }), flush=True)`

async function folderId(name: string): Promise<string> {
  const { list } = await alice.ask('Mailbox/get', { properties: ['name'] })
  return list.find((one: { name: string }) => one.name.toLowerCase() === name.toLowerCase()).id
}

/** Creates an Email, and returns its id with its octets, as a client downloads them. */
async function created(email: object): Promise<{ id: string; octets: Buffer }> {
  const mailboxIds = { [await folderId('Inbox')]: true }
  const { created: made, notCreated } = await alice.ask('Email/set', { create: { k: { mailboxIds, ...email } } })
  expect(notCreated).toBeNull()
  const { id } = made.k
  const answer = await fetch(`${http.base}/jmap/download/alice/${id}/m.eml?type=message/rfc822`, {
    headers: alice.headers,
  })
  return { id, octets: Buffer.from(await answer.arrayBuffer()) }
}

const texts = [
  'plain',
  'ends with a line\n',
  'Grüße, 日本語 and \u{1f600}\n\n  indented \t \ntrailing space \n.\nFrom here\n',
  `${'ä'.repeat(400)}\n`,
  `${'a very long line '.repeat(100)}\n`,
  '= =3D =?utf-8?q?x?= \n',
  '日本語'.repeat(2000),
  '',
]
const subjects = [
  'plain',
  'ü',
  '  spaces  at   both ends  ',
  '=?utf-8?q?not_encoded?= and (parentheses) "quotes"',
  `${'Grüße '.repeat(40)}end`,
  `${'word '.repeat(60)}end`,
  'a'.repeat(500),
  '\u{1f600}'.repeat(60),
]
const names = [
  'Plain Name',
  'Müller, "Jörg" <x@y>',
  'a.b@c',
  "O'Neil (Sales); \\ dept.",
  '=?utf-8?q?x?=',
  // The library of Python does not join the encoded words of a longer name.
  '日本'.repeat(6),
  `${'long '.repeat(20)}name`,
]

describe.skipIf(!needs('python3'))('Email/set', () => {
  // biome-ignore lint/suspicious/noExplicitAny: JSON of Python
  let readByPython: (octets: Buffer) => Promise<any>
  beforeAll(() => {
    const python = spawn('python3', ['-c', PYTHON], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface(python.stdout)[Symbol.asyncIterator]()
    readByPython = async (octets) => {
      python.stdin.write(`${octets.toString('base64')}\n`)
      return JSON.parse((await lines.next()).value ?? '"Python ended"')
    }
    return () => python.stdin.end()
  })

  it.each(texts.map((text, at) => [text, subjects[at] ?? '', names[at] ?? 'x'] as const))(
    'writes what the library of Python and Email/get read back: %#',
    async (text, subject, name) => {
      const fileName = `${name.replaceAll(/[/\\?]/g, '_')}${'ö'.repeat(40)}.bin`
      const given = {
        subject,
        from: [{ name, email: 'alice@lab.test' }],
        'header:To:asGroupedAddresses': [
          {
            name: `${name} list`,
            addresses: [
              { name: null, email: '"a b"@example.org' },
              { name, email: 'b@example.org' },
            ],
          },
          { name: null, addresses: [{ name: null, email: 'c@example.org' }] },
        ],
        sentAt: '2026-03-04T05:06:07-03:30',
      }
      const source = await created({
        bodyStructure: { partId: 't', type: 'application/x-any' },
        bodyValues: { t: { value: text } },
      })
      const { id, octets } = await created({
        ...given,
        textBody: [{ partId: 't' }],
        htmlBody: [{ partId: 'h' }],
        attachments: [{ blobId: `${source.id}-1`, type: 'application/x-any', name: fileName }],
        bodyValues: { t: { value: text }, h: { value: `<p>${text}</p>` } },
      })
      expect(
        octets
          .toString('latin1')
          .split('\r\n')
          .filter((line) => line.length > 998 || /[^\t -~]/.test(line)),
      ).toEqual([])
      const read = await readByPython(octets)
      expect(read).toMatchObject({
        from: [[name, 'alice@lab.test']],
        to: [
          ['', '"a b"@example.org'],
          [name, 'b@example.org'],
          ['', 'c@example.org'],
        ],
        groups: [`${name} list`, null],
        date: '2026-03-04T05:06:07-03:30',
        defects: [],
        parts: [
          { type: 'text/plain', content: text },
          { type: 'text/html', content: `<p>${text}</p>` },
          {
            type: 'application/x-any',
            name: fileName,
            content: Buffer.from(text.replaceAll('\n', '\r\n')).toString('hex'),
          },
        ],
      })
      expect(read.subject.trim()).toBe(subject.trim())
      const properties = [...Object.keys(given), 'bodyValues', 'attachments']
      const fetched = { fetchTextBodyValues: true, fetchHTMLBodyValues: true }
      const { list } = await alice.ask('Email/get', { ids: [id], properties, ...fetched })
      expect(list[0]).toMatchObject({ ...given, attachments: [{ name: fileName }] })
      expect(Object.values(list[0].bodyValues)).toMatchObject([{ value: text }, { value: `<p>${text}</p>` }])
    },
  )

  it('writes what IMAP reads as BODYSTRUCTURE', async () => {
    const part = (partId: string, type: string) => ({ partId, type })
    const { id } = await created({
      subject: 'structure for IMAP',
      bodyStructure: {
        type: 'multipart/mixed',
        subParts: [
          { type: 'multipart/alternative', subParts: [part('a', 'text/plain'), part('b', 'text/html')] },
          {
            ...part('a', 'text/calendar'),
            disposition: 'attachment',
            name: 'a b.ics',
            cid: 'c@x',
            language: ['de', 'en'],
          },
        ],
      },
      bodyValues: { a: { value: 'ASCII' }, b: { value: '<p>ü</p>' } },
    })
    const client = await ImapClient.open(http.lab.server('imap4').port, 'alice', 'secret')
    await client.ok('SELECT INBOX')
    const lines = (await client.ok(`UID FETCH 1:* (EMAILID BODYSTRUCTURE)`)).filter((line) => line.includes(id))
    client.destroy()
    expect(lines.join('')).toContain(
      '(("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 5 0 NIL NIL NIL NIL)("text" "html" ("charset" "utf-8") NIL NIL "quoted-printable" 13 0 NIL NIL NIL NIL) "alternative"',
    )
    expect(lines.join('')).toMatch(
      /"text" "calendar" \("charset" "utf-8"\) "<c@x>" NIL "7bit" 5 0 NIL \("attachment" \("filename" "a b.ics"\)\) \("de" "en"\) NIL\)/,
    )
  })
})

describe.skipIf(corpus().length === 0)('real mail', () => {
  it('has the same parts in Email/get as in Email/parse, and a body value for each text', async () => {
    const inbox = await folderId('Inbox')
    for (const { name, raw } of corpus().filter((_, at) => at % 8 === 0)) {
      const upload = { body: raw, headers: { ...alice.headers, 'content-type': 'message/rfc822' } }
      const { blobId } = (await http.request('/jmap/upload/alice', upload)).body
      const { created: made } = await alice.ask('Email/import', {
        emails: { k: { blobId, mailboxIds: { [inbox]: true } } },
      })
      const properties = [
        'subject',
        'from',
        'bodyStructure',
        'textBody',
        'htmlBody',
        'attachments',
        'bodyValues',
        'preview',
        'hasAttachment',
      ]
      const args = { properties, fetchAllBodyValues: true }
      const { list } = await alice.ask('Email/get', { ids: [made.k.id], ...args })
      const { parsed } = await alice.ask('Email/parse', { blobIds: [blobId], ...args })
      const plain = (value: object, id: string) => JSON.parse(JSON.stringify(value).replaceAll(`"${id}-`, '"blob-'))
      const { id, ...email } = list[0]
      expect(plain(email, id), name).toEqual(plain(parsed[blobId], blobId))
      for (const { type, partId } of [...email.textBody, ...email.htmlBody])
        if (type.startsWith('text/')) expect(email.bodyValues[partId], `${name}: ${partId}`).toBeDefined()
    }
  })
})
