import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HttpLab } from '../../servers/http/client.ts'
import { Agent } from './client.ts'

let agent: Agent

const http = HttpLab.ofTests()
beforeAll(async () => {
  agent = await Agent.of(http)
})
afterAll(() => agent[Symbol.asyncDispose]())

const jobs = async () => (await http.request('jobs')).body.items

describe('verify_server', () => {
  it('examines the virtual servers, and answers what is wrong', async () => {
    await http.lab.useCertificate({ defect: 'expired' }, 'smtp')
    const input = { virtualServers: ['default-smtp-virtual-server'], form: 'implicit', only: ['tls', 'chain', 'dates'] }
    const progress: number[] = []
    const result = await agent.call('verify_server', input, { onprogress: ({ progress: done }) => progress.push(done) })
    expect(result.isError).toBeFalsy()
    const { ok, counts, verdict, endpoints } = result.structuredContent.untrusted
    expect([ok, counts.fail]).toEqual([false, 1])
    expect(verdict).toMatch(/^failed: Default SMTP Virtual Server, port \d+: .*expired/)
    expect(endpoints).toMatchObject([
      { protocol: 'smtp', implicitTls: true, checks: [{ check: 'dates', outcome: 'fail' }] },
    ])
    expect(progress.length).toBeGreaterThan(0)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    const all = await agent.data('verify_server', { ...input, all: true })
    expect(all.endpoints[0].checks.map(({ check }: { check: string }) => check)).toEqual(input.only)
  })

  it('reaches out only to hosts that the configuration lists', async () => {
    const { isError, content } = await agent.call('verify_server', { host: 'mail.example.com' })
    expect([isError, content[0]?.text]).toEqual([
      true,
      expect.stringMatching(/add mail\.example\.com to `testing\.verify\.targets`/),
    ])
  })

  it.each([
    [{ only: ['tsl'] }, /\/only\/0: is not a check; there are: /],
    [{ all: 'perhaps' }, /\/all: /],
    [{ hosts: 'localhost' }, /\/hosts: is unknown; did you mean host\?/],
  ])('says what is wrong: %j', async (input, text) => {
    expect((await agent.call('verify_server', input)).content[0]?.text).toMatch(text)
  })

  it('a call that is cancelled cancels the job', async () => {
    const abort = new AbortController()
    const known = (await jobs()).map(({ id }: { id: string }) => id)
    const call = agent.call('verify_server', {}, { signal: abort.signal, onprogress: () => abort.abort() })
    await expect(call).rejects.toThrow(/abort/i)
    const added = async () => (await jobs()).filter(({ id }: { id: string }) => !known.includes(id))
    await expect.poll(added).toMatchObject([{ kind: 'verify', state: 'cancelled' }])
  })
})

describe('audit_client', () => {
  interface Server {
    readonly name: string
    readonly address: string
    readonly port: number
    readonly hostname: string
    readonly user: string
    readonly password: string
  }

  /** A client that does not insist on TLS. Resolves with whether it sent its mail. */
  const send = ({ address, port, hostname, user, password }: Server, ca: string): Promise<boolean> => {
    const tls = { ca, servername: hostname }
    const transport = createTransport({
      host: address,
      port,
      opportunisticTLS: true,
      tls,
      auth: { user, pass: password },
    })
    return transport.sendMail({ from: 'alice@lab.test', to: 'alice@lab.test', text: 'hello' }).then(
      () => true,
      () => false,
    )
  }

  it('opens bad servers, and judges what the client did', async () => {
    const choice = { protocols: ['smtp'], forms: ['starttls'], names: ['expired', 'starttls-stripped'] }
    const { job, ca, servers, next } = await agent.data('audit_client', choice)
    expect(next).toContain(job)
    expect(servers.map(({ name }: Server) => name)).toEqual(['control', 'expired', 'starttls-stripped'])
    const accepted = []
    for (const server of servers as Server[]) accepted.push(await send(server, ca))
    expect(accepted).toEqual([true, false, true])
    const found = await agent.data('audit_client', { job })
    expect(found.counts).toMatchObject({ safe: 1, unsafe: 1 })
    expect(found.results).toMatchObject([{ name: 'starttls-stripped', verdict: 'unsafe' }])
    expect(found.results[0].reason).toMatch(/^sent in clear text: AUTH PLAIN/)
    const again = await agent.call('audit_client', { job })
    expect(again.content[0]?.text).toMatch(/^The current state does not allow this: .* it is done/)
  })

  it('says what is wrong', async () => {
    const { content } = await agent.call('audit_client', { names: ['nothing'] })
    expect(content[0]?.text).toMatch(/no bad server "nothing"/)
  })
})
