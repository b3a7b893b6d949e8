import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect, it } from 'vitest'
import type { Cluster, ClusterNode } from '../../support/cluster.ts'
import type { HttpAnswer } from '../../support/http-caller.ts'
import { ImapClient } from '../../support/imap-client.ts'
import { isLong } from '../../support/long.ts'
import { closing, messageOf } from './support.ts'

/** Defines the tests of what is neither mail nor news. */
export function valuesOnNodes(cluster: () => Cluster): void {
  it('is one root, and a certificate that all nodes serve as soon as one has it', async () => {
    const [root, other] = await Promise.all(cluster().nodes.map((node) => node.http.request('authorities/roots')))
    expect(other?.body).toBe(root?.body)
    const before = await Promise.all(cluster().nodes.map((node) => served(node, root?.body)))
    expect(before[0]).toBe(before[1])
    for (const node of cluster().nodes) {
      const friendlyName = `swap-${node.pid}`
      const issued = await node.http.request('certificates', { for: 'imap', friendlyName, key: 'p256' })
      expect(issued).toMatchObject({ status: 201, body: { state: 'issued' } })
      const { thumbprint } = issued.body as { thumbprint: string }
      const serving = (): Promise<string[]> => Promise.all(cluster().nodes.map((one) => served(one, root?.body)))
      await expect.poll(serving).toEqual([thumbprint, thumbprint])
      for (const one of cluster().nodes) {
        const { body } = await one.http.request('certificates')
        const names = body.items.map((item: { friendlyName: string }) => item.friendlyName)
        expect(names).toContain(friendlyName)
      }
    }
  })

  it('is one authority: nodes that issue at the same time use different serial numbers', async () => {
    const issued = await Promise.all(
      Array.from({ length: 6 }, (_, i) => {
        const node = cluster().nodes[i % 2] as ClusterNode
        return node.http.request('certificates', { for: 'mail', friendlyName: `serial-${i}`, key: 'p256' })
      }),
    )
    expect(issued.map(({ status }) => status)).toEqual(Array(6).fill(201))
    const shown = await Promise.all(
      Array.from({ length: 6 }, (_, i) => cluster().a.http.request(`certificates/serial-${i}`)),
    )
    expect(new Set(shown.map(({ body }) => body.serial)).size).toBe(6)
  })

  it('is the accounts of the API', async () => {
    await using clients = closing()
    const { status } = await cluster().a.http.request('accounts', { user: 'carol', password: 'first' })
    expect(status).toBe(201)
    await expect.poll(async () => (await cluster().b.http.request('accounts/carol')).status).toBe(200)
    expect(await logsOn(cluster().b, 'carol', 'first')).toBe(true)
    await cluster().b.http.request('accounts/carol', { password: 'second' }, 'PATCH')
    await expect.poll(() => logsOn(cluster().a, 'carol', 'second')).toBe(true)
    if (isLong) expect(await logsOn(cluster().a, 'carol', 'first')).toBe(false)
    await cluster().b.deliver(messageOf('for carol'), 'carol@lab.test')
    const carol = clients.add(await ImapClient.open(cluster().a.port('imap4'), 'carol', 'second'))
    expect(await carol.ok('SELECT INBOX')).toContain('* 1 EXISTS')
    expect((await cluster().a.http.request('accounts/carol', undefined, 'DELETE')).status).toBe(204)
    await expect.poll(async () => (await cluster().b.http.request('accounts/carol')).status).toBe(404)
    // A failed log-on is answered late, on purpose.
    if (isLong) expect(await logsOn(cluster().b, 'carol', 'second')).toBe(false)
  })

  it('is the faults and how often each has happened', async () => {
    const fault = { when: { protocol: 'pop3', verb: 'CAPA' }, do: { reply: '-ERR later' }, times: 5 }
    const { body } = await cluster().a.http.request('faults', fault)
    const on = async (node: ClusterNode): Promise<HttpAnswer> => node.http.request(`faults/${body.id}`)
    await expect.poll(async () => (await on(cluster().b)).status).toBe(200)
    let happened = 0
    for (let i = 0; i < 8; i++) {
      using client = await (cluster().nodes[i % 2] as ClusterNode).client('pop3')
      client.send('CAPA\r\n')
      if ((await client.line()) === '-ERR later') happened++
    }
    expect(happened).toBe(5)
    for (const node of cluster().nodes) await expect.poll(async () => (await on(node)).body.hits).toBe(5)
    await cluster().b.http.request(`faults/${body.id}`, undefined, 'DELETE')
    await expect.poll(async () => (await on(cluster().a)).status).toBe(404)
  })

  it('is the tenants with their accounts', async () => {
    const { status, body } = await cluster().a.http.request('tenants', {})
    expect(status).toBe(201)
    const [{ user, password }] = body.accounts as [{ user: string; password: string }]
    await expect.poll(async () => (await cluster().b.http.request(`accounts/${user}`)).status).toBe(200)
    expect(await logsOn(cluster().b, user, password)).toBe(true)
    await expect.poll(() => statusOf(cluster().b, `${body.baseUrl}/folders`, body.token)).toBe(200)
    expect((await cluster().b.http.request(`tenants/${body.name}`, undefined, 'DELETE')).status).toBe(204)
    await expect.poll(() => statusOf(cluster().a, `${body.baseUrl}/folders`, body.token)).toBe(401)
    await expect.poll(async () => (await cluster().a.http.request(`accounts/${user}`)).status).toBe(404)
  })

  it('is what a wait has returned: no message is returned twice', async () => {
    const count = 12
    const waits = Promise.all(
      Array.from({ length: count }, (_, i) =>
        (cluster().nodes[i % 2] as ClusterNode).http.request('wait', {
          to: 'bob',
          subject: 'wait for me',
          timeout: '60s',
        }),
      ),
    )
    for (let i = 0; i < count; i++) {
      await (cluster().nodes[(i >> 1) % 2] as ClusterNode).deliver(messageOf(`wait for me ${i}`), 'bob@lab.test')
    }
    const found = await waits
    expect(found.map(({ status }) => status)).toEqual(Array(count).fill(200))
    const subjects = found.map(({ body }) => body.subject as string).sort()
    expect(subjects).toEqual(Array.from({ length: count }, (_, i) => `wait for me ${i}`).sort())
    const late = await cluster().b.http.request('wait', { to: 'bob', subject: 'wait for me', timeout: '100ms' })
    expect(late.status).toBe(404)
  })

  it('is the list of sessions', async () => {
    await using clients = closing()
    for (const node of cluster().nodes) clients.add(await node.imap('bob'))
    for (const node of cluster().nodes) {
      const { body } = await node.http.request('sessions?protocol=imap4')
      const open = body.items.filter((one: { user?: string; closedAt?: string }) => one.user === 'bob' && !one.closedAt)
      expect(open.length).toBeGreaterThanOrEqual(2)
      expect(new Set(open.map((one: { id: string }) => one.id)).size).toBe(open.length)
    }
  })

  it('is shown by `sealpost cluster status`', async () => {
    const { place } = cluster().a
    const { status, stdout, stderr } = await place.runProcess([
      'cluster',
      'status',
      '--config',
      'node0/lab.yaml',
      '--json',
    ])
    expect([status, stderr]).toEqual([0, ''])
    for (const node of cluster().nodes) expect(stdout).toMatch(new RegExp(`"pid": ?${node.pid}\\b`))
  })
}

/** Returns the thumbprint of the certificate that a node serves for IMAP. @throws if it does not verify */
async function served(node: ClusterNode, ca: string): Promise<string> {
  const port = node.lab.endpoint('imap4').tlsPort ?? 0
  const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' })
  await once(socket, 'secureConnect')
  const { fingerprint } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint.replaceAll(':', '')
}

async function logsOn(node: ClusterNode, user: string, password: string): Promise<boolean> {
  try {
    const client = await ImapClient.open(node.port('imap4'), user, password)
    client.destroy()
    return true
  } catch {
    return false
  }
}

async function statusOf(node: ClusterNode, path: string, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`http://127.0.0.1:${node.port('http')}${path}`, { headers })
  await answer.arrayBuffer()
  return answer.status
}
