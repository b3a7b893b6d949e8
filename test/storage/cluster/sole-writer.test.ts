import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accountOwner, type Folder } from '../../../src/storage/store/folder.ts'
import { Cluster } from '../../support/cluster.ts'
import type { ImapClient } from '../../support/imap-client.ts'
import { needsPostgres, Postgres } from '../../support/postgres.ts'
import { openNode, type StoreNode } from '../../support/store-nodes.ts'
import { isThorough } from '../../support/thorough.ts'
import { messageOf } from './support.ts'

const ROUNDS = isThorough ? 100 : 6
const COMMANDS = 1_000

describe.runIf(needsPostgres())('a node that is the only one', { timeout: 900_000 }, () => {
  let server: Postgres
  let cluster: Cluster
  let client: ImapClient
  beforeAll(async () => {
    server = await Postgres.start({ settings: { log_statement: 'all' } })
    cluster = await Cluster.start({ nodes: 1, url: server.url })
    client = await cluster.a.imap()
    await client.append('INBOX', messageOf('first'))
    await client.ok('SELECT INBOX')
  })
  afterAll(async () => {
    client?.destroy()
    await cluster?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  /** How often nodes have asked for what others have changed: messages, the row of a mailbox, values. */
  const questions = (): number =>
    server.log.match(/pg_visible_in_snapshot\(|select uid_next, mod_seq, value_seq from folders|shared_spaces s/g)
      ?.length ?? 0

  /** Waits until commands of the node ask nothing. */
  async function untilAlone(): Promise<void> {
    const asked = async (): Promise<number> => {
      const before = questions()
      for (let i = 0; i < 10; i++) await client.ok('NOOP')
      return questions() - before
    }
    await expect.poll(asked, { timeout: 60_000 }).toBeLessThan(5)
  }

  it('asks the database nothing for its commands', async () => {
    await untilAlone()
    const before = questions()
    for (let i = 0; i < COMMANDS / 4; i++) {
      await client.ok('NOOP')
      await client.ok('FETCH 1 (FLAGS)')
      await client.ok('FETCH 1 BODY.PEEK[]')
      await client.ok('SELECT INBOX')
    }
    // Every five seconds it looks anyway.
    expect(questions() - before).toBeLessThan(COMMANDS / 20)
  })

  it('answers with what a node that joins has stored, also after it was paused or has lost its connections', async () => {
    const stale: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await untilAlone()
      const way = (['serves', 'is paused', 'loses connections'] as const)[round % 3] ?? 'serves'
      if (way === 'is paused') cluster.a.pause()
      if (way === 'loses connections') await endSessions()
      const nodes: StoreNode[] = []
      const join = async (name: string): Promise<Folder> => {
        const node = await openNode({ url: server.url, schema: cluster.schema }, `${name}${round}`)
        nodes.push(node)
        return (await node.store.findFolder(accountOwner('alice'), 'INBOX')) as Folder
      }
      const [inbox] = await Promise.all([join('b'), join('c')])
      for (const [i, { store }] of nodes.entries()) {
        const flag = `k${round}-${i}`
        await store.setFlags(inbox.id, [1], { mode: 'replace', flags: [flag] })
        const answer = client.ok('UID FETCH 1 (FLAGS)')
        cluster.a.resume()
        if (!(await answer).some((line) => line.includes(flag))) stale.push(`${way}: ${flag}`)
      }
      const last = `last${round}`
      await nodes[0]?.store.setFlags(inbox.id, [1], { mode: 'replace', flags: [last] })
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
      if (!(await client.ok('UID FETCH 1 (FLAGS)')).some((line) => line.includes(last))) stale.push(`${way}: ${last}`)
    }
    expect(stale).toEqual([])
  })

  /** Ends the connections of all nodes. */
  const endSessions = (): Promise<string> =>
    server.sql(
      `select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = 'lab' and pid <> pg_backend_pid()`,
      'postgres',
    )
})
