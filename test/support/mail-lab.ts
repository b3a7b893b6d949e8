import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { presentForm } from '../../src/core/config/deprecations.ts'
import type { ResolvedVirtualServer } from '../../src/core/config/resolve.ts'
import type { LabInput, ServerProtocol, VirtualServerConfig } from '../../src/core/config/schema.ts'
import type { SessionRecord } from '../../src/core/sessions/types.ts'
import { type Clock, systemClock } from '../../src/core/time/clock.ts'
import { createLab } from '../../src/lab/create-lab.ts'
import type { Lab } from '../../src/lab/lab.ts'
import { accountOwner, CAPTURED_OWNER } from '../../src/storage/store/folder.ts'
import { openInbox } from '../../src/storage/store/mailboxes.ts'
import type { StoredMessage } from '../../src/storage/store/message-entry.ts'
import type { MessageStore } from '../../src/storage/store/types.ts'
import { resolveForTests } from '../../src/testing/open-test-lab.ts'
import { openCertificateStore } from '../../src/tls/pki/certificate-store/store.ts'
import { newFolder } from './folder.ts'
import { log } from './log.ts'
import { openTestStore } from './test-store.ts'

/**
 * All labs of a test file share one certificate store, so that the root and the server certificate are issued once.
 * It runs on the machine's clock, because the clients verify certificates against that.
 */
const certificateStore = await openCertificateStore({ folder: 'memory', key: 'p256', clock: systemClock, log })

export interface MailLabOptions {
  readonly server?: Partial<Omit<ResolvedVirtualServer, 'protocol' | 'limits'>>
  readonly limits?: Partial<VirtualServerConfig['limits']>
  readonly mode?: 'listed' | 'open'
  readonly store?: MessageStore
  readonly clock?: Clock
  /** The clock of the store, if it is another one. */
  readonly storeClock?: Clock
  readonly idleTimeoutMs?: number
  /** Starts the server without a certificate. */
  readonly bare?: boolean
  /** More keys of the configuration. */
  readonly config?: LabInput
}

/** A lab with one virtual server and two accounts of lab.test: alice (secret) and bob (geheim). */
export interface MailLab extends AsyncDisposable {
  readonly port: number
  /** 0 if the server has no certificate. */
  readonly tlsPort: number
  /** The lab's root certificate in PEM. */
  readonly ca: string
  /** The path of a file that holds `ca`. */
  readonly caFile: string
  /** A folder for the test's files, removed when the lab stops. */
  readonly folder: string
  readonly store: MessageStore
  readonly lab: Lab
  sessions(): readonly SessionRecord[]
  /** Returns the messages of an account's INBOX, or for `undefined` the captured messages. */
  inbox(user: string | undefined): Promise<{ readonly raw: string; readonly entry: StoredMessage['entry'] }[]>
  /** Appends messages to an account's INBOX. */
  put(user: string, ...messages: (string | Buffer)[]): Promise<void>
  stop(): Promise<void>
}

/** Starts a whole lab with one virtual server of the given protocol, through the same code as `sealpost start`. */
export async function startMailLab(
  { protocol }: { readonly protocol: ServerProtocol },
  options: MailLabOptions = {},
): Promise<MailLab> {
  const { clock = systemClock } = options
  const resolved = await resolveForTests({
    directory: {
      mode: options.mode ?? 'listed',
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'geheim' },
      ],
    },
    news: { groups: [] },
    virtualServers: [{ protocol, ...(options.bare ? { certificate: 'none' } : {}) }],
    ...(presentForm(options.config ?? {}).value as LabInput),
  })
  const virtualServers = resolved.virtualServers.map((server) => ({
    ...server,
    ...options.server,
    limits: { ...server.limits, ...options.limits },
    idleTimeoutMs: options.idleTimeoutMs ?? server.idleTimeoutMs,
  }))
  const store = options.store ?? (await openTestStore(options.storeClock ?? clock))
  const lab = await createLab({ ...resolved, virtualServers }, { log, clock, store, certificateStore })
  const [server] = lab.endpoints()
  const folder = newFolder()
  const ca = certificateStore.rootPem
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, ca)
  return {
    port: server?.port ?? 0,
    tlsPort: server?.tlsPort ?? 0,
    ca,
    caFile,
    folder,
    store,
    lab,
    sessions: () => lab.sessionLog.list(),
    async inbox(user) {
      const folders =
        user === undefined ? await store.listFolders(CAPTURED_OWNER) : [await openInbox(store, accountOwner(user))]
      const found = []
      for (const { id } of folders) {
        for (const entry of await store.list(id)) {
          found.push({ entry, raw: ((await store.read(id, entry.uid)) as Buffer).toString('latin1') })
        }
      }
      return found
    },
    async put(user, ...messages) {
      const { id } = await openInbox(store, accountOwner(user))
      for (const message of messages) {
        const raw = typeof message === 'string' ? Buffer.from(message, 'latin1') : message
        await store.append([{ raw, targets: [{ folderId: id }] }])
      }
    },
    stop: () => lab.stop(),
    async [Symbol.asyncDispose]() {
      await lab.stop()
      if (!options.store) await store[Symbol.asyncDispose]()
    },
  }
}
