import { once } from 'node:events'
import pino from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { SharedCluster } from '../../../src/storage/cluster/shared/shared-cluster.ts'
import type { Role, Verbs } from '../../../src/storage/cluster/types.ts'
import { openDatabase } from '../../../src/storage/database/database.ts'
import type { Database } from '../../../src/storage/database/database-types.ts'
import { Leases } from '../../../src/storage/database/leases.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'

const log = pino({ level: 'silent' })
const WAIT = { timeout: 60_000, interval: 20 }

interface Node {
  readonly database: Database
  readonly cluster: SharedCluster
}

describe.skipIf(!needsPostgres())('nodes of one database', () => {
  const open: AsyncDisposable[] = []
  let place: Awaited<ReturnType<typeof freshDatabase>> | undefined

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]()
    place = undefined
  })

  async function databaseOf(node: string): Promise<Database> {
    place ??= await freshDatabase()
    const database = await openDatabase({ ...place, pool: 3, node }, { log })
    open.push(database)
    return database
  }

  async function join(name: string, verbs?: Partial<Verbs>): Promise<Node> {
    const database = await databaseOf(name)
    const cluster = await SharedCluster.join(database, log)
    open.push(cluster)
    if (verbs) cluster.serve(verbs as Verbs)
    return { database, cluster }
  }

  /** Lets time pass for a row, as if its node had been silent. */
  const age = ({ database }: Node, table: 'nodes' | 'leases', column: string, where: string): Promise<unknown> =>
    database.query(`UPDATE ${table} SET ${column} = ${column} - interval '1 minute' WHERE ${where}`)

  /** Leads a role. Returns what happened: `NODE +` when it begins, `NODE -` when it ends. */
  function lead(nodes: readonly Node[], role: Role): string[] {
    const events: string[] = []
    for (const { cluster } of nodes) {
      cluster.lead(role, {
        async run(signal) {
          events.push(`${cluster.node} +`)
          if (!signal.aborted) await once(signal, 'abort')
          events.push(`${cluster.node} -`)
        },
        woken: () => void events.push(`${cluster.node} woken`),
      })
    }
    return events
  }

  it('know each other, their states and their addresses', async () => {
    const [one, two] = [await join('one'), await join('two')]
    one.cluster.enter('ready', ['127.0.0.1:8025'])
    const states = async () => (await two.cluster.nodes()).map(({ name, state }) => `${name} ${state}`)
    await expect.poll(states, WAIT).toEqual(['one ready', 'two joining'])
    const [first] = await two.cluster.nodes()
    expect(first).toMatchObject({ pid: process.pid, addresses: ['127.0.0.1:8025'], roles: [], isLost: false })
    await one.cluster[Symbol.asyncDispose]()
    expect(await states()).toEqual(['one gone', 'two joining'])
    expect((await two.cluster.nodes())[0]?.isLost).toBe(false)
  })

  it('refuse the name of a node that runs, and take that of one that has ended', async () => {
    const one = await join('same')
    const again = await databaseOf('same')
    const lines: string[] = []
    const joined = SharedCluster.join(again, pino({ level: 'info' }, { write: (line) => void lines.push(line) }))
    await expect(joined).rejects.toThrow(/cluster\.node: a node with the name same is running/)
    expect(lines).toEqual([])
    await one.cluster[Symbol.asyncDispose]()
    const next = await SharedCluster.join(again, log)
    open.push(next)
    expect((await next.nodes()).map(({ name, state }) => [name, state])).toEqual([['same', 'joining']])
  })

  it('take over a role when its leader ends, and call only the leader', async () => {
    const nodes = [await join('one'), await join('two')]
    const [one, two] = nodes as [Node, Node]
    const events = lead(nodes, 'retention')
    await expect.poll(() => events.length, WAIT).toBe(1)
    const [first] = events[0]?.split(' ') ?? []
    const [leader, other] = first === 'one' ? [one, two] : [two, one]
    expect(await other.cluster.leaderOf('retention')).toBe(first)
    expect([leader.cluster.isLeading('retention'), other.cluster.isLeading('retention')]).toEqual([true, false])
    expect((await other.cluster.nodes()).find(({ name }) => name === first)?.roles).toEqual(['retention'])
    other.cluster.wake('retention')
    await expect.poll(() => events, WAIT).toContain(`${first} woken`)
    await leader.cluster.resign()
    await expect.poll(() => events, WAIT).toContain(`${other.cluster.node} +`)
    // The work of the first had ended before the second began.
    expect(events.indexOf(`${first} -`)).toBeLessThan(events.indexOf(`${other.cluster.node} +`))
    expect(events).not.toContain(`${other.cluster.node} woken`)
  })

  it('end the work of a role whose lease was taken', async () => {
    const one = await join('one')
    const events = lead([one], 'feeds')
    await expect.poll(() => events, WAIT).toEqual(['one +'])
    await age(one, 'leases', 'expires_at', `key = 'role:feeds'`)
    // As a node would that finds the lease expired.
    const other = new Leases(await databaseOf('two'), log)
    open.push(other)
    let taken = await other.acquire('role:feeds')
    while (!taken) {
      await age(one, 'leases', 'expires_at', `key = 'role:feeds'`)
      taken = await other.acquire('role:feeds')
    }
    await expect.poll(() => events, WAIT).toContain('one -')
    expect(one.cluster.isLeading('feeds')).toBe(false)
    await taken.release()
    await expect.poll(() => events.filter((event) => event === 'one +').length, WAIT).toBe(2)
  })

  it('ask each other, also for large answers, and name those that do not answer', async () => {
    const large = '\u0000€'.repeat(100_000)
    const one = await join('one', { reload: async (argument) => ({ argument, by: 'one' }) })
    await join('two', { reload: async () => large })
    await join('three', {
      reload: async () => {
        throw new Error('no file')
      },
    })
    const silent = await join('silent')
    silent.cluster.serve({ reload: () => new Promise(() => {}) } as unknown as Verbs)
    const answers = await one.cluster.ask(
      'reload',
      { deep: [1] },
      {
        nodes: ['one', ...(await one.cluster.others())],
        timeoutMs: 2_000,
      },
    )
    expect(answers).toEqual([
      { node: 'one', kind: 'answer', answer: { argument: { deep: [1] }, by: 'one' } },
      { node: 'silent', kind: 'missing' },
      { node: 'three', kind: 'error', error: 'no file' },
      { node: 'two', kind: 'answer', answer: large },
    ])
    const [left] = await one.database.query<{ count: number }>(
      'SELECT (SELECT count(*) FROM requests) + (SELECT count(*) FROM answers) AS count',
    )
    expect(left?.count).toBe(0)
  })

  it('answer only the verbs of the table', async () => {
    const one = await join('one')
    await join('two', { reload: async () => 1 })
    const answers = await one.cluster.ask('constructor' as 'reload', undefined, { nodes: ['two'] })
    expect(answers).toEqual([{ node: 'two', kind: 'error', error: expect.stringMatching(/constructor is unknown/) }])
  })

  it('hold a lease alone, until it has expired and another node takes it', async () => {
    const [one, two] = [await databaseOf('one'), await databaseOf('two')]
    const [first, second] = [new Leases(one, log), new Leases(two, log)]
    open.push(first, second)
    const lease = await first.acquire('x')
    expect(await second.acquire('x')).toBeUndefined()
    let stolen = await second.acquire('x')
    while (!stolen) {
      await two.query(`UPDATE leases SET expires_at = clock_timestamp() WHERE key = 'x'`)
      stolen = await second.acquire('x')
    }
    await expect.poll(() => lease?.signal.aborted, WAIT).toBe(true)
    // The first holder's late release does not end the lease of the second.
    await lease?.release()
    expect([...(await first.list('x'))]).toEqual([['x', 'two']])
    await stolen.release()
    expect(await first.acquire('x')).toBeDefined()
  })
})
