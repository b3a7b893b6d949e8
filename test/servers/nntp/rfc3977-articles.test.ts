import { expect, test } from 'vitest'
import { articleOf, type NewsLab, startNewsLab } from '../../support/news-lab.ts'

/** Starts a lab with one article, `<1@a>`. */
async function labWithArticle(): Promise<NewsLab> {
  const lab = await startNewsLab()
  await lab.post('Message-ID: <1@a>\nDate: Wed, 25 Nov 2026 11:00:00 +0000', '.dot\r\n..two\r\n\r\nend')
  return lab
}

const HEADER = `
    S: Xref: news.lab.test lab.general:1
    S: Path: news.lab.test!.POSTED.127.0.0.1!not-for-mail
    S: Injection-Info: news.lab.test; posting-host="127.0.0.1"
    S: Message-ID: <1@a>
    S: Date: Wed, 25 Nov 2026 11:00:00 +0000
    S: From: Alice <alice@lab.test>
    S: Newsgroups: lab.general
    S: Subject: A subject`
const BODY = `
    S: ..dot
    S: ...two
    S:
    S: end
    S: .`
const ARTICLE = `${HEADER}\n    S:${BODY}`

async function expunge(lab: NewsLab): Promise<void> {
  const folder = await lab.news.group('lab.general')
  await lab.store.expunge(folder?.id as string, [1])
}

test('RFC 3977 section 6.2.1: ARTICLE by number, by message-id, and of the current article', async () => {
  await using lab = await labWithArticle()
  await lab.play(`
    C: ARTICLE
    S: 412 *
    C: ARTICLE 1
    S: 412 *
    C: ARTICLE <1@a>
    S: 220 0 <1@a> *${ARTICLE}
    C: GROUP lab.general
    S: 211 1 1 1 lab.general
    C: ARTICLE 1
    S: 220 1 <1@a> *${ARTICLE}
    C: ARTICLE
    S: 220 1 <1@a> *${ARTICLE}
    C: ARTICLE 2
    S: 423 *
    C: ARTICLE 99999999999
    S: 423 *
    C: ARTICLE <2@a>
    S: 430 *
    C: GROUP lab.test
    S: 211 *
    C: ARTICLE
    S: 420 *
  `)
})

test('RFC 3977 sections 6.2.2 to 6.2.4: HEAD, BODY and STAT', async () => {
  await using lab = await labWithArticle()
  await lab.play(`
    C: HEAD <1@a>
    S: 221 0 <1@a> *${HEADER}
    S: .
    C: BODY <1@a>
    S: 222 0 <1@a> *${BODY}
    C: STAT <1@a>
    S: 223 0 <1@a> *
    C: GROUP lab.general
    S: 211 *
    C: HEAD
    S: 221 1 <1@a> *${HEADER}
    S: .
    C: BODY 1
    S: 222 1 <1@a> *${BODY}
    C: STAT 2
    S: 423 *
    C: STAT
    S: 223 1 <1@a> *
  `)
})

test('RFC 3977 section 6.2.1.2: a removed article is no longer the current one', async () => {
  await using lab = await labWithArticle()
  using client = await lab.client()
  await client.play('C: GROUP lab.general\nS: 211 *')
  await expunge(lab)
  await client.play('C: ARTICLE\nS: 420 *\nC: ARTICLE 1\nS: 423 *\nC: ARTICLE <1@a>\nS: 430 *')
})

test('RFC 3977 section 6.3.1: POST', async () => {
  await using lab = await startNewsLab()
  await lab.play(`
    C: POST
    S: 340 *
    C: From: Bob <bob@lab.test>
    C: Newsgroups: lab.general,lab.test
    C: Subject: Hello
    C: Message-ID: <mine@bob>
    C:
    C: ..starts with a dot
    C: last
    C: .
    S: 240 * <mine@bob>
    C: HDR Xref <mine@bob>
    S: 225 *
    S: 0 news.lab.test lab.general:1 lab.test:1
    S: .
    C: BODY <mine@bob>
    S: 222 *
    S: ..starts with a dot
    S: last
    S: .
  `)
})

test('POST adds Message-ID, Date and Path if they are missing', async () => {
  await using lab = await startNewsLab()
  using client = await lab.client()
  client.send('POST\r\n')
  expect(await client.line()).toMatch(/^340 /)
  client.send(Buffer.concat([articleOf(''), Buffer.from('.\r\n')]))
  const reply = (await client.line()) as string
  const id = /<[0-9a-f]+@news\.lab\.test>/.exec(reply)?.[0]
  client.send(`HEAD ${id}\r\n`)
  const header = await client.lines((line) => line === '.')
  expect(header).toContain(`Message-ID: ${id}`)
  expect(header).toContain('Date: Wed, 25 Nov 2026 12:00:00 +0000')
  expect(header).toContain('Injection-Date: Wed, 25 Nov 2026 12:00:00 +0000')
  expect(header).toContain('Path: news.lab.test!.POSTED.127.0.0.1!not-for-mail')
  expect(header.find((line) => line.startsWith('Injection-Info: '))).toMatch(
    /^Injection-Info: news\.lab\.test; posting-host="127\.0\.0\.1"; logging-data="nntp-\d+"$/,
  )
})

test.each([
  ['an empty From', 'From:', /From/],
  ['a From without address', 'From: nobody', /From/],
  ['an invalid group name', 'Newsgroups: lab.general,a b', /not a newsgroup name: a b/],
  ['an empty Subject', 'Subject:', /Subject/],
  ['an empty Newsgroups', 'Newsgroups:', /Newsgroups/],
  ['a group that does not exist', 'Newsgroups: no.such', /no such newsgroup: no\.such/],
  ['two Subjects', 'Subject: a\nSubject: b', /more than one Subject/],
  ['an invalid Message-ID', 'Message-ID: nonsense', /not a Message-ID/],
  ['Injection-Info', 'Injection-Info: evil', /Injection-Info/],
  ['Xref', 'Xref: evil lab.general:1', /Xref/],
  ['a Path that shows an earlier injection', 'Path: evil!.POSTED!x', /posted already/],
  ['an invalid Date', 'Date: yesterday', /not a date/],
  ['a Date in the future', 'Date: Wed, 25 Nov 2037 11:00:00 +0000', /future/],
  ['a bare CR in a header field', 'Subject: a\rBcc: b', /bare CR/],
  ['a bare CR at the end of a field name', 'Subject\r: a', /bare CR/],
  ['two CRs at the end of a header field', 'X-Field: a\r\r\nX-Other: b', /bare CR/],
  ['a line that is not a header field', 'Subject: a\nnonsense', /no colon.*line 2: nonsense/],
  ['no space after the colon', 'From: a@b\nSubject:a', /no space after the colon.*line 2: Subject:a/],
  ['a tab after the colon', 'Subject:\ta', /no space after the colon/],
  ['a space before the colon', 'X-Field : a', /white space before the colon: line 1: X-Field : a/],
  ['an empty name', ': a', /not a header field/],
  ['a name outside ASCII', 'X-Fi\xe9ld: a', /not a header field \(invalid name\)/],
  ['a field without content', 'X-Field: ', /without content: line 1: X-Field:/],
  ['a folded line without content', 'X-Field: a\n \n b', /without content: line 1: X-Field: a/],
  ['a second Subject', 'Subject: a\nX-Field: b\nsubject: c', /more than one Subject header field: line 3: subject: c/],
  ['an empty newsgroup name', 'Newsgroups: lab.general,,lab.read', /Newsgroups: an empty name/],
  ['a repeated newsgroup', 'Newsgroups: lab.general, lab.general', /Newsgroups: a name occurs twice/],
  ['poster with a newsgroup', 'Followup-To: poster, lab.general', /Followup-To: poster stands alone/],
  ['Expires without a date', 'Expires: never', /not a date: Expires: never/],
  ['a second Keywords', 'Keywords: a\nKeywords: b', /more than one Keywords/],
])('RFC 5537 section 3.5: POST refuses and explains: %s', async (_, header, reason) => {
  await using lab = await startNewsLab()
  using client = await lab.client()
  client.send('POST\r\n')
  await client.line()
  client.send(Buffer.concat([articleOf(header), Buffer.from('.\r\n')]))
  const reply = (await client.line()) as string
  expect(reply).toMatch(/^441 /)
  expect(reply).toMatch(reason)
})

test('a duplicate is refused even after the first article was removed', async () => {
  await using lab = await startNewsLab()
  await lab.post('Message-ID: <1@a>')
  await expunge(lab)
  await lab.play(
    'C: POST\nS: 340 *\nC: Message-ID: <1@a>\nC: From: a@b\nC: Subject: x\nC: Newsgroups: lab.general\nC:\nC: x\nC: .\nS: 441 *known*',
  )
})

test('an article over the size limit is refused, and the session continues', async () => {
  await using lab = await startNewsLab({ limits: { messageSize: 1000 } })
  using client = await lab.client()
  client.send('POST\r\n')
  await client.line()
  client.send(Buffer.concat([articleOf('', `${'x'.repeat(2000)}\r\n`), Buffer.from('.\r\nDATE\r\n')]))
  expect(await client.line()).toMatch(/^441 /)
  expect(await client.line()).toMatch(/^111 /)
})
