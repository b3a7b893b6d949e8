import pino from 'pino'
import { expect, test } from 'vitest'
import { loadObject } from '../../../src/core/config/load.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { createLab } from '../../../src/lab/create-lab.ts'
import { allGroups } from '../../../src/transport/news/inject.ts'
import { articleOf } from '../../support/news-lab.ts'
import { startPeer } from '../../support/scripted-peer.ts'

const soon = { timeout: 20_000, interval: 20 }

test('RFC 4644 section 2.4: articles that the peer keeps deferring do not hold up others that it has deferred', async () => {
  const offers = new Map<string, number>()
  const taken: string[] = []
  // Never takes the first 64 articles, which fill a round, and the others at the second offer.
  await using peer = await startPeer('200 hi\r\n', (line) => {
    const [verb = '', id = ''] = line.split(' ')
    if (verb === 'CHECK') {
      const offered = (offers.get(id) ?? 0) + 1
      offers.set(id, offered)
      return Number(/\d+/.exec(id)?.[0]) > 64 && offered > 1 ? `238 ${id}\r\n` : `431 ${id}\r\n`
    }
    if (verb === 'TAKETHIS') taken.push(id)
    if (verb === '.') return `239 ${taken.at(-1)}\r\n`
    return { MODE: '203 ok\r\n', QUIT: '205 bye\r\n' }[verb]
  })
  const feed = { peer: 'peer.test', direction: 'out' as const, host: '127.0.0.1', port: peer.port, tls: 'off' as const }
  const { lab: config } = loadObject(
    {
      certificates: { store: 'memory', key: 'p256' },
      hostname: 'lab.test',
      news: { groups: [{ name: 'lab.general' }] },
      virtualServers: [{ protocol: 'nntp', feeds: [feed] }],
    },
    process.cwd(),
  )
  await using lab = await createLab(config, { log: pino({ level: 'silent' }), clock: systemClock })
  for (let n = 1; n <= 66; n++) {
    await lab.news.service.post(articleOf(`Message-ID: <${n}@a>`), { host: '127.0.0.1', rights: allGroups })
  }
  await expect.poll(() => offers.size, soon).toBe(66)
  // A round offers the deferred articles again after a while, or when it is asked for.
  await expect
    .poll(() => {
      lab.news.feeds()[0]?.retry?.()
      return taken
    }, soon)
    .toEqual(['<65@a>', '<66@a>'])
})
