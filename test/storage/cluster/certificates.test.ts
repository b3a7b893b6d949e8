import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadText } from '../../../src/core/config/yaml.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { createLab } from '../../../src/lab/create-lab.ts'
import { openDatabase } from '../../../src/storage/database/database.ts'
import type { Database } from '../../../src/storage/database/database-types.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { AcmeDirectories } from '../../../src/tls/pki/acme/directory.ts'
import { authoritiesOf } from '../../../src/tls/pki/authority/authorities.ts'
import { copyCertificateStore } from '../../../src/tls/pki/certificate-store/copy.ts'
import { openCertificateStore, openFiles } from '../../../src/tls/pki/certificate-store/store.ts'
import type { CertificateStore } from '../../../src/tls/pki/certificate-store/types.ts'
import { AuthorityService } from '../../../src/tls/pki/service/service.ts'
import { AuthorizationClient } from '../../servers/http/oauth2/authorization-client.ts'
import { freePort } from '../../support/free-ports.ts'
import { freshDatabase, needsPostgres, Postgres, sharedPostgres } from '../../support/postgres.ts'
import { Workplace } from '../../support/sealpost.ts'
import { isThorough } from '../../support/thorough.ts'
import { acmeClient, obtainBy, serveAnswers } from '../../tls/pki/acme/support.ts'
import { deferred } from '../../tls/pki/support.ts'

const log = pino({ level: 'silent' })

interface Node extends AsyncDisposable {
  readonly database: Database
  readonly store: CertificateStore
}

type Place = Awaited<ReturnType<typeof freshDatabase>>

/** Opens the certificates of a lab as one of its nodes does. */
async function openNode(place: Place, node: string): Promise<Node> {
  const database = await openDatabase({ ...place, pool: 3, node }, { log })
  const store = await openCertificateStore({ folder: 'database', database, clock: systemClock, log, key: 'p256' })
  return {
    database,
    store,
    async [Symbol.asyncDispose]() {
      await store.close()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** Gives each connection to another of the ports, as a balancer does. */
async function startBalancer(ports: readonly number[]): Promise<{ readonly port: number } & AsyncDisposable> {
  let count = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const node = connectTcp(ports[count++ % ports.length] as number, '127.0.0.1')
    for (const socket of [client, node]) {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          client.destroy()
          node.destroy()
        })
    }
    client.pipe(node).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Returns the certificate that a port serves, verified against the roots. */
async function servedOn(port: number, options: ConnectionOptions): Promise<X509Certificate> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options })
  await once(socket, 'secureConnect')
  const served = socket.getPeerX509Certificate() as X509Certificate
  socket.destroy()
  return served
}

describe.skipIf(!needsPostgres())('certificates that nodes share', () => {
  let server: Postgres
  let place: Place
  let one: Node
  let other: Node

  beforeAll(async () => {
    server = await sharedPostgres()
    place = await freshDatabase()
    // At the same time, in an empty database.
    const nodes = await Promise.all(['one', 'other', 'third'].map((name) => openNode(place, name)))
    ;[one, other] = nodes as [Node, Node]
    await nodes[2]?.[Symbol.asyncDispose]()
  })
  afterAll(async () => {
    await one?.[Symbol.asyncDispose]()
    await other?.[Symbol.asyncDispose]()
  })

  const lockHolders = async (schema: string): Promise<number[]> =>
    (
      await server.sql(
        `SELECT DISTINCT pid FROM pg_locks WHERE mode = 'RowShareLock' AND granted
          AND relation = '${schema}.certificate_locks'::regclass`,
      )
    )
      .split('\n')
      .filter(Boolean)
      .map(Number)

  it('have one root, although several nodes started at the same time', async () => {
    await other.store.refresh()
    expect(one.store.index.authorities).toHaveLength(1)
    expect(other.store.rootPem).toBe(one.store.rootPem)
  })

  it('are issued by all nodes at the same time, with different serial numbers, and none is lost', {
    timeout: 120_000,
  }, async () => {
    const issue = ({ store }: Node, n: number) => store.resolve('a', { kind: 'auto' }, [`n${n}.test`])
    const issued = await Promise.all(Array.from({ length: 8 }, (_, n) => issue(n % 2 === 0 ? one : other, n)))
    const serials = issued.map(([own]) => new X509Certificate(own?.certificatePem ?? '').serialNumber)
    expect(new Set(serials).size).toBe(8)
    await Promise.all([one.store.refresh(), other.store.refresh()])
    const recorded = one.store.index.authorities[0]?.issued.map(({ serial }) => serial)
    expect(recorded).toEqual(expect.arrayContaining(serials))
    expect(other.store.index).toEqual(one.store.index)
  })

  it('are revoked for all nodes', async () => {
    const [own] = await one.store.resolve('a', { kind: 'auto' }, ['revoked.test'])
    const { serialNumber } = new X509Certificate(own?.certificatePem ?? '')
    await authoritiesOf(one.store).revoke(serialNumber)
    await other.store.refresh()
    const entry = other.store.index.authorities[0]?.issued.find(({ serial }) => serial === serialNumber)
    expect(entry?.revoked?.reason).toBe('unspecified')
  })

  it('can be changed after the holder of the lock has died', { timeout: 60_000 }, async () => {
    await using holder = server.session()
    await holder.run(`BEGIN; SELECT * FROM ${place.schema}.certificate_locks FOR UPDATE`)
    const pid = await holder.run('SELECT pg_backend_pid()')
    let isDone = false
    const change = one.store
      .update((draft) => void (draft.index.assignments.waited = 'x'))
      .finally(() => {
        isDone = true
      })
    await expect.poll(async () => (await lockHolders(place.schema)).length, { timeout: 20_000 }).toBeGreaterThan(1)
    expect(isDone).toBe(false)
    await server.sql(`SELECT pg_terminate_backend(${pid})`)
    await change
    await other.store.refresh()
    expect(other.store.index.assignments.waited).toBe('x')
  })

  it('are changed once by a node whose connection is lost during the change', async () => {
    const before = one.store.index.revision
    let runs = 0
    await one.store.update(async (draft) => {
      runs++
      draft.index.assignments.lost = draft.put('requests/lost.pem', `run ${runs}`)
      if (runs > 1) return
      for (const pid of await lockHolders(place.schema)) await server.sql(`SELECT pg_terminate_backend(${pid})`)
    })
    expect(runs).toBe(2)
    await other.store.refresh()
    expect(other.store.index.revision).toBe(before + 1)
    expect(await other.store.files.read('requests/lost.pem')).toBe('run 2')
  })

  it('are served by every node as soon as they are installed on one', { timeout: 60_000 }, async () => {
    const nodePorts: number[] = []
    await using balancer = await startBalancer(nodePorts)
    const { lab: config } = loadText(
      `store: { postgres: '${place.url}' }
cluster: { name: ${place.schema} }
certificates: { key: p256 }
directory: { accounts: [{ user: alice, password: secret }] }
oauth2:
  issuer: http://127.0.0.1:${balancer.port}
  clients: [{ clientId: app, clientSecret: app-secret, redirectUris: ['https://app.test/back'] }]
virtualServers:
  - { protocol: imap4, name: imap, port: 0, tlsPort: 0 }
  - { protocol: http, name: api, port: 0, tlsPort: off }
`,
      'lab.yaml',
      '/',
    )
    const start = () =>
      createLab(config, {
        log,
        clock: systemClock,
        isBackground: true,
        store: new MemoryStore({ clock: systemClock, log }),
      })
    await using a = await start()
    await using b = await start()
    const port = b.endpoints().find(({ protocol }) => protocol === 'imap4')?.tlsPort as number
    const before = await servedOn(port, { ca: a.certificateStore.rootPem })
    const issued = await a.certificates.issue({ for: 'imap', subject: { commonName: 'localhost' } })
    if (issued.state !== 'issued') throw new Error(issued.state)
    const { record } = issued
    await expect
      .poll(async () => (await servedOn(port, { ca: a.certificateStore.rootPem })).fingerprint, { timeout: 20_000 })
      .toBe(thumbprintText(record.thumbprint))
    expect(before.fingerprint).not.toBe(thumbprintText(record.thumbprint))

    // A code that one node has issued is redeemed at the other one, once.
    const portOf = (lab: typeof a) => lab.endpoints().find(({ protocol }) => protocol === 'http')?.port as number
    nodePorts.push(portOf(a))
    const browser = new AuthorizationClient(`http://127.0.0.1:${balancer.port}`)
    const redirect = 'https://app.test/back'
    const asked = { response_type: 'code', client_id: 'app', redirect_uri: redirect, scope: 'openid imap4' }
    const { code = '' } = await browser.authorize(asked, 'alice', 'secret')
    const redeem = { grant_type: 'authorization_code', code, redirect_uri: redirect }
    const headers = { authorization: `Basic ${Buffer.from('app:app-secret').toString('base64')}` }
    const answers = await Promise.all(
      [b, a].map((lab) =>
        new AuthorizationClient(`http://127.0.0.1:${portOf(lab)}`).send('/oauth2/token', redeem, headers),
      ),
    )
    expect(answers.map(({ status, body }) => [status, body.error]).sort()).toEqual([
      [200, undefined],
      [400, 'invalid_grant'],
    ])
    // A token that is revoked at one node is refused by the other.
    const { accessToken } = await a.oauth2.tokens.issue({ user: 'alice' })
    expect((await b.oauth2.tokens.verify(accessToken)).kind).toBe('valid')
    await a.oauth2.tokens.revoke(accessToken)
    await expect.poll(async () => (await b.oauth2.tokens.verify(accessToken)).kind, { timeout: 20_000 }).toBe('refused')
  })

  it('are ordered by an ACME client whose requests go to different nodes', { timeout: 60_000 }, async () => {
    const httpPort = await freePort()
    await using answers = await serveAnswers(httpPort)
    const options = { httpPort, externalAccounts: {}, addresses: [], caaIdentities: ['authority.test'] }
    const open = ({ store }: Node) => {
      const directories = new AcmeDirectories(store, options, log)
      const routes = () => directories.routes()
      return AuthorityService.open(store, { address: '127.0.0.1', port: 0, hostname: 'localhost', log, routes })
    }
    await using first = await open(one)
    await using second = await open(other)
    await using balancer = await startBalancer([first.port, second.port])
    const directoryUrl = `http://127.0.0.1:${balancer.port}/acme/directory`
    const names = ['mail.lab.test', 'news.lab.test']
    const pem = await obtainBy('http-01', await acmeClient(directoryUrl), names, answers.http01)
    const { serialNumber } = new X509Certificate(pem)
    for (const { store } of [one, other]) {
      await store.refresh()
      expect(store.index.authorities[0]?.issued.map(({ serial }) => serial)).toContain(serialNumber)
    }
  })

  it('are copied into memory and into another database', async () => {
    const copy = await openFiles({ folder: 'memory' })
    const index = await copyCertificateStore(one.store.files, copy)
    const fresh = await freshDatabase()
    await using database = await openDatabase({ ...fresh, pool: 2, node: 'copy' }, { log })
    const to = await openFiles({ folder: 'database', database })
    expect(await copyCertificateStore(copy, to)).toEqual(index)
    await expect(copyCertificateStore(copy, to)).rejects.toThrow('the database already contains a certificate store')
    const options = { folder: 'database', database, clock: systemClock, log, key: 'p256' } as const
    await using store = await openCertificateStore(options)
    for (const record of index.certificates) await store.materials.load(record)
    expect(store.rootPem).toBe(one.store.rootPem)
  })

  it.runIf(isThorough)(
    'stay in use while the database is away, and changes say why they fail',
    { timeout: 60_000 },
    async () => {
      await using own = await Postgres.start()
      const node = await openNode({ url: own.url, schema: 'lab' }, 'alone')
      try {
        const [known] = await node.store.resolve('a', { kind: 'auto' }, ['localhost'])
        const lost = deferred()
        node.database.watchState((state) => state === 'disconnected' && lost.resolve())
        await own.stop('immediate')
        await lost.promise
        expect(await node.store.resolve('a', { kind: 'auto' }, ['localhost'])).toEqual([known])
        await expect(node.store.resolve('a', { kind: 'auto' }, ['new.test'])).rejects.toThrow(
          /^the certificates in the database cannot be changed: .*PostgreSQL/,
        )
        await own.restart()
        await expect
          .poll(
            () =>
              node.store.resolve('a', { kind: 'auto' }, ['new.test']).then(
                () => 'issued',
                () => 'failed',
              ),
            { timeout: 30_000 },
          )
          .toBe('issued')
      } finally {
        await node[Symbol.asyncDispose]()
      }
    },
  )

  it('are managed by commands, beside running nodes', { timeout: 120_000 }, async () => {
    const work = new Workplace()
    await manage(work)
  })

  async function manage(work: Workplace): Promise<void> {
    work.write('lab.yaml', yamlOf(place.url, place.schema))
    const issued = await work.run([
      'cert',
      'issue',
      '--for',
      'imap',
      '--cn',
      'localhost',
      '--json',
      '--config',
      'lab.yaml',
    ])
    expect(issued).toMatchObject({ status: 0 })
    await other.store.refresh()
    expect(other.store.index.certificates.some(({ origin }) => origin === 'issued')).toBe(true)
    const roots = await work.run(['ca', 'export', '--format', 'pem', '--config', 'lab.yaml'])
    expect(roots.stdout).toContain(one.store.rootPem.trim().split('\n')[1])
    const out = await work.run(['cert', 'copy', 'lab.yaml', 'copy', '--json'])
    expect(JSON.parse(out.stdout)).toMatchObject({ authorities: 1 })
    const into = await freshDatabase()
    const back = await work.run(['cert', 'copy', 'copy', `${into.url}#${into.schema}`, '--json'])
    expect(JSON.parse(back.stdout)).toEqual({ ...JSON.parse(out.stdout), from: 'copy', to: 'the database' })
    const again = await work.run(['cert', 'copy', 'copy', `${into.url}#${into.schema}`])
    expect(again.stderr).toContain('the database already contains a certificate store')
    const backup = await work.run(['store', 'backup', 'backups', '--json', '--config', 'lab.yaml'])
    expect(JSON.parse(backup.stdout)).toMatchObject({ certificates: { authorities: 1 } })
    const restored = await freshDatabase()
    work.write('restored.yaml', yamlOf(restored.url, restored.schema))
    expect(await work.run(['store', 'restore', 'backups', '--config', 'restored.yaml'])).toMatchObject({ status: 0 })
    const same = await work.run(['ca', 'export', '--format', 'pem', '--config', 'restored.yaml'])
    expect(same.stdout).toBe(roots.stdout)
    work.write('lost.yaml', yamlOf(`postgres://lab@127.0.0.1:${await freePort()}/lab`, place.schema))
    const failed = await work.run(['cert', 'list', '--config', 'lost.yaml'])
    expect(failed.status).toBe(1)
    expect(failed.stderr.trim().split('\n')).toHaveLength(1)
    expect(failed.stderr).toMatch(/PostgreSQL at 127\.0\.0\.1:\d+\/lab/)
  }
})

const yamlOf = (url: string, schema: string): string =>
  `store: { postgres: '${url}' }\ncluster: { name: ${schema} }\ncertificates: { key: p256 }\nvirtualServers: [{ protocol: imap4, name: imap }]\n`

/** Returns a thumbprint as Node.js shows it: pairs of digits with colons. */
const thumbprintText = (thumbprint: string): string => thumbprint.match(/../g)?.join(':') ?? ''
