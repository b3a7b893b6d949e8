import { expect, test } from 'vitest'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { articleOf, startNewsLab } from '../../support/news-lab.ts'

const newsgroups: LabInput['newsgroups'] = [
  { name: 'lab.general' },
  { name: 'lab.closed', peers: 'refuse' },
  { name: 'lab.noise', peers: 'discard' },
  { name: 'lab.old', aliasOf: 'lab.announce' },
  { name: 'lab.announce', posting: 'moderated', moderator: 'alice@lab.test' },
]
const feed = { peer: 'peer.test', direction: 'in' as const, groups: '*', from: ['127.0.0.1'] }

const startPeerLab = () =>
  startNewsLab({ newsgroups, server: { feeds: [{ ...feed, interval: 300_000, tls: 'starttls' }] } })

const takethis = (id: string, groups: string): string =>
  ['TAKETHIS', `Path: peer.test!x`, 'From: a@b', 'Subject: x', 'Date: Wed, 25 Nov 2026 11:00:00 +0000', '']
    .map((line) =>
      line === 'TAKETHIS' ? `C: TAKETHIS ${id}\nC: Message-ID: ${id}\nC: Newsgroups: ${groups}` : `C: ${line}`.trim(),
    )
    .concat('C: x', 'C: .')
    .join('\n')

test('RFC 6048 section 3.1: LIST ACTIVE and COUNTS show the status x, j and =other.group', async () => {
  await using lab = await startPeerLab()
  await lab.play(`
    C: LIST ACTIVE lab.*
    S: 215 *
    S: lab.announce 0 1 m
    S: lab.closed 0 1 x
    S: lab.general 0 1 y
    S: lab.noise 0 1 j
    S: lab.old 0 1 =lab.announce
    S: .
    C: LIST COUNTS lab.?losed,lab.noise,lab.old
    S: 215 *
    S: lab.closed 0 1 0 x
    S: lab.noise 0 1 0 j
    S: lab.old 0 1 0 =lab.announce
    S: .
  `)
})

test.each(['lab.closed', 'lab.noise', 'lab.old'])('RFC 6048 section 3.1: users cannot post to %s', async (group) => {
  await using lab = await startPeerLab()
  await expect(lab.post(`Newsgroups: ${group}`)).rejects.toThrow(`posting to ${group} is not allowed`)
})

test('RFC 6048 section 3.1: a closed group takes no articles from peers', async () => {
  await using lab = await startPeerLab()
  await lab.play(`${takethis('<1@a>', 'lab.closed')}
    S: 439 <1@a> no group is carried here: lab.closed
    ${takethis('<2@a>', 'lab.closed,lab.general')}
    S: 239 *
    C: HDR Xref <2@a>
    S: 225 *
    S: 0 news.lab.test lab.general:1
    S: .`)
})

test('RFC 6048 section 3.1: a group with status j files nothing; junk keeps what no other group files', async () => {
  await using lab = await startPeerLab()
  await lab.play(`${takethis('<1@a>', 'lab.noise,lab.general')}
    S: 239 *
    C: HDR Xref <1@a>
    S: 225 *
    S: 0 news.lab.test lab.general:1
    S: .
    ${takethis('<2@a>', 'lab.noise')}
    S: 239 *
    C: GROUP lab.noise
    S: 211 0 *
    C: GROUP junk
    S: 211 1 1 1 junk`)
})

test('RFC 6048 section 3.1: articles for an alias are filed in the other group, moderated or not, and are not changed', async () => {
  await using lab = await startPeerLab()
  await lab.play(`${takethis('<1@a>', 'lab.announce')}
    S: 439 <1@a> not approved for the moderated group lab.announce
    ${takethis('<2@a>', 'lab.old')}
    S: 239 *
    C: HDR Newsgroups <2@a>
    S: 225 *
    S: 0 lab.old
    S: .
    C: GROUP lab.announce
    S: 211 1 1 1 lab.announce`)
})

test.each(['lab.closed', 'lab.noise', 'lab.old'])('RFC 6048 section 3.1: newgroup does not open %s', async (group) => {
  await using lab = await startNewsLab({ newsgroups, control: ['newgroup'] })
  await lab.post(`Newsgroups: lab.general\nControl: newgroup ${group}\nApproved: admin@lab.test`)
  await expect(lab.post(`Newsgroups: ${group}`)).rejects.toThrow(`posting to ${group} is not allowed`)
})

test('RFC 6048 section 3.1: articles that arrive together for groups with status j are all kept in junk', async () => {
  await using lab = await startPeerLab()
  const source = { groups: () => true, address: '127.0.0.1' }
  const ids = Array.from({ length: 20 }, (_, i) => `<${i}@a>`)
  const relayed = await Promise.allSettled(
    ids.map((id) =>
      lab.news.relay(
        articleOf(`Newsgroups: lab.noise\nPath: peer.test!x\nDate: Wed, 25 Nov 2026 11:00:00 +0000\nMessage-ID: ${id}`),
        source,
      ),
    ),
  )
  expect(relayed.filter(({ status }) => status === 'rejected')).toEqual([])
  await lab.play('C: GROUP junk\nS: 211 20 1 20 junk')
})
