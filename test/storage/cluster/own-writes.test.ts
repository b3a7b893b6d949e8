import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, type ClusterNode } from '../../support/cluster.ts'
import type { ImapClient } from '../../support/imap-client.ts'
import type { LineClient } from '../../support/line-client.ts'
import { needsPostgres } from '../../support/postgres.ts'
import { isThorough } from '../../support/thorough.ts'
import { closing, messageOf, numberIn } from './support.ts'

const ROUNDS = isThorough ? 100 : 12

describe.runIf(needsPostgres())('a client reads on any of three nodes what another one has acknowledged', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 3 })
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  /** Runs rounds, each with other nodes for the change and the answer. Returns the rounds whose answer was out of date. */
  async function staleRounds(round: (i: number, one: number, other: number) => Promise<boolean>): Promise<number[]> {
    const stale: number[] = []
    for (let i = 0; i < ROUNDS; i++) {
      const [one, other] = [i % 3, (i + 1 + (Math.floor(i / 3) % 2)) % 3]
      if (!(await round(i, one, other))) stale.push(i)
    }
    return stale
  }

  const node = (i: number): ClusterNode => cluster.nodes[i] as ClusterNode
  const loggedOn = (): Promise<ImapClient[]> => Promise.all(cluster.nodes.map((one) => one.imap()))

  it('flags: STORE, then UID FETCH, UID SEARCH and STATUS', async () => {
    await using clients = closing()
    const all = (await loggedOn()).map((client) => clients.add(client))
    await all[0]?.ok('CREATE flags')
    await all[0]?.append('flags', messageOf('flags'))
    for (const client of all) await client.ok('SELECT flags')
    const stale = await staleRounds(async (i, one, other) => {
      await all[one]?.ok(`UID STORE 1 FLAGS (k${i}${i % 2 ? ' \\Seen' : ''})`)
      if (i % 3 === 0) return (await all[other]?.ok(`UID SEARCH KEYWORD k${i}`))?.includes('* SEARCH 1') === true
      if (i % 3 === 1)
        return numberIn((await all[other]?.ok('STATUS flags (UNSEEN)')) ?? [], /UNSEEN (\d)/) === (i % 2 ? 0 : 1)
      return (await all[other]?.ok('UID FETCH 1 (FLAGS)'))?.some((line) => line.includes(`k${i}`)) === true
    })
    expect(stale).toEqual([])
  })

  it('new mail: 250 of SMTP, then messages of the API, SEARCH, STATUS, SELECT and POP3', async () => {
    await using clients = closing()
    const all = (await loggedOn()).map((client) => clients.add(client))
    const senders = await Promise.all(cluster.nodes.map((one) => one.smtp()))
    for (const one of cluster.nodes) expect((await one.http.request('messages?limit=1')).status).toBe(200)
    const answers: ((other: number, i: number) => Promise<boolean>)[] = [
      async (other, i) => {
        const { body } = await node(other).http.request(`messages?limit=1`)
        return body.items[0]?.subject === `mail ${i}`
      },
      async (other, i) => {
        const { body } = await node(other).http.request(`messages?query=${encodeURIComponent(`subject:"mail ${i}"`)}`)
        return body.items.length > 0
      },
      async (other, i) => numberIn((await all[other]?.ok('SELECT INBOX')) ?? [], /^\* (\d+) EXISTS$/m) === i + 1,
      async (other, i) => numberIn((await all[other]?.ok('STATUS INBOX (MESSAGES)')) ?? [], /MESSAGES (\d+)/) === i + 1,
      async (other, i) => {
        await all[other]?.ok('EXAMINE INBOX')
        return ((await all[other]?.ok(`UID SEARCH ALL`)) ?? []).some((line) => line.split(' ').length === i + 3)
      },
      async (other, i) => {
        await using pop = closing()
        const client = pop.add(await node(other).client('pop3'))
        await ask(client, 'USER alice')
        await ask(client, 'PASS secret')
        const answer = await ask(client, 'STAT')
        await ask(client, 'QUIT')
        return numberIn([answer], /^\+OK (\d+) /) === i + 1
      },
    ]
    const stale = await staleRounds(async (i, one, other) => {
      expect(await senders[one]?.send(messageOf(`mail ${i}`))).toMatch(/^250 /)
      return (answers[i % answers.length] as (typeof answers)[number])(other, i)
    })
    for (const sender of senders) sender.close()
    expect(stale).toEqual([])
  })

  it('changes over the API: PATCH, then GET; and a deletion', async () => {
    await node(0).deliver(messageOf('patched'), 'bob@lab.test')
    const { body } = await node(0).http.request('messages?account=bob&limit=1')
    const { id } = body.items[0]
    for (const one of cluster.nodes) expect((await one.http.request(`messages/${id}`)).status).toBe(200)
    const stale = await staleRounds(async (i, one, other) => {
      const flagged = i % 2 === 0
      expect((await node(one).http.request(`messages/${id}`, { flagged }, 'PATCH')).status).toBe(200)
      return (await node(other).http.request(`messages/${id}`)).body.flagged === flagged
    })
    expect(stale).toEqual([])
    expect((await node(1).http.request(`messages/${id}`, undefined, 'DELETE')).status).toBeLessThan(300)
    expect((await node(2).http.request(`messages/${id}`)).status).toBe(404)
  })

  it('mail that a wait asks for', async () => {
    const stale = await staleRounds(async (i, one, other) => {
      await node(one).deliver(messageOf(`wait ${i}`), 'bob@lab.test')
      const { body } = await node(other).http.request('wait', {
        to: 'bob@lab.test',
        subject: `wait ${i}`,
        timeout: '30s',
      })
      return JSON.stringify(body).includes(`wait ${i}`)
    })
    expect(stale).toEqual([])
  })

  it('articles: POST, then GROUP and ARTICLE', async () => {
    await using clients = closing()
    const all = await Promise.all(cluster.nodes.map(async (one) => clients.add(await one.client('nntp'))))
    const stale = await staleRounds(async (i, one, other) => {
      const poster = all[one] as LineClient
      expect(await ask(poster, 'POST')).toMatch(/^340 /)
      poster.send(
        `From: a@lab.test\r\nNewsgroups: lab.general\r\nSubject: n${i}\r\nMessage-ID: <own-${i}@x>\r\n\r\nText\r\n.\r\n`,
      )
      expect(await poster.line()).toMatch(/^240 /)
      const reader = all[other] as LineClient
      const count = numberIn([await ask(reader, 'GROUP lab.general')], /^211 (\d+) /)
      return count === i + 1 && /^223 /.test(await ask(reader, `STAT <own-${i}@x>`))
    })
    expect(stale).toEqual([])
  })

  it('subscriptions and annotations of the server: clients that use NOTIFY are told (RFC 5465)', async () => {
    await using clients = closing()
    const [readers, writers] = [await loggedOn(), await loggedOn()]
    for (const client of [...readers, ...writers]) clients.add(client)
    await writers[0]?.ok('CREATE n-subscribed')
    for (const reader of readers)
      await reader.ok(
        'NOTIFY SET (personal (SubscriptionChange ServerMetadataChange)) (subscribed (MessageNew MessageExpunge))',
      )
    const allRead = (pattern: RegExp) => Promise.all(readers.map((reader) => reader.until(pattern)))
    for (let round = 0; round < ROUNDS; round++) {
      const writer = writers[round % 3] as ImapClient
      await writer.ok('SUBSCRIBE n-subscribed')
      await allRead(/^\* LIST \(.*\\Subscribed.*n-subscribed/)
      await writer.ok(`SETMETADATA "" (/private/comment "round ${round}")`)
      await allRead(/^\* METADATA "" \/private\/comment$/)
      // The list of subscriptions, which decides what is told of, is up to date too.
      expect(await writer.append('n-subscribed', messageOf(`round ${round}`))).toMatch(/^OK/)
      await allRead(/^\* STATUS "?n-subscribed/)
      await writer.ok('UNSUBSCRIBE n-subscribed')
      await allRead(/^\* LIST \((?!.*Subscribed).*n-subscribed/)
    }
  })

  it('mailboxes: RENAME, DELETE and CREATE, then SELECT and STATUS', async () => {
    await using clients = closing()
    const all = (await loggedOn()).map((client) => clients.add(client))
    await all[0]?.ok('CREATE box-0')
    const stale = await staleRounds(async (i, one, other) => {
      await all[one]?.ok(`RENAME box-${i} box-${i + 1}`)
      const before = (await all[other]?.ask(`SELECT box-${i}`))?.at(-1) ?? ''
      const isRenamed = /^NO /.test(before) && /^OK /.test((await all[other]?.ask(`SELECT box-${i + 1}`))?.at(-1) ?? '')
      await all[other]?.ok('UNSELECT')
      await all[one]?.ok(`DELETE box-${i + 1}`)
      await all[one]?.ok(`CREATE box-${i + 1}`)
      return isRenamed && /^OK /.test((await all[other]?.ask(`STATUS box-${i + 1} (MESSAGES)`))?.at(-1) ?? '')
    })
    expect(stale).toEqual([])
  })
})

async function ask(client: LineClient, line: string): Promise<string> {
  client.send(`${line}\r\n`)
  return (await client.line()) ?? ''
}
