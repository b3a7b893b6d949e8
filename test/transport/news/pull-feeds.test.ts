import pino from 'pino'
import { expect, test } from 'vitest'
import { loadObject } from '../../../src/core/config/load.ts'
import type { ResolvedLab } from '../../../src/core/config/resolve.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { createLab } from '../../../src/lab/create-lab.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { articleOf } from '../../support/news-lab.ts'
import { startPeer } from '../../support/scripted-peer.ts'

const soon = { timeout: 20_000, interval: 20 }
const NOW = '20261127120000'
/** The time of the peer less a minute. */
const NEXT = '20261127 115900'
const FIRST = '19700101 000000'

/** Starts a peer that lists articles. @param answers what it answers to ARTICLE, by Message-ID; the last one stays */
async function startSource(answers: Readonly<Record<string, readonly string[]>>) {
  const left = new Map(Object.entries(answers).map(([id, texts]) => [id, [...texts]]))
  const list = [...left.keys()].map((id) => `${id}\r\n`).join('')
  const replies: Record<string, (argument: string) => string> = {
    MODE: () => '200 hi',
    DATE: () => `111 ${NOW}`,
    NEWNEWS: () => `230 list\r\n${list}.`,
    ARTICLE(id) {
      const texts = left.get(id) ?? []
      return (texts.length > 1 ? texts.shift() : texts[0]) ?? '430 no such article'
    },
    QUIT: () => '205 bye',
  }
  const peer = await startPeer('200 hi\r\n', (line) => {
    const [verb = '', argument = ''] = line.split(' ')
    return `${replies[verb]?.(argument) ?? '500 ?'}\r\n`
  })
  const heard = (verb: string) => peer.heard.filter((line) => line.startsWith(`${verb} `))
  return Object.assign(peer, {
    asked: (id: string) => heard('ARTICLE').filter((line) => line.endsWith(id)).length,
    rounds: () => heard('NEWNEWS').map((line) => line.slice('NEWNEWS '.length, -' GMT'.length)),
  })
}

const sent = (id: string, body = 'x\r\n'): string => {
  const head = `Message-ID: ${id}\nDate: Fri, 27 Nov 2026 11:00:00 +0000\nPath: peer.test!not-for-mail`
  return `220 0 ${id}\r\n${articleOf(head, body).toString('latin1')}.`
}

/** Returns a lab with a pull feed from the peer for each wildmat. */
function labWith(port: number, ...wildmats: readonly string[]): ResolvedLab {
  const feeds = wildmats.map((groups) => ({
    peer: 'peer.test',
    direction: 'pull' as const,
    groups,
    host: '127.0.0.1',
    port,
    tls: 'off' as const,
    interval: 20,
  }))
  const server = { protocol: 'nntp' as const, limits: { messageSize: 2_000 }, feeds }
  return loadObject(
    {
      certificates: { store: 'memory', key: 'p256' },
      hostname: 'lab.test',
      news: { groups: [{ name: 'lab.general' }] },
      virtualServers: [server],
    },
    process.cwd(),
  ).lab
}

async function startPuller(config: ResolvedLab) {
  const store = new MemoryStore({ clock: systemClock })
  const lab = await createLab(config, { log: pino({ level: 'silent' }), clock: systemClock, store })
  return {
    lab,
    async ids() {
      const group = await lab.news.service.group('lab.general')
      return group ? (await store.list(group.id)).map(({ messageId }) => messageId) : []
    },
    [Symbol.asyncDispose]: () => lab.stop(),
  }
}

test('an article over the limit is left out once, and the others are fetched', async () => {
  await using peer = await startSource({
    '<1@a>': [sent('<1@a>')],
    '<2@a>': [sent('<2@a>', `${'x'.repeat(3_000)}\r\n`)],
    '<3@a>': [sent('<3@a>')],
  })
  await using puller = await startPuller(labWith(peer.port, '*'))
  await expect.poll(() => peer.rounds().length, soon).toBeGreaterThan(2)
  expect(await puller.ids()).toEqual(['<1@a>', '<3@a>'])
  expect(peer.asked('<2@a>')).toBe(1)
  expect(peer.rounds().slice(0, 2)).toEqual([`* ${FIRST}`, `* ${NEXT}`])
})

test('an article without an end ends the session, is left out, and the others are fetched', async () => {
  const endless = `220 0 <1@a>\r\n${'x'.repeat(9_000)}`
  await using peer = await startSource({ '<1@a>': [endless], '<2@a>': [sent('<2@a>')] })
  await using puller = await startPuller(labWith(peer.port, '*'))
  await expect.poll(() => puller.ids(), soon).toEqual(['<2@a>'])
  expect(peer.asked('<1@a>')).toBe(1)
})

test.each(['403 Not enough memory. Try again later', '480 Log on first', '503 not now'])(
  'RFC 3977 section 3.2.1: an article that the peer cannot send now (%s) is fetched later',
  async (answer) => {
    await using peer = await startSource({
      '<1@a>': [answer, answer, sent('<1@a>')],
      '<2@a>': ['430 deleted'],
      '<3@a>': [sent('<3@a>')],
    })
    await using puller = await startPuller(labWith(peer.port, '*'))
    await expect.poll(() => peer.rounds().length, soon).toBeGreaterThan(3)
    expect(await puller.ids()).toEqual(['<3@a>', '<1@a>'])
    expect(peer.asked('<3@a>')).toBe(1)
    expect(peer.rounds().slice(0, 4)).toEqual([`* ${FIRST}`, `* ${FIRST}`, `* ${FIRST}`, `* ${NEXT}`])
  },
)

test('an article that the peer refuses for good does not hold up the others, unless it refuses all', async () => {
  const refused = Object.fromEntries(Array.from({ length: 3 }, (_, at) => [`<no${at}@a>`, ['502 No permission']]))
  await using peer = await startSource({ ...refused, '<1@a>': ['502 No permission', sent('<1@a>')] })
  await using puller = await startPuller(labWith(peer.port, '*'))
  await expect.poll(() => peer.rounds().length, soon).toBeGreaterThan(2)
  expect(await puller.ids()).toEqual(['<1@a>'])
  expect(peer.rounds().slice(0, 3)).toEqual([`* ${FIRST}`, `* ${FIRST}`, `* ${NEXT}`])
})

test('each pull feed from a peer has its own position, also after its newsgroups changed', async () => {
  await using peer = await startSource({})
  await using puller = await startPuller(labWith(peer.port, 'a.*'))
  const rounds = (wildmat: string) => peer.rounds().filter((round) => round.startsWith(`${wildmat} `))
  await expect.poll(() => rounds('a.*').length, soon).toBeGreaterThan(1)
  for (const added of ['b.*', 'a.*,b.*']) {
    await puller.lab.reload(labWith(peer.port, 'a.*', added))
    await expect.poll(() => rounds(added).length, soon).toBeGreaterThan(1)
    expect(rounds(added).slice(0, 2)).toEqual([`${added} ${FIRST}`, `${added} ${NEXT}`])
  }
  expect(rounds('a.*').filter((round) => round.endsWith(FIRST))).toHaveLength(1)
})
