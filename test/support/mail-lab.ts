import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import type { ProtocolService, ServerContext } from '../../servers/service.ts'
import { systemClock } from '../../src/common/clock.ts'
import { labSchema, type VirtualServerConfig } from '../../src/config/schema.ts'
import { createDirectory } from '../../src/directory/directory.ts'
import type { Directory } from '../../src/directory/types.ts'
import { VirtualServer } from '../../src/net/virtual-server.ts'
import { SessionLog } from '../../src/sessions/log.ts'
import type { SessionRecord } from '../../src/sessions/types.ts'
import { openInbox } from '../../src/store/inbox.ts'
import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import { accountOwner, CAPTURED_OWNER, type MessageStore, type StoredMessage } from '../../src/store/types.ts'
import { modernPolicy } from './echo-server.ts'
import { opensslCertificate } from './openssl.ts'

const certificate = opensslCertificate(['localhost', '127.0.0.1'])

export interface MailLabOptions {
  readonly server?: Partial<Omit<VirtualServerConfig, 'protocol' | 'limits'>>
  readonly limits?: Partial<VirtualServerConfig['limits']>
  readonly mode?: 'listed' | 'open'
  readonly store?: MessageStore
  readonly idleTimeoutMs?: number
  /** No certificate is assigned. */
  readonly bare?: boolean
}

/** One virtual server of one protocol, over a store and a directory: alice (secret) and bob (geheim) of lab.test. */
export interface MailLab extends AsyncDisposable {
  readonly port: number
  readonly tlsPort: number
  /** PEM of the certificate to trust, and the same as a file. */
  readonly ca: string
  readonly caFile: string
  /** A folder of this lab's own. */
  readonly folder: string
  readonly store: MessageStore
  readonly directory: Directory
  readonly server: VirtualServer
  sessions(): readonly SessionRecord[]
  /** Messages of an account's INBOX, or of the lab's keeping. */
  inbox(user: string | undefined): Promise<{ readonly raw: string; readonly entry: StoredMessage['entry'] }[]>
  put(user: string, ...messages: (string | Buffer)[]): Promise<void>
}

export async function startMailLab(service: ProtocolService, options: MailLabOptions = {}): Promise<MailLab> {
  const parsed = labSchema.parse({
    directory: {
      mode: options.mode ?? 'listed',
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'geheim' },
      ],
    },
    virtualServers: [{ protocol: service.protocol }],
  })
  const defaults = parsed.virtualServers[0] as VirtualServerConfig
  const config = { ...defaults, ...options.server, limits: { ...defaults.limits, ...options.limits } }
  const store = options.store ?? new MemoryStore({ clock: systemClock })
  const directory = createDirectory(parsed)
  const log = pino({ level: 'silent' })
  const context: ServerContext = {
    config,
    name: 'Test',
    hostname: 'localhost',
    domain: 'lab.test',
    store,
    directory,
    clock: systemClock,
    log,
  }
  const sessions = new SessionLog(systemClock)
  const tls = { certificates: [certificate], policy: modernPolicy, alpn: service.alpn, handshakeTimeoutMs: 10_000 }
  const server = new VirtualServer(
    {
      name: context.name,
      protocol: service.protocol,
      address: '127.0.0.1',
      port: 0,
      tlsPort: 0,
      maxConnections: config.limits.connections,
      idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
      serve: (connection) => service.serve(connection, context),
      busyLine: service.busy(context),
      ...(options.bare ? {} : { tls }),
    },
    sessions,
    log,
  )
  await server.start()
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-mail-lab-'))
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, certificate.certificatePem)
  return {
    port: server.port as number,
    tlsPort: server.tlsPort ?? 0,
    ca: certificate.certificatePem,
    caFile,
    folder,
    store,
    directory,
    server,
    sessions: () => sessions.list(),
    async inbox(user) {
      const { id } = await openInbox(store, user === undefined ? CAPTURED_OWNER : accountOwner(user))
      const entries = await store.list(id)
      const raws = await Promise.all(entries.map(({ uid }) => store.read(id, uid)))
      return entries.map((entry, i) => ({ entry, raw: (raws[i] as Buffer).toString('latin1') }))
    },
    async put(user, ...messages) {
      const { id } = await openInbox(store, accountOwner(user))
      for (const message of messages) {
        const raw = typeof message === 'string' ? Buffer.from(message, 'latin1') : message
        await store.append([{ raw, targets: [{ folderId: id }] }])
      }
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
