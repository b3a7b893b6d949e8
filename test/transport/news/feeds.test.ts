import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { expect, test } from 'vitest'
import { loadObject } from '../../../src/core/config/load.ts'
import type { ResolvedLab } from '../../../src/core/config/resolve.ts'
import type { LabInput, VirtualServerInput } from '../../../src/core/config/schema.ts'
import { describeTranscript } from '../../../src/core/sessions/describe.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { createLab } from '../../../src/lab/create-lab.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { newFolder } from '../../support/folder.ts'
import { freePorts } from '../../support/free-ports.ts'
import { LineClient } from '../../support/line-client.ts'
import { articleOf } from '../../support/news-lab.ts'

const folder = newFolder()

type Feed = NonNullable<VirtualServerInput['feeds']>[number]

const rootFile = (name: string): string => join(folder, `${name}.pem`)

/** Starts a lab with host name `NAME.test` and writes its root certificate for its peers. */
async function startPeer(name: string, port: number, tlsPort: number, ...feeds: Feed[]): Promise<TestLab> {
  return startPeerWith({}, name, port, tlsPort, ...feeds)
}

async function startPeerWith(more: LabInput, name: string, port: number, tlsPort: number, ...feeds: Feed[]) {
  const lab = await startLab({
    ...more,
    hostname: `${name}.test`,
    news: {
      groups: [{ name: 'lab.general' }, { name: 'lab.test' }, { name: 'lab.local' }],
      control: ['cancel', 'newgroup'],
    },
    virtualServers: [{ protocol: 'nntp', port, tlsPort, feeds }],
  })
  writeFileSync(rootFile(name), lab.ca)
  return lab
}

/** Returns a feed to and from another lab on this machine. */
const feedWith = (peer: string, port: number, more: Partial<Feed> = {}): Feed => ({
  peer: `${peer}.test`,
  direction: 'both',
  groups: 'lab.*,!lab.local',
  from: ['127.0.0.1'],
  host: '127.0.0.1',
  port,
  authority: rootFile(peer),
  interval: 200,
  ...more,
})

const portOf = (lab: TestLab | number): number => (typeof lab === 'number' ? lab : lab.server('nntp').port)

async function post(lab: TestLab | number, header: string): Promise<void> {
  using client = await LineClient.greeted(portOf(lab))
  client.send('POST\r\n')
  await client.line()
  client.send(Buffer.concat([articleOf(header), Buffer.from('.\r\nQUIT\r\n')]))
  expect(await client.line()).toMatch(/^240 /)
}

const idsIn = async (lab: TestLab | number, group: string): Promise<string[]> => {
  const client = await LineClient.open(portOf(lab))
  client.send(`GROUP ${group}\r\nHDR Message-ID 1-\r\nQUIT\r\n`)
  const lines = await client.rest()
  return lines.map((line) => /^\d+ (<.*>)$/.exec(line)?.[1]).filter((id) => id !== undefined)
}

const soon = { timeout: 20_000, interval: 50 }

test('two labs feed each other over STARTTLS and implicit TLS: cross-posts once, no echo, cancels, only the feed’s groups', async () => {
  const [a, b, aTls, bTls] = (await freePorts(4)) as [number, number, number, number]
  await using labA = await startPeer('a', a, aTls, feedWith('b', bTls, { tls: 'implicit' }))
  await using labB = await startPeer('b', b, bTls, feedWith('a', a))
  await post(labA, 'Message-ID: <1@a>\nNewsgroups: lab.general,lab.test')
  await post(labA, 'Message-ID: <local@a>\nNewsgroups: lab.local')
  await post(labB, 'Message-ID: <2@b>\nNewsgroups: lab.general')
  await expect.poll(() => idsIn(labB, 'lab.general'), soon).toEqual(expect.arrayContaining(['<1@a>', '<2@b>']))
  await expect.poll(() => idsIn(labA, 'lab.general'), soon).toEqual(['<1@a>', '<2@b>'])
  expect(await idsIn(labB, 'lab.test')).toEqual(['<1@a>'])
  expect(await idsIn(labB, 'lab.local')).toEqual([])
  const sent = labA.sessions().filter(({ remotePort }) => remotePort === bTls)
  expect(sent.length).toBeGreaterThan(0)
  expect(sent.every(({ tls, direction }) => tls !== undefined && direction === 'out')).toBe(true)
  // The lab is the client of the sessions that it opens.
  const lines = sent.flatMap(describeTranscript).join('\n')
  expect(lines).toMatch(/ to 127\.0\.0\.1 port \d+/)
  expect(lines).toMatch(/ C: CHECK <1@a>|C: IHAVE <1@a>/)
  expect(lines).toMatch(/ S: 20[01] /)

  const client = await LineClient.open(b)
  client.send('HDR Path <1@a>\r\nQUIT\r\n')
  expect(await client.rest()).toContain('0 b.test!!a.test!.POSTED.127.0.0.1!not-for-mail')

  await post(labA, 'Control: cancel <1@a>\nNewsgroups: lab.general,lab.test')
  await expect.poll(() => idsIn(labB, 'lab.general'), soon).toEqual(['<2@b>'])
  expect(await idsIn(labB, 'lab.test')).toEqual([])
})

test('a peer that was down gets every article once, after it is back', async () => {
  const [a, b] = (await freePorts(2)) as [number, number]
  await using labA = await startPeer('a', a, 0, feedWith('b', b))
  for (let n = 1; n <= 70; n++) await post(labA, `Message-ID: <${n}@a>`)
  const expected = Array.from({ length: 70 }, (_, i) => `<${i + 1}@a>`)
  const first = await startPeer('b', b, 0, feedWith('a', a))
  await expect.poll(() => idsIn(first, 'lab.general'), soon).toEqual(expected)
  await first.stop()
  await post(labA, 'Message-ID: <71@a>')
  await using second = await startPeer('b', b, 0, feedWith('a', a))
  await expect.poll(() => idsIn(second, 'lab.general'), soon).toEqual(['<71@a>'])
})

test('the queue for a peer survives a restart of the lab', async () => {
  const [a, b] = (await freePorts(2)) as [number, number]
  const onDisk: LabInput = { store: { lmdb: join(folder, 'data') }, certificates: join(folder, 'certs') }
  const first = await startPeerWith(onDisk, 'a', a, 0, feedWith('b', b))
  for (let n = 1; n <= 3; n++) await post(first, `Message-ID: <${n}@a>`)
  await first.stop()
  await using second = await startPeerWith(onDisk, 'a', a, 0, feedWith('b', b))
  await using labB = await startPeer('b', b, 0, feedWith('a', a))
  await expect.poll(() => idsIn(labB, 'lab.general'), soon).toEqual(['<1@a>', '<2@a>', '<3@a>'])
  await post(second, 'Message-ID: <4@a>')
  await expect.poll(() => idsIn(labB, 'lab.general'), soon).toEqual(['<1@a>', '<2@a>', '<3@a>', '<4@a>'])
})

test('a peer with a certificate from another authority gets nothing', async () => {
  const [a, b] = (await freePorts(2)) as [number, number]
  await using stranger = await startLab({ hostname: 'stranger.test', virtualServers: [{ protocol: 'nntp' }] })
  await using labB = await startPeer('b', b, 0, feedWith('a', a))
  writeFileSync(rootFile('stranger'), stranger.ca)
  await using labA = await startPeer('a', a, 0, feedWith('b', b, { authority: rootFile('stranger') }))
  await post(labA, 'Message-ID: <1@a>')
  const refused = () => labA.sessions().find(({ refusals }) => refusals.length > 0)
  await expect.poll(refused, soon).toMatchObject({
    refusals: [expect.stringMatching(/TLS with 127\.0\.0\.1 failed/)],
    endCause: 'handshake failed',
  })
  expect(await idsIn(labB, 'lab.general')).toEqual([])
})

test('a pull feed fetches new articles with NEWNEWS', async () => {
  const [a, b] = (await freePorts(2)) as [number, number]
  await using labA = await startPeer('a', a, 0)
  await post(labA, 'Message-ID: <1@a>\nNewsgroups: lab.general,lab.test')
  await using labB = await startPeer('b', b, 0, feedWith('a', a, { direction: 'pull' }))
  await expect.poll(() => idsIn(labB, 'lab.general'), soon).toEqual(['<1@a>'])
  await post(labA, 'Message-ID: <2@a>')
  await expect.poll(() => idsIn(labB, 'lab.general'), soon).toEqual(['<1@a>', '<2@a>'])
  expect(await idsIn(labB, 'lab.test')).toEqual(['<1@a>'])
})

test('a peer that is identified by an account logs on, and no other client may feed', async () => {
  const [a, b] = (await freePorts(2)) as [number, number]
  const account = { from: [], account: 'peer-a' }
  await using labB = await startPeer('b', b, 0, feedWith('a', a, account))
  await using labA = await startPeer('a', a, 0, feedWith('b', b, { user: 'peer-a', password: 'pw' }))
  await post(labA, 'Message-ID: <1@a>')
  await expect.poll(() => idsIn(labB, 'lab.general'), soon).toEqual(['<1@a>'])
  expect(JSON.stringify(labA.sessions())).not.toContain('AUTHINFO PASS pw')
  const client = await LineClient.open(b)
  client.send('CHECK <9@x>\r\nIHAVE <9@x>\r\nMODE STREAM\r\nQUIT\r\n')
  expect((await client.rest()).map((line) => line.slice(0, 3))).toEqual(['200', '480', '480', '480', '205'])
})

test('a reload starts and stops feeds, and changes which control messages act', async () => {
  const [a, b] = (await freePorts(2)) as [number, number]
  await using labB = await startPeer('b', b, 0, feedWith('a', a))
  const config = (feeds: Feed[]): ResolvedLab =>
    loadObject(
      {
        certificates: { store: 'memory', key: 'p256' },
        hostname: 'a.test',
        news: { groups: [{ name: 'lab.general' }], control: feeds.length > 0 ? [] : ['cancel'] },
        virtualServers: [{ protocol: 'nntp', port: a, tlsPort: 0, feeds }],
      },
      folder,
    ).lab
  await using lab = await createLab(config([]), { log: pino({ level: 'silent' }), clock: systemClock })
  await post(a, 'Message-ID: <1@a>')
  await lab.reload(config([feedWith('b', b)]))
  await expect.poll(() => idsIn(labB, 'lab.general'), soon).toEqual(['<1@a>'])
  await post(a, 'Control: cancel <1@a>')
  expect(await idsIn(a, 'lab.general')).toEqual(['<1@a>'])
  await lab.reload(config([]))
  await post(a, 'Message-ID: <2@a>')
  await lab.reload(config([feedWith('b', b)]))
  await expect.poll(() => idsIn(labB, 'lab.general'), soon).toEqual(['<2@a>'])
})
