import { connect as connectTls } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { sheets } from '../../console/src/pages/servers/sheets.ts'
import type { FaultInput } from '../../src/core/config/schema/fault.ts'
import type { ServerProtocol, VirtualServerInput } from '../../src/core/config/schema.ts'
import { type AuditTarget, auditClient, startLab, type TestLab } from '../../src/testing/index.ts'
import { LineClient } from '../support/line-client.ts'

/** A whole session of a protocol, as far as its properties need it. */
interface Session {
  readonly protocol: ServerProtocol
  /** Everything that a client sends: it logs on, does something, and leaves. */
  readonly commands: (user: string, password: string) => string
  /** Matches the answers if all goes well. */
  readonly works: RegExp
  /** Matches the answers in clear text where a secure channel is required. */
  readonly needsTls: RegExp
  /** Matches the answers to a client over the limit of connections. */
  readonly busy: RegExp
  readonly fault: FaultInput
  /** Matches the answers with the fault. */
  readonly failed: RegExp
  /** A line of the transcript, from the client. */
  readonly line: RegExp
  /** Matches the greeting as Dovecot. Absent: the protocol has no personality. */
  readonly dovecot?: RegExp
  /** Its name in the settings of clients. Absent: programs of people do not speak it. */
  readonly client?: string
}

interface Verified {
  readonly protocol: string
  readonly checks: readonly { readonly check: string; readonly outcome: string }[]
}

const plain = (user: string, password: string): string => Buffer.from(`\0${user}\0${password}`).toString('base64')

function post(user: string, password: string): string {
  const body = JSON.stringify({
    using: ['urn:ietf:params:jmap:core'],
    methodCalls: [['Core/echo', { hello: 'properties' }, 'c']],
  })
  return [
    ...['POST /jmap/api HTTP/1.1', 'Host: localhost', 'Connection: close', 'Content-Type: application/json'],
    ...[`Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`],
    ...[`Content-Length: ${body.length}`, '', body],
  ].join('\r\n')
}

const sessions: Readonly<Record<string, Session>> = {
  LMTP: {
    protocol: 'lmtp',
    commands: (user, password) =>
      [
        ...[
          'LHLO client.test',
          `AUTH PLAIN ${plain(user, password)}`,
          'MAIL FROM:<a@b.test>',
          `RCPT TO:<${user}@lab.test>`,
        ],
        ...['DATA', 'Subject: properties', '', '.', 'QUIT', ''],
      ].join('\r\n'),
    works: /^250 2\.1\.5 <\S+@lab\.test> OK: queued as /m,
    needsTls: /^530 5\.7\.0 Must issue a STARTTLS command first$/m,
    busy: /^421 /,
    fault: {
      when: { protocol: 'lmtp', on: 'end-of-data' },
      do: { reply: '451 4.2.0 Mailbox is locked', stored: false },
    },
    failed: /^451 4\.2\.0 Mailbox is locked$/m,
    line: /^RCPT TO:<alice@lab\.test>$/,
    dovecot: /^220 \S+ Dovecot ready\.$/m,
  },
  ManageSieve: {
    protocol: 'managesieve',
    commands: (user, password) =>
      `AUTHENTICATE "PLAIN" "${plain(user, password)}"\r\nPUTSCRIPT "one" "keep;"\r\nLISTSCRIPTS\r\nLOGOUT\r\n`,
    works: /^"one"\nOK "Listscripts completed\."$/m,
    needsTls: /^NO \(ENCRYPT-NEEDED\) /m,
    busy: /^BYE \(TRYLATER\) /,
    fault: { when: { protocol: 'managesieve', verb: 'LISTSCRIPTS' }, do: { reply: 'NO (TRYLATER) "Not now"' } },
    failed: /^NO \(TRYLATER\) "Not now"$/m,
    line: /^LISTSCRIPTS$/,
    dovecot: /^"IMPLEMENTATION" "Dovecot Pigeonhole"$/m,
    client: 'managesieve',
  },
  JMAP: {
    protocol: 'http',
    commands: post,
    works: /\[\["Core\/echo",\{(?:.*,)?"hello":"properties"/,
    needsTls: /^HTTP\/1\.1 (?:403|30[178]) /,
    busy: /^HTTP\/1\.1 503 /,
    fault: { when: { protocol: 'jmap', method: 'Core/echo' }, do: { error: 'serverUnavailable' } },
    failed: /\["error",\{"type":"serverUnavailable"/,
    line: /Core\/echo/,
    client: 'jmap',
  },
}

const accounts = [{ user: 'alice', password: 'secret-word' }]

/** Starts a lab with the server and an API. */
const start = ({ protocol }: Session, server: Partial<VirtualServerInput> = {}): Promise<TestLab> =>
  startLab({
    directory: { accounts },
    virtualServers: [
      { protocol, name: 'tested', port: 0, tlsPort: 0, authentication: ['basic'], ...server },
      { protocol: 'http', name: 'api', certificate: 'none' },
    ],
  })

interface Way {
  readonly tls?: { readonly maxVersion?: 'TLSv1.2' }
  readonly header?: string
  readonly user?: string
  readonly password?: string
}

/** Runs a whole session, and returns all answers. @throws if the client refuses the server, or the other way round */
async function answers(lab: TestLab, { commands }: Session, way: Way = {}): Promise<string> {
  const { user = 'alice', password = 'secret-word', header = '' } = way
  const { port, tlsPort } = lab.server('tested')
  const client = way.tls ? await overTls(tlsPort, { ca: lab.ca, ...way.tls }) : await LineClient.open(port)
  client.send(header + commands(user, password))
  return (await client.rest()).join('\n')
}

async function overTls(port: number, options: object): Promise<LineClient> {
  const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ...options })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  return new LineClient(socket)
}

const recorded = (lab: TestLab) => lab.sessions().filter(({ virtualServer }) => virtualServer === 'tested')
// biome-ignore lint/suspicious/noExplicitAny: each test checks the shape of the answer itself
const api = (lab: TestLab, path: string, options?: RequestInit): Promise<any> =>
  fetch(`http://127.0.0.1:${lab.server('api').port}/api/v1/${path}`, options).then((response) => response.json())
const postTo = (lab: TestLab, path: string, json: object) =>
  api(lab, path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) })

/** Each property has a test that fails if the protocol does not have it. */
const properties: Readonly<Record<string, (session: Session) => Promise<void>>> = {
  async certificate(session) {
    await using lab = await start(session)
    expect(await answers(lab, session, { tls: {} })).toMatch(session.works)
    await lab.useCertificate({ defect: 'expired' }, 'tested')
    await expect(answers(lab, session, { tls: {} })).rejects.toMatchObject({ code: 'CERT_HAS_EXPIRED' })
  },

  async 'TLS policy'(session) {
    await using lab = await start(session, { requireSecureChannel: true, tls: { minVersion: 'TLSv1.3' } })
    expect(await answers(lab, session)).toMatch(session.needsTls)
    expect(await answers(lab, session, { tls: {} })).toMatch(session.works)
    await expect(answers(lab, session, { tls: { maxVersion: 'TLSv1.2' } })).rejects.toThrow(/protocol.version/i)
  },

  async faults(session) {
    await using lab = await start(session)
    lab.faults.add({ ...session.fault, times: 1 })
    const failed = await answers(lab, session)
    expect(failed).toMatch(session.failed)
    expect(failed).not.toMatch(session.works)
    expect(await answers(lab, session)).toMatch(session.works)
  },

  async transcripts(session) {
    await using lab = await start(session)
    await answers(lab, session)
    await expect.poll(() => recorded(lab)[0]?.endedAt).toBeDefined()
    const lines = recorded(lab)[0]?.transcript.flatMap((entry) => ('text' in entry ? [entry.text] : [])) ?? []
    expect(lines).toContainEqual(expect.stringMatching(session.line))
    const secrets = ['secret-word', plain('alice', 'secret-word'), Buffer.from('alice:secret-word').toString('base64')]
    expect(secrets.filter((secret) => lines.join('\n').includes(secret))).toEqual([])
  },

  async personality(session) {
    const as = (personality: 'dovecot' | 'gmail') => start(session, { personality })
    await expect(as('gmail')).rejects.toThrow(/gmail has no words for/)
    if (!session.dovecot) return expect(as('dovecot')).rejects.toThrow(/dovecot has no words for/)
    await using lab = await as('dovecot')
    expect(await answers(lab, session)).toMatch(session.dovecot)
  },

  async sessions(session) {
    await using lab = await start(session)
    await answers(lab, session, { tls: {} })
    await expect.poll(() => recorded(lab)[0]?.endedAt).toBeDefined()
    expect(recorded(lab)).toMatchObject([
      { protocol: session.protocol, user: 'alice', tls: { version: 'TLSv1.3' }, remoteAddress: '127.0.0.1' },
    ])
  },

  async verify(session) {
    await using lab = await start(session)
    const only = ['greeting', 'chain', 'dates', 'log-on']
    const protocols = [session.client === 'jmap' ? 'jmap' : session.protocol]
    const failed = async (): Promise<string[]> => {
      const { id } = await postTo(lab, 'verify', { virtualServers: ['tested'], protocols, only })
      const job = (): ReturnType<typeof api> => api(lab, `jobs/${id}`)
      await expect.poll(async () => (await job()).state, { timeout: 30_000 }).toBe('done')
      const { endpoints } = (await job()).result
      expect(endpoints).toHaveLength(2)
      return endpoints.flatMap(({ protocol, checks }: Verified) =>
        checks.flatMap(({ check, outcome }) => (outcome === 'fail' ? `${protocol} ${check}` : [])),
      )
    }
    expect(await failed()).toEqual([])
    await lab.useCertificate({ defect: 'expired' }, 'tested')
    expect(new Set(await failed())).toEqual(new Set(protocols.map((protocol) => `${protocol} dates`)))
  },

  async audit(session) {
    const { protocol } = session
    const client =
      (careful: boolean) =>
      async ({ address, port, hostname, ca, user, password }: AuditTarget): Promise<void> => {
        const options = { host: address, servername: hostname, ca, rejectUnauthorized: careful }
        const wire = await overTls(port, options)
        wire.send(session.commands(user, password))
        if (!session.works.test((await wire.rest()).join('\n'))) throw new Error('it does not work')
      }
    const names = ['expired', 'wrong-host', 'p256']
    const judged = async (careful: boolean) =>
      (await auditClient(client(careful), { protocols: [protocol], forms: ['implicit'], names })).map(
        ({ name, verdict }) => [name, verdict],
      )
    expect(await judged(true)).toEqual(names.map((name) => [name, 'safe']))
    expect(await judged(false)).toEqual(names.map((name) => [name, name === 'p256' ? 'safe' : 'unsafe']))
  },

  async limits(session) {
    await using lab = await start(session, { limits: { connections: 1 } })
    const first = await LineClient.open(lab.server('tested').port)
    await expect.poll(() => recorded(lab).length).toBe(1)
    expect(await answers(lab, session)).toMatch(session.busy)
    first.destroy()
    await expect.poll(() => recorded(lab)[0]?.endedAt).toBeDefined()
    expect(await answers(lab, session)).toMatch(session.works)
  },

  async 'PROXY protocol'(session) {
    await using lab = await start(session, { proxyProtocol: { from: ['127.0.0.0/8'] } })
    const header = 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 25\r\n'
    expect(await answers(lab, session, { header })).toMatch(session.works)
    expect(recorded(lab)[0]).toMatchObject({ remoteAddress: '203.0.113.7', proxy: { address: '127.0.0.1' } })
  },

  async tenants(session) {
    await using lab = await start(session)
    const one = await postTo(lab, 'tenants', { name: 'one' })
    const two = await postTo(lab, 'tenants', { name: 'two' })
    const [{ user, password }] = one.accounts
    expect(await answers(lab, session, { user, password })).toMatch(session.works)
    await expect.poll(() => recorded(lab)[0]?.endedAt).toBeDefined()
    const seenBy = async ({ token }: { token: string }) => {
      const { items } = await api(lab, 'sessions', { headers: { authorization: `Bearer ${token}` } })
      return items.filter(({ virtualServer }: { virtualServer: string }) => virtualServer === 'tested').length
    }
    expect([await seenBy(one), await seenBy(two)]).toEqual([1, 0])
  },

  async console({ protocol, dovecot }) {
    const fields = Object.values(sheets).flatMap((groups) => groups.flatMap((group) => group.fields))
    const offered = fields.filter(({ only }) => only?.includes(protocol) ?? true).map(({ key }) => key)
    expect(offered).toEqual(
      expect.arrayContaining(['port', 'authentication', 'requireSecureChannel', 'limits.connections']),
    )
    expect(offered.includes('personality')).toBe(dovecot !== undefined)
  },

  async 'client settings'(session) {
    await using lab = await start(session)
    const { servers } = await api(lab, 'client-settings')
    const found = servers.filter(({ virtualServer }: { virtualServer: string }) => virtualServer === 'tested')
    const { tlsPort: port } = lab.server('tested')
    expect(found).toMatchObject(
      session.client === undefined ? [] : [{ protocol: session.client, port, security: 'tls' }],
    )
  },
}

describe.each(Object.entries(sessions))('%s', (_, session) => {
  it.each(Object.entries(properties))('%s', (_property, test) => test(session))
})
