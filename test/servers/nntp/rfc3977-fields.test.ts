import { expect, test } from 'vitest'
import { type NewsLab, startNewsLab } from '../../support/news-lab.ts'

async function labWithThread(): Promise<NewsLab> {
  const lab = await startNewsLab()
  await lab.post('Message-ID: <1@a>\nDate: Wed, 25 Nov 2026 11:00:00 +0000\nSubject: One\n\ttwo')
  await lab.post('Message-ID: <2@a>\nDate: Wed, 25 Nov 2026 11:01:00 +0000\nReferences: <1@a>\nTo: bob@lab.test', '')
  return lab
}

const octets = async (lab: NewsLab, uid: number): Promise<number> => {
  const folder = await lab.news.group('lab.general')
  return (await lab.store.read(folder?.id as string, uid))?.length as number
}

test('RFC 3977 section 8.3: OVER by range, by message-id, and of the current article', async () => {
  await using lab = await labWithThread()
  const row = (...columns: (string | number)[]): string => columns.join('\\x09')
  const from = 'Alice <alice@lab.test>'
  const tail = (n: number): string => `Xref: news.lab.test lab.general:${n}`
  const day = 'Wed, 25 Nov 2026'
  const first = row('One two', from, `${day} 11:00:00 +0000`, '<1@a>', '', await octets(lab, 1), 1, tail(1))
  const second = row('A subject', from, `${day} 11:01:00 +0000`, '<2@a>', '<1@a>', await octets(lab, 2), 0, tail(2))
  await lab.play(`
    C: OVER 1
    S: 412 *
    C: OVER
    S: 412 *
    C: OVER <2@a>
    S: 224 *
    S: 0\\x09${second}
    S: .
    C: OVER <3@a>
    S: 430 *
    C: GROUP lab.general
    S: 211 2 1 2 lab.general
    C: OVER
    S: 224 *
    S: 1\\x09${first}
    S: .
    C: over 1-
    S: 224 *
    S: 1\\x09${first}
    S: 2\\x09${second}
    S: .
    C: XOVER 2-9
    S: 224 *
    S: 2\\x09${second}
    S: .
    C: OVER 3-
    S: 423 *
    C: OVER 2-1
    S: 423 *
    C: XOVER 3-
    S: 420 *
    C: GROUP lab.test
    S: 211 *
    C: OVER
    S: 420 *
    C: OVER 1-
    S: 423 *
  `)
})

test('RFC 3977 section 8.5: HDR of header fields and metadata items', async () => {
  await using lab = await labWithThread()
  await lab.play(`
    C: HDR Subject
    S: 412 *
    C: HDR subject <1@a>
    S: 225 *
    S: 0 One two
    S: .
    C: HDR subject <9@a>
    S: 430 *
    C: GROUP lab.general
    S: 211 *
    C: HDR To 1-2
    S: 225 *
    S: 1\\x20
    S: 2 bob@lab.test
    S: .
    C: HDR :lines 1-
    S: 225 *
    S: 1 1
    S: 2 0
    S: .
    C: HDR :bytes
    S: 225 *
    S: 1 ${await octets(lab, 1)}
    S: .
    C: HDR constructor 1-2
    S: 225 *
    S: 1\\x20
    S: 2\\x20
    S: .
    C: HDR __proto__ <1@a>
    S: 225 *
    S: 0\\x20
    S: .
    C: HDR :nonsense 1-2
    S: 503 *
    C: HDR Subject 5-
    S: 423 *
  `)
})

test('RFC 2980: XHDR replies 221 even if no article has the field; XPAT, XROVER, XGTITLE', async () => {
  await using lab = await labWithThread()
  await lab.play(`
    C: XGTITLE
    S: 412 *
    C: GROUP lab.general
    S: 211 *
    C: XHDR To 1-2
    S: 221 *
    S: 1 (none)
    S: 2 bob@lab.test
    S: .
    C: XHDR newsgroups 7-9
    S: 221 *
    S: .
    C: XHDR Subject <1@a>
    S: 221 *
    S: <1@a> One two
    S: .
    C: XPAT Subject 1- *sub*
    S: 221 *
    S: 2 A subject
    S: .
    C: XPAT Subject 1- [n-p]* O[^x]e*
    S: 221 *
    S: 1 One two
    S: .
    C: XPAT Subject <2@a> *nothing*
    S: 221 *
    S: .
    C: XPAT Subject 1- [a
    S: 501 *
    C: XROVER 1-
    S: 224 *
    S: 1 (none)
    S: 2 <1@a>
    S: .
    C: XGTITLE
    S: 282 *
    S: lab.general\\x09General talk
    S: .
    C: XGTITLE lab.t*
    S: 282 *
    S: lab.test\\x09Tests
    S: .
  `)
})

test('RFC 3977 section 8.3.2: OVER replaces TAB and line ends by spaces and keeps other octets', async () => {
  await using lab = await startNewsLab()
  await lab.post('Message-ID: <1@a>\nSubject: a\tb\n \tc\xe4')
  using client = await lab.client()
  client.send('OVER <1@a>\r\n')
  const [, row] = await client.lines((line) => line === '.')
  expect(row?.split('\t')[1]).toBe('a b  c\xe4')
})
