import { expect, test } from 'vitest'
import { type DmarcCount, DmarcResults } from '../../../src/transport/dmarc-reports/results.ts'
import { TlsResults } from '../../../src/transport/tls-reports/results.ts'
import { TestClock } from '../../support/test-clock.ts'

/** A memory that nodes share, where each access takes a turn, so that those of several nodes interleave. */
class SharedMemory {
  readonly values = new Map<string, string>()
  writes = 0
  async getState(key: string): Promise<string | undefined> {
    await new Promise(setImmediate)
    return this.values.get(key)
  }
  async setState(key: string, value: string | undefined): Promise<void> {
    await new Promise(setImmediate)
    this.writes++
    if (value === undefined) this.values.delete(key)
    else this.values.set(key, value)
  }
}

const count = (domain: string, sourceIp = '192.0.2.7'): DmarcCount => ({
  domain,
  record: 'v=DMARC1; p=none',
  row: {
    sourceIp,
    disposition: 'none',
    dkim: 'fail',
    spf: 'pass',
    reasons: [],
    headerFrom: domain,
    dkimResults: [],
  },
})

const countsOf = async (results: DmarcResults) =>
  (await results.list()).map(({ domain, day, rows }) => [domain, day, rows.map((row) => row.count)])

test('nodes that count at the same moment lose nothing', async () => {
  const memory = new SharedMemory()
  const clock = new TestClock()
  const nodes = ['a', 'b', 'c'].map((node) => new DmarcResults(memory, clock, node))
  for (let round = 0; round < 5; round++) {
    for (const node of nodes) node.add([count('one.test'), count('two.test')])
    await Promise.all(nodes.map((node) => node.flush()))
  }
  // A node that could not enter itself into the list at its first write does so at the next.
  for (const node of nodes)
    expect(await countsOf(node)).toEqual([
      ['one.test', '2026-11-25', [15]],
      ['two.test', '2026-11-25', [15]],
    ])
})

test('a report that one node sends leaves what others count meanwhile', async () => {
  const memory = new SharedMemory()
  const [a, b] = ['a', 'b'].map((node) => new DmarcResults(memory, new TestClock(), node)) as [
    DmarcResults,
    DmarcResults,
  ]
  for (const node of [a, b]) {
    node.add([count('one.test'), count('one.test', '192.0.2.8')])
    await node.flush()
  }
  const [day] = await a.list()
  b.add([count('one.test')])
  await Promise.all([a.delete(day as NonNullable<typeof day>), b.flush()])
  expect(await countsOf(a)).toEqual([['one.test', '2026-11-25', [1]]])
  expect(await countsOf(b)).toEqual([['one.test', '2026-11-25', [1]]])
})

test('many results are written together, at the latest when someone asks for them', async () => {
  const memory = new SharedMemory()
  const clock = new TestClock()
  const results = new DmarcResults(memory, clock, 'a')
  for (let i = 0; i < 900; i++) results.add([count(`d${i % 3}.test`)])
  expect((await countsOf(results)).map(([, , counts]) => counts)).toEqual([[300], [300], [300]])
  expect(memory.writes).toBe(2) // the row, and the list of nodes
  clock.ms += 8 * 86_400_000
  results.add([count('later.test')])
  expect(await countsOf(results)).toEqual([['later.test', '2026-12-03', [1]]])
})

test('the results of a day keep their day, whenever they are written', async () => {
  const clock = new TestClock()
  const results = new DmarcResults(new SharedMemory(), clock, 'a')
  results.add([count('one.test')])
  clock.ms += 86_400_000
  results.add([count('one.test')])
  expect((await countsOf(results)).map(([, day]) => day)).toEqual(['2026-11-26', '2026-11-25'])
})

test('nodes that count sessions for TLS reports lose nothing either', async () => {
  const memory = new SharedMemory()
  const nodes = ['a', 'b'].map((node) => new TlsResults(memory, new TestClock(), node))
  const session = { domain: 'one.test', policyType: 'sts', policyStrings: ['version: STSv1'] } as const
  for (const node of nodes) {
    node.add([
      { ...session, mxHosts: ['mx.one.test'] },
      { ...session, mxHosts: ['mx2.one.test'], failure: { resultType: 'starttls-not-supported' } },
    ])
    await node.flush()
  }
  await Promise.all(nodes.map((node) => node.flush()))
  const [first] = await (nodes[0] as TlsResults).list()
  expect(first?.policies).toMatchObject([
    {
      policyDomain: 'one.test',
      mxHosts: ['mx.one.test', 'mx2.one.test'],
      successfulSessions: 2,
      failedSessions: 2,
      failures: [{ resultType: 'starttls-not-supported', failedSessions: 2 }],
    },
  ])
})
