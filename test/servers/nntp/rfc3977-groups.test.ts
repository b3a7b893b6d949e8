import { expect, test } from 'vitest'
import { type NewsLab, startNewsLab } from '../../support/news-lab.ts'

const folderId = async (lab: NewsLab, name = 'lab.general'): Promise<string> =>
  (await lab.news.group(name))?.id as string

/** Starts a lab with articles 2, 3 and 5 in lab.general; 1 and 4 were removed. */
async function labWithGaps(): Promise<NewsLab> {
  const lab = await startNewsLab()
  for (let n = 1; n <= 5; n++) await lab.post(`Message-ID: <${n}@a>`)
  await lab.store.expunge(await folderId(lab), [1, 4])
  return lab
}

test('RFC 3977 section 6.1.1: GROUP', async () => {
  await using lab = await labWithGaps()
  await lab.play(`
    C: GROUP lab.general
    S: 211 3 2 5 lab.general
    C: STAT
    S: 223 2 <2@a> *
    C: GROUP no.such
    S: 411 *
    C: STAT
    S: 223 2 <2@a> *
    C: GROUP lab.test
    S: 211 0 1 0 lab.test
    C: STAT
    S: 420 *
  `)
})

test('RFC 3977 section 6.1.1.2: water marks never decrease', async () => {
  await using lab = await labWithGaps()
  await lab.store.expunge(await folderId(lab), [2, 3, 5])
  await lab.play('C: GROUP lab.general\nS: 211 0 6 5 lab.general')
  await lab.post('Message-ID: <6@a>')
  await lab.play('C: GROUP lab.general\nS: 211 1 6 6 lab.general')
})

test('RFC 3977 section 6.1.2: LISTGROUP with ranges', async () => {
  await using lab = await labWithGaps()
  const listed = (...numbers: number[]): string =>
    `S: 211 3 2 5 lab.general *\n${numbers.map((n) => `S: ${n}\n`).join('')}S: .`
  await lab.play(`
    C: LISTGROUP
    S: 412 *
    C: LISTGROUP lab.general
    ${listed(2, 3, 5)}
    C: NEXT
    S: 223 3 <3@a> *
    C: LISTGROUP
    ${listed(2, 3, 5)}
    C: STAT
    S: 223 2 *
    C: LISTGROUP lab.general 3-4
    ${listed(3)}
    C: LISTGROUP lab.general 3-
    ${listed(3, 5)}
    C: LISTGROUP lab.general 5-3
    ${listed()}
    C: LISTGROUP lab.general 9999999999-
    ${listed()}
    C: LISTGROUP no.such 1-
    S: 411 *
    C: STAT
    S: 223 2 *
  `)
})

test('RFC 3977 sections 6.1.3 and 6.1.4: LAST and NEXT skip gaps', async () => {
  await using lab = await labWithGaps()
  await lab.play(`
    C: NEXT
    S: 412 *
    C: LAST
    S: 412 *
    C: GROUP lab.general
    S: 211 *
    C: LAST
    S: 422 *
    C: NEXT
    S: 223 3 <3@a> *
    C: NEXT
    S: 223 5 <5@a> *
    C: NEXT
    S: 421 *
    C: LAST
    S: 223 3 <3@a> *
    C: GROUP lab.test
    S: 211 *
    C: NEXT
    S: 420 *
    C: LAST
    S: 420 *
  `)
})

test('RFC 3977 section 7.3: NEWGROUPS with years of two and four digits, in GMT and local time', async () => {
  await using lab = await startNewsLab()
  const both = 'S: 231 *\nS: lab.general 0 1 y\nS: lab.test 0 1 y\nS: .'
  await lab.play(`
    C: NEWGROUPS 261125 115959 GMT
    ${both}
    C: NEWGROUPS 20261125 120001 gmt
    S: 231 *
    S: .
    C: NEWGROUPS 991231 000000
    ${both}
    C: NEWGROUPS 20261325 120001 GMT
    S: 501 *
    C: NEWGROUPS 20261125 1200 GMT
    S: 501 *
    C: NEWGROUPS 20261125 120000 CET
    S: 501 *
    C: NEWGROUPS 20261125
    S: 501 *
  `)
})

test('RFC 3977 section 7.4: NEWNEWS lists each article once', async () => {
  await using lab = await startNewsLab()
  await lab.post('Message-ID: <old@a>')
  lab.clock.ms += 60_000
  await lab.post('Message-ID: <both@a>\nNewsgroups: lab.general,lab.test')
  await lab.post('Message-ID: <test@a>\nNewsgroups: lab.test')
  await lab.play(`
    C: NEWNEWS * 20261125 120030 GMT
    S: 230 *
    S: <both@a>
    S: <test@a>
    S: .
    C: NEWNEWS lab.general 20261125 115900 GMT
    S: 230 *
    S: <old@a>
    S: <both@a>
    S: .
    C: NEWNEWS *,!lab.* 20261125 115900 GMT
    S: 230 *
    S: .
    C: NEWNEWS lab.[ab] 20261125 115900 GMT
    S: 501 *
  `)
})

test('a cross-post is stored once and has a number in each group', async () => {
  await using lab = await startNewsLab()
  await lab.post('Newsgroups: lab.test')
  const id = await lab.post('Newsgroups: lab.general, lab.test')
  const places = (await lab.store.locate(id)).map(({ folder, uid }) => `${folder.name}:${uid}`)
  expect(places.sort()).toEqual(['lab.general:1', 'lab.test:2'])
  const entries = await Promise.all([
    lab.store.entry(await folderId(lab), 1),
    lab.store.entry(await folderId(lab, 'lab.test'), 2),
  ])
  expect(entries[0]?.blob).toBe(entries[1]?.blob)
})
