import { expect, it } from 'vitest'
import type { Cluster, ClusterNode } from '../../support/cluster.ts'
import type { LineClient } from '../../support/line-client.ts'
import { isLong } from '../../support/long.ts'
import { numberIn } from './support.ts'

/** Defines the tests of news. */
export function newsOnNodes(cluster: () => Cluster): void {
  it('has the same article numbers and overview on every node', async () => {
    const each = isLong ? 50 : 10
    const posters = await Promise.all(cluster().nodes.flatMap((node) => [node.client('nntp'), node.client('nntp')]))
    await Promise.all(
      posters.map(async (poster, i) => {
        for (let n = 0; n < each; n++) expect(await post(poster, `<${i}.${n}@lab.test>`)).toMatch(/^240 /)
      }),
    )
    const count = posters.length * each
    const overviews = []
    for (const node of cluster().nodes) {
      using reader = await node.client('nntp')
      expect(await ask(reader, 'GROUP lab.general')).toBe(`211 ${count} 1 ${count} lab.general`)
      overviews.push(await list(reader, `OVER 1-${count}`))
      expect((await list(reader, 'LISTGROUP')).map(Number)).toEqual(Array.from({ length: count }, (_, i) => i + 1))
      const number = numberIn([await ask(reader, 'STAT <3.0@lab.test>')], /^223 (\d+)/)
      expect(await ask(reader, `STAT ${count}`)).toMatch(new RegExp(`^223 ${count} <`))
      expect(number).toBe(0)
    }
    expect(overviews[0]).toHaveLength(count)
    expect(overviews[0]).toEqual(overviews[1])
    for (const poster of posters) poster.destroy()
  })

  it('never shows an article below one that a client has already seen', async () => {
    const each = isLong ? 100 : 10
    const posters = await Promise.all(cluster().nodes.flatMap((node) => [node.client('nntp'), node.client('nntp')]))
    let isOver = false
    const watch = cluster().nodes.map(async (node) => {
      const reader = await node.client('nntp')
      let known: string[] = []
      for (let isLast = false; !isLast; ) {
        isLast = isOver
        const now = await list(reader, 'LISTGROUP lab.test')
        expect(now.slice(0, known.length)).toEqual(known)
        known = now
      }
      reader.destroy()
      return known
    })
    await Promise.all(
      posters.map(async (poster, i) => {
        for (let n = 0; n < each; n++) {
          expect(await post(poster, `<w${i}.${n}@lab.test>`, 'lab.test')).toMatch(/^240 /)
        }
        poster.destroy()
      }),
    )
    isOver = true
    const all = Array.from({ length: posters.length * each }, (_, i) => String(i + 1))
    for (const seen of await Promise.all(watch)) expect(seen).toEqual(all)
  })

  it('accepts one of two articles with the same Message-ID', async () => {
    const clients = await Promise.all(cluster().nodes.map((node) => node.client('nntp')))
    for (let round = 0; round < (isLong ? 50 : 8); round++) {
      const id = `<same.${round}@lab.test>`
      const replies = await Promise.all(clients.map((client) => post(client, id)))
      expect(replies.map((reply) => reply.slice(0, 3)).sort()).toEqual(['240', '441'])
      for (const client of clients) expect(await ask(client, `STAT ${id}`)).toMatch(/^223 /)
    }
    const found = await Promise.all(cluster().nodes.map((node) => idsOf(node)))
    expect(found[0]).toEqual(found[1])
    expect(new Set(found[0]).size).toBe(found[0]?.length)
    for (const client of clients) client.destroy()
  })

  it('cancels an article on the other node', async () => {
    const [one, two] = [await cluster().a.client('nntp'), await cluster().b.client('nntp')]
    expect(await post(one, '<gone@lab.test>')).toMatch(/^240 /)
    expect(await ask(two, 'STAT <gone@lab.test>')).toMatch(/^223 /)
    const { body } = await cluster().b.http.request('messages?newsgroup=lab.general&query=subject:gone')
    const { id } = body.items[0] as { id: string }
    expect((await cluster().b.http.request(`messages/${encodeURIComponent(id)}`, undefined, 'DELETE')).status).toBe(204)
    for (const client of [one, two]) {
      expect(await ask(client, 'STAT <gone@lab.test>')).toMatch(/^430 /)
      client.destroy()
    }
  })
}

async function ask(client: LineClient, line: string): Promise<string> {
  client.send(`${line}\r\n`)
  return (await client.line()) ?? 'closed'
}

/** Sends a command with a block as its answer. Returns the lines of the block. */
async function list(client: LineClient, line: string): Promise<string[]> {
  const first = await ask(client, line)
  if (!first.startsWith('2')) throw new Error(`${line}: ${first}`)
  return (await client.lines((one) => one === '.')).slice(0, -1)
}

async function post(client: LineClient, messageId: string, newsgroup = 'lab.general'): Promise<string> {
  const ready = await ask(client, 'POST')
  if (!ready.startsWith('340')) return ready
  const subject = messageId.slice(1, -1).replace('@lab.test', '')
  const fields = ['From: a@lab.test', `Newsgroups: ${newsgroup}`, `Subject: ${subject}`, `Message-ID: ${messageId}`]
  return ask(client, [...fields, '', 'Text.', '.'].join('\r\n'))
}

async function idsOf(node: ClusterNode): Promise<string[]> {
  const reader = await node.client('nntp')
  await ask(reader, 'GROUP lab.general')
  const lines = await list(reader, 'OVER 1-')
  reader.destroy()
  return lines.map((line) => line.split('\t')[4] ?? '')
}
