import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { VirtualServerInput } from '../../src/core/config/schema.ts'
import { startLab } from '../../src/testing/index.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { newFolder } from '../support/folder.ts'
import { freePorts } from '../support/free-ports.ts'
import { hasInn, Inn } from '../support/inn.ts'
import { LineClient } from '../support/line-client.ts'
import { articleOf } from '../support/news-lab.ts'
import { opensslCertificate } from '../support/openssl.ts'
import { needs } from '../support/programs.ts'
import { startTunnels } from '../support/stunnel.ts'

type Feed = NonNullable<VirtualServerInput['feeds']>[number]

const folder = newFolder()
const rootFile = (name: string): string => join(folder, `${name}.pem`)
type EightPorts = [number, number, number, number, number, number, number, number]
const groups = ['lab.general', 'lab.test']
const soon = { timeout: 60_000, interval: 200 }

/** Starts two labs and INN, each of which feeds both others over TLS. INN feeds in clear text, so stunnel adds the TLS. */
async function startTriangle() {
  const [aPort, aTls, bPort, bTls, innPort, innTls, toA, toB] = (await freePorts(8)) as EightPorts
  const innCertificate = opensslCertificate(['localhost', '127.0.0.1'])
  writeFileSync(rootFile('inn'), innCertificate.certificatePem)
  const innFeed: Feed = {
    peer: 'inn.test',
    direction: 'both',
    host: '127.0.0.1',
    port: innTls,
    tls: 'implicit',
    authority: rootFile('inn'),
    from: ['127.0.0.1'],
    interval: 500,
  }
  const labFeed = (self: string, peer: string, port: number): Feed => ({
    peer: `${peer}.test`,
    direction: 'both',
    host: '127.0.0.1',
    port,
    authority: rootFile(peer),
    account: `feed-${peer}`,
    user: `feed-${self}`,
    password: 'x',
    interval: 500,
  })
  const start = async (name: string, port: number, tlsPort: number, feeds: Feed[]): Promise<TestLab> => {
    const newsgroups = groups.map((group) => ({ name: group }))
    const virtualServers = [{ protocol: 'nntp' as const, port, tlsPort, feeds }]
    const lab = await startLab({ hostname: `${name}.test`, news: { groups: newsgroups }, virtualServers })
    writeFileSync(rootFile(name), lab.ca)
    return lab
  }
  const a = await start('a', aPort, aTls, [labFeed('a', 'b', bPort), innFeed])
  const b = await start('b', bPort, bTls, [labFeed('b', 'a', aPort), innFeed])
  const tunnels = await startTunnels([
    { kind: 'server', port: innTls, to: innPort, certificate: innCertificate },
    { kind: 'client', port: toA, to: aTls, ca: a.ca },
    { kind: 'client', port: toB, to: bTls, ca: b.ca },
  ])
  const inn = await Inn.start({
    pathHost: 'inn.test',
    port: innPort,
    groups,
    peers: [
      { name: 'a', identity: 'a.test', port: toA },
      { name: 'b', identity: 'b.test', port: toB },
    ],
  })
  return {
    a,
    b,
    inn,
    async [Symbol.asyncDispose]() {
      await Promise.all([a.stop(), b.stop()])
      await inn[Symbol.asyncDispose]()
      await tunnels[Symbol.asyncDispose]()
    },
  }
}

async function readerOf(site: TestLab | Inn): Promise<LineClient> {
  if (site instanceof Inn) return site.reader()
  const client = await LineClient.greeted(site.server('nntp').port)
  return client
}

async function post(site: TestLab | Inn, ...headers: string[]): Promise<void> {
  using client = await readerOf(site)
  for (const header of headers) {
    client.send('POST\r\n')
    expect(await client.line()).toMatch(/^340 /)
    client.send(Buffer.concat([articleOf(header), Buffer.from('.\r\n')]))
    expect(await client.line()).toMatch(/^240 /)
  }
}

/** Returns the Message-IDs of a group, sorted. A duplicate article appears twice. */
async function idsIn(site: TestLab | Inn, group = 'lab.general'): Promise<string[]> {
  const client = await readerOf(site)
  client.send(`GROUP ${group}\r\n`)
  const selected = await client.line()
  if (!selected?.startsWith('211') || selected.startsWith('211 0 ')) {
    client.destroy()
    return []
  }
  client.send('XHDR Message-ID 1-\r\n')
  const lines = await client.lines((line) => line === '.')
  client.destroy()
  return lines.flatMap((line) => /^\d+ (<.*>)$/.exec(line)?.[1] ?? []).sort()
}

const many = (site: string, from: number, to: number, more = ''): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `Message-ID: <${from + i}.x@${site}>\n${more}`)
const idsOf = (headers: readonly string[]): string[] => headers.map((header) => /<.*>/.exec(header)?.[0] ?? '')

test.skipIf(!hasInn() || !needs('stunnel'))(
  'two labs and INN feed each other over TLS: cross-posts, cancels, a peer killed and restarted; no article is lost or duplicated',
  async () => {
    await using sites = await startTriangle()
    const { a, b, inn } = sites
    const all = [a, b, inn]
    const both = `Newsgroups: ${groups.join(',')}\n`
    const posted = [...many('a', 1, 20), ...many('a', 21, 30, both), ...many('b', 1, 30), ...many('inn', 1, 30, both)]
    await Promise.all([
      post(a, ...posted.slice(0, 30)),
      post(b, ...posted.slice(30, 60)),
      post(inn, ...posted.slice(60)),
    ])
    for (const site of all) await expect.poll(() => idsIn(site), soon).toEqual(idsOf(posted).sort())
    const crossPosted = idsOf([...posted.slice(20, 30), ...posted.slice(60)]).sort()
    for (const site of all) await expect.poll(() => idsIn(site, 'lab.test'), soon).toEqual(crossPosted)

    await post(a, `Message-ID: <c1@a>\nControl: cancel <21.x@a>\n${both}`)
    await post(inn, `Message-ID: <c1@inn>\nControl: cancel <1.x@inn>\n${both}`)
    const gone = ['<21.x@a>', '<1.x@inn>']
    const left = (ids: readonly string[]): string[] => ids.filter((id) => !gone.includes(id))
    for (const site of all) await expect.poll(() => idsIn(site), soon).toEqual(left(idsOf(posted).sort()))
    expect(await idsIn(b, 'lab.test')).toEqual(left(crossPosted))

    await inn.kill()
    const later = [...many('a', 31, 60), ...many('b', 31, 60)]
    await Promise.all([post(a, ...later.slice(0, 30)), post(b, ...later.slice(30))])
    await inn.restart()
    await post(inn, ...many('inn', 31, 35))
    const expected = left(idsOf([...posted, ...later, ...many('inn', 31, 35)])).sort()
    for (const site of all) await expect.poll(() => idsIn(site), soon).toEqual(expected)

    const withInn = a.sessions().filter(({ transcript }) => JSON.stringify(transcript).includes('INN 2.'))
    expect(withInn.length).toBeGreaterThan(0)
    expect(withInn.every(({ tls }) => tls !== undefined)).toBe(true)
  },
  180_000,
)

test.skipIf(!hasInn() || !needs('stunnel'))('a lab pulls from INN by NEWNEWS over TLS', async () => {
  const [innPort, innTls] = (await freePorts(2)) as [number, number]
  const certificate = opensslCertificate(['localhost', '127.0.0.1'])
  writeFileSync(rootFile('inn'), certificate.certificatePem)
  await using inn = await Inn.start({ pathHost: 'inn.test', port: innPort, groups, peers: [] })
  await using _tunnel = await startTunnels([{ kind: 'server', port: innTls, to: innPort, certificate }])
  const both = `Newsgroups: ${groups.join(',')}\n`
  await post(inn, ...many('inn', 1, 5, both))
  const feed: Feed = {
    peer: 'inn.test',
    direction: 'pull',
    host: '127.0.0.1',
    port: innTls,
    tls: 'implicit',
    authority: rootFile('inn'),
    groups: 'lab.*',
    interval: 200,
  }
  await using lab = await startLab({
    news: { groups: groups.map((name) => ({ name })) },
    virtualServers: [{ protocol: 'nntp', feeds: [feed] }],
  })
  await expect.poll(() => idsIn(lab, 'lab.test'), soon).toEqual(idsOf(many('inn', 1, 5)))
  await post(inn, ...many('inn', 6, 7))
  await expect.poll(() => idsIn(lab), soon).toEqual(idsOf(many('inn', 1, 7)))
  const [first] = await lab.articles('lab.test')
  expect(first?.raw.toString('latin1')).toMatch(/^Path: localhost!!inn\.test!/m)
})
