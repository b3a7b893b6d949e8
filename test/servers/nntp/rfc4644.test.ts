import { expect, test } from 'vitest'
import { labSchema, type VirtualServerInput } from '../../../src/core/config/schema.ts'
import { StoreError } from '../../../src/storage/store/errors.ts'
import { articleOf, type NewsLab, startNewsLab } from '../../support/news-lab.ts'

type FeedInput = NonNullable<VirtualServerInput['feeds']>[number]

function startPeerLab(feed: Partial<FeedInput> = {}): Promise<NewsLab> {
  const input = {
    peer: 'peer.test',
    direction: 'in' as const,
    groups: 'lab.*,!lab.test',
    from: ['127.0.0.1'],
    ...feed,
  }
  const parsed = labSchema.parse({ virtualServers: [{ protocol: 'nntp', feeds: [input] }] })
  return startNewsLab({ server: { feeds: parsed.virtualServers[0]?.feeds ?? [] } })
}

const HEAD = `C: From: a@b
    C: Date: Wed, 25 Nov 2026 11:00:00 +0000
    C: Subject: x`
const article = (id: string, more = 'Newsgroups: lab.general\n C: Path: peer.test!not-for-mail'): string =>
  `${HEAD}\n C: Message-ID: ${id}\n C: ${more}\n C:\n C: body\n C: .`

test('RFC 3977 section 6.3.2: IHAVE', async () => {
  await using lab = await startPeerLab()
  await lab.play(`
    C: IHAVE <1@a>
    S: 335 *
    ${article('<1@a>')}
    S: 235 *
    C: IHAVE <1@a>
    S: 435 *
    C: IHAVE <2@a>
    S: 335 *
    ${article('<other@a>')}
    S: 437 *offered as <2@a>*
    C: IHAVE nonsense
    S: 501 *
    C: HDR Path <1@a>
    S: 225 *
    S: 0 news.lab.test!!peer.test!not-for-mail
    S: .
  `)
})

test('RFC 4644: MODE STREAM, CHECK and TAKETHIS', async () => {
  await using lab = await startPeerLab()
  await lab.play(`
    C: CAPABILITIES
    S: 101 *
    S: VERSION 2
    S: IMPLEMENTATION *
    S: AUTHINFO *
    S: COMPRESS *
    S: HDR
    S: IHAVE
    S: LIST *
    S: NEWNEWS
    S: OVER *
    S: POST
    S: READER
    S: SASL *
    S: STARTTLS
    S: STREAMING
    S: XPAT
    S: .
    C: MODE STREAM
    S: 203 *
    C: CHECK <1@a>
    C: CHECK <2@a>
    S: 238 <1@a>
    S: 238 <2@a>
    C: TAKETHIS <1@a>
    ${article('<1@a>')}
    C: TAKETHIS <2@a>
    ${article('<2@a>')}
    S: 239 <1@a>
    S: 239 <2@a>
    C: CHECK <1@a>
    S: 438 <1@a>
    C: TAKETHIS <1@a>
    ${article('<1@a>')}
    S: 439 <1@a> *
    C: TAKETHIS nonsense
    ${article('<3@a>')}
    S: 501 *
    C: CHECK
    S: 501 *
    C: DATE
    S: 111 *
  `)
})

test('RFC 4644 section 2.4: 431 while another peer sends the article; the claim ends with that session', async () => {
  await using lab = await startPeerLab()
  const first = await lab.client()
  using second = await lab.client()
  await first.play('C: CHECK <1@a>\nS: 238 *')
  await second.play('C: CHECK <1@a>\nS: 431 <1@a>\nC: IHAVE <1@a>\nS: 436 *')
  await first.play('C: QUIT\nS: 205 *\nS: (end)')
  await second.play(`C: CHECK <1@a>\nS: 238 *\nC: TAKETHIS <1@a>\n${article('<1@a>')}\nS: 239 *`)
})

// A store in PostgreSQL is asked about each of them.
test('claims are limited to 50,000; an article offered beyond that is not claimed', { timeout: 600_000 }, async () => {
  await using lab = await startPeerLab()
  using first = await lab.client()
  using second = await lab.client()
  const ids = Array.from({ length: 50_001 }, (_, n) => `<${n}@a>`)
  first.send(ids.map((id) => `CHECK ${id}\r\n`).join(''))
  const answers = await first.lines((line) => line === `238 ${ids.at(-1)}`)
  expect(answers.slice(-ids.length)).toEqual(ids.map((id) => `238 ${id}`))
  await second.play(`C: CHECK ${ids[0]}\nS: 431 *\nC: CHECK ${ids.at(-2)}\nS: 431 *\nC: CHECK ${ids.at(-1)}\nS: 238 *`)
  // Expired claims make room for new ones.
  lab.clock.ms += 61_000
  await first.play('C: CHECK <new@a>\nS: 238 *')
  await second.play(`C: CHECK <new@a>\nS: 431 *\nC: CHECK ${ids[0]}\nS: 238 *`)
})

test('an excessive Newsgroups list is read only up to a limit', async () => {
  await using lab = await startPeerLab()
  const list = `lab.none,${'lab.x,'.repeat(200_000)}`
  await lab.play(`
    C: TAKETHIS <1@a>
    ${article('<1@a>', `Newsgroups: lab.general,${list}lab.none\n C: Path: peer.test!x`)}
    S: 239 <1@a>
    C: TAKETHIS <2@a>
    ${article('<2@a>', `Newsgroups: ${list}lab.general\n C: Path: peer.test!x`)}
    S: 439 <2@a> no group is carried here: lab.none, lab.x*
  `)
})

test.each([
  ['the Path contains this server', 'Newsgroups: lab.general\nC: Path: peer.test!News.Lab.Test!x', 'Path'],
  ['no group is accepted from this peer', 'Newsgroups: lab.test\nC: Path: peer.test!x', 'no group'],
  ['no group exists here', 'Newsgroups: no.such\nC: Path: peer.test!x', 'no group'],
  ['Path is missing', 'Newsgroups: lab.general', 'Path'],
  ['Newsgroups is missing', 'Path: peer.test!x', 'Newsgroups'],
  ['a line has no colon', 'Path: peer.test!x\nC: nonsense', 'no colon'],
  ['a colon has no space after it', 'Path:peer.test!x', 'no space after the colon'],
  ['Subject occurs twice', 'Path: peer.test!x\nC: Subject: again', 'more than one Subject'],
])('RFC 5537 section 3.6: TAKETHIS refuses an article if %s', async (_, more, reason) => {
  await using lab = await startPeerLab()
  await lab.play(`C: TAKETHIS <1@a>\n${article('<1@a>', more)}\nS: 439 <1@a> *${reason}*`)
})

test('RFC 3977 section 6.3.2: IHAVE refuses a malformed header for good; RFC 5536 section 2.2: a field without content is relayed', async () => {
  await using lab = await startPeerLab()
  const offer = (id: string, more: string) =>
    `C: IHAVE ${id}\nS: 335 *\n${article(id, `Newsgroups: lab.general\nC: ${more}`)}`
  await lab.play(
    `${offer('<1@a>', 'Path: peer.test!x\nC: X-Field:y')}\nS: 437 no space after the colon: line *: X-Field:y`,
  )
  await lab.play(`${offer('<2@a>', 'Path: peer.test!x\nC: X-Field:\\x20')}\nS: 235 *`)
})

test('Path records a peer that gives a wrong name', async () => {
  await using lab = await startPeerLab()
  await lab.play(`
    C: TAKETHIS <1@a>
    ${article('<1@a>', 'Newsgroups: lab.general\n C: Path: other.test!x')}
    S: 239 *
    C: HDR Path <1@a>
    S: 225 *
    S: 0 news.lab.test!.MISMATCH.peer.test!other.test!x
    S: .
  `)
})

test('a client that is not a peer gets 502, to IHAVE 435, or 480 if a log-on could help; TAKETHIS still reads the article', async () => {
  await using stranger = await startPeerLab({ from: ['192.0.2.1'] })
  await stranger.play(`
    C: MODE STREAM
    S: 502 *
    C: CHECK <1@a>
    S: 502 *
    C: IHAVE <1@a>
    S: 435 *
    C: TAKETHIS <1@a>
    ${article('<1@a>')}
    S: 502 *
    C: DATE
    S: 111 *
  `)
  await using byAccount = await startPeerLab({ from: [], account: 'bob' })
  await byAccount.play(`
    C: CHECK <1@a>
    S: 480 *
    C: AUTHINFO USER alice
    S: 381 *
    C: AUTHINFO PASS secret
    S: 281 *
    C: CHECK <1@a>
    S: 480 *
  `)
  await byAccount.play(`
    C: AUTHINFO USER bob
    S: 381 *
    C: AUTHINFO PASS geheim
    S: 281 *
    C: CHECK <1@a>
    S: 238 *
  `)
})

test('an article sent by many peers at the same time is stored once', async () => {
  await using lab = await startPeerLab()
  const clients = await Promise.all(Array.from({ length: 8 }, () => lab.client()))
  const raw = articleOf('Message-ID: <1@a>\nPath: peer.test!x\nDate: Wed, 25 Nov 2026 11:00:00 +0000')
  for (const client of clients)
    client.send(Buffer.concat([Buffer.from('TAKETHIS <1@a>\r\n'), raw, Buffer.from('.\r\n')]))
  const codes = await Promise.all(clients.map(async (client) => (await client.line())?.slice(0, 3)))
  expect(codes.sort()).toEqual(['239', ...Array(7).fill('439')])
  await lab.play('C: GROUP lab.general\nS: 211 1 1 1 *')
  for (const client of clients) client.destroy()
})

test('a peer cancels only articles for newsgroups of its feed', async () => {
  await using lab = await startPeerLab()
  await lab.post('Message-ID: <1@a>\nNewsgroups: lab.test')
  await lab.post('Message-ID: <2@a>\nNewsgroups: lab.test,lab.general')
  const cancel = (id: string, target: string) =>
    article(id, `Newsgroups: lab.general\n C: Path: peer.test!not-for-mail\n C: Control: cancel ${target}`)
  await lab.play(`
    C: TAKETHIS <c1@a>
    ${cancel('<c1@a>', '<1@a>')}
    S: 239 *
    C: TAKETHIS <c2@a>
    ${cancel('<c2@a>', '<2@a>')}
    S: 239 *
    C: STAT <1@a>
    S: 223 *
    C: STAT <2@a>
    S: 430 *
  `)
})

test('TAKETHIS: the article after a line that is too long is not read as commands', async () => {
  await using lab = await startPeerLab()
  const body = 'C: DATE\nC: GROUP lab.general\nC: .'
  await lab.play(`
    C: TAKETHIS <${'x'.repeat(300)}@a>
    ${body}
    S: 501 *
    C: TAKETHIS <${'x'.repeat(600)}@a>
    ${body}
    S: 501 *
    C: takethis ${'x'.repeat(12_000)}
    ${body}
    S: 501 *
    C: DATE
    S: 111 *
    C: TAKETHIS <${'x'.repeat(20_000)}@a>
    ${body}
    S: 400 *
    S: (end)
  `)
})

/** Starts a lab whose store takes no more changes. */
async function startFullLab(newsgroups: NonNullable<Parameters<typeof startNewsLab>[0]>['newsgroups']) {
  const feeds = labSchema.parse({
    virtualServers: [{ protocol: 'nntp', feeds: [{ peer: 'peer.test', direction: 'in', from: ['127.0.0.1'] }] }],
  }).virtualServers[0]?.feeds
  const lab = await startNewsLab({ newsgroups, server: { feeds: feeds ?? [] } })
  const full = () => Promise.reject(new StoreError('no-space', 'full'))
  Object.assign(lab.store, { remember: full, createFolder: full })
  return lab
}

test('an article for groups that are not carried is refused for good, also on a full disk', async () => {
  await using lab = await startFullLab([{ name: 'lab.general' }])
  const unknown = (id: string) => article(id, 'Newsgroups: not.carried\n C: Path: peer.test!not-for-mail')
  await lab.play(`
    C: IHAVE <1@a>
    S: 335 *
    ${unknown('<1@a>')}
    S: 437 no group is carried here: not.carried
    C: TAKETHIS <2@a>
    ${unknown('<2@a>')}
    S: 439 <2@a> no group is carried here: not.carried
  `)
})

test('an article that a full disk cannot take is refused for now', async () => {
  await using lab = await startFullLab([{ name: 'lab.noise', peers: 'discard' }])
  const noise = (id: string) => article(id, 'Newsgroups: lab.noise\n C: Path: peer.test!not-for-mail')
  await lab.play(`
    C: IHAVE <1@a>
    S: 335 *
    ${noise('<1@a>')}
    S: 436 full
    C: TAKETHIS <2@a>
    ${noise('<2@a>')}
    S: 400 full
    S: (end)
  `)
})

test('addresses of a feed are compared as addresses, in any notation, and may be networks', async () => {
  for (const [address, code] of [
    ['0:0:0:0:0:ffff:7f00:1', 203],
    ['127.0.0.0/8', 203],
    ['0:0:0:0:0:ffff:7f00:2', 502],
  ] as const) {
    await using lab = await startPeerLab({ from: [address] })
    await lab.play(`C: MODE STREAM\nS: ${code} *`)
  }
})

test('an address of a feed that is not an IP address is an error of the configuration', () => {
  const feed = { peer: 'peer.test', direction: 'in', from: ['peer.test'] }
  const { error } = labSchema.safeParse({ virtualServers: [{ protocol: 'nntp', feeds: [feed] }] })
  expect(error?.issues[0]?.path).toEqual(['virtualServers', 0, 'feeds', 0, 'from', 0])
})
