import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SessionRecord } from '../sessions/types.ts'
import { startLab } from '../testing/start-lab.ts'
import type { TestLab } from '../testing/test-lab.ts'
import { hostNames } from './bad-servers.ts'
import { ACCOUNT, badLab } from './lab.ts'
import type { AuditTarget, BadPort } from './types.ts'
import type { ClientResult, ClientRun } from './verdict.ts'

/**
 * A client under test: connects to a server, logs on and does its work. Resolves if it accepts the server, and rejects if
 * it refuses. `signal` aborts at the timeout.
 */
export type Client = (target: AuditTarget, signal: AbortSignal) => Promise<unknown>

/** The client cannot be run at all, so the audit ends. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart'
}

/** A lab with the servers of some ports, and the files that clients read. */
export class Workshop implements AsyncDisposable {
  readonly #lab: TestLab
  readonly #folder: string

  private constructor(lab: TestLab, folder: string) {
    this.#lab = lab
    this.#folder = folder
  }

  static async open(ports: readonly BadPort[]): Promise<Workshop> {
    // Each run uses its own account, so that concurrent runs do not share a mailbox.
    const lab = await startLab({ ...badLab(ports, () => 0), directory: { mode: 'open' } })
    const workshop = new Workshop(lab, await mkdtemp(join(tmpdir(), 'sealpost-audit-')))
    await writeFile(workshop.#caFile, lab.ca)
    await writeFile(workshop.#hostsFile, `127.0.0.1 localhost ${hostNames.join(' ')}\n::1 localhost\n`)
    return workshop
  }

  /** Returns whether a client can use the host name of a port's certificate. */
  async canUse({ hostname, needsOwnName }: BadPort, byAddress: boolean): Promise<boolean> {
    return byAddress || !needsOwnName || (await isLocal(hostname))
  }

  /** Runs a client once. @throws CannotStart */
  async run(client: Client, port: BadPort, timeoutMs: number): Promise<ClientRun> {
    const target = await this.#targetOf(port)
    await this.#lab.deliver({ subject: 'A message to read', text: 'Hello.' }, { to: target.user })
    const outcome = await resultOf(client, target, timeoutMs)
    return { ...outcome, sessions: await this.#sessionsOn(target) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab.stop()
    await rm(this.#folder, { recursive: true })
  }

  get #caFile(): string {
    return join(this.#folder, 'ca.pem')
  }

  get #hostsFile(): string {
    return join(this.#folder, 'hosts')
  }

  async #targetOf(port: BadPort): Promise<AuditTarget> {
    const { name, expectation, protocol, form, hostname } = port
    const server = this.#lab.server(port.virtualServer)
    return {
      ...{ name, expectation, protocol, form, hostname, caFile: this.#caFile, hostsFile: this.#hostsFile },
      host: (await isLocal(hostname)) ? hostname : 'localhost',
      address: server.address,
      port: form === 'implicit' ? server.tlsPort : server.port,
      user: `${ACCOUNT.user}-${port.port}`,
      password: ACCOUNT.password,
      ca: this.#lab.ca,
    }
  }

  /** Returns the sessions on a port once the lab has seen everything that the client sent. */
  async #sessionsOn({ address, port }: AuditTarget): Promise<readonly SessionRecord[]> {
    const recorded = (): SessionRecord[] => this.#lab.sessions().filter(({ localPort }) => localPort === port)
    // Connections are accepted in order: when the lab has accepted this one, it has accepted those of the client.
    const last = connect({ host: address, port })
    last.on('error', () => {})
    await once(last, 'connect')
    const own = last.localPort
    await until(() => recorded().some(({ remotePort }) => remotePort === own))
    last.destroy()
    const ofClient = (): SessionRecord[] => recorded().filter(({ remotePort }) => remotePort !== own)
    await until(() => ofClient().every(({ endedAt }) => endedAt !== undefined))
    return ofClient()
  }
}

/** Longest wait for sessions to end. A client in this process may leave connections open. */
const SETTLE_MS = 1_000

async function until(isDone: () => boolean): Promise<void> {
  const end = Date.now() + SETTLE_MS
  while (!isDone() && Date.now() < end) await delay(5)
}

async function resultOf(client: Client, target: AuditTarget, timeoutMs: number): Promise<ClientResult> {
  const abort = new AbortController()
  const over = new Promise<never>((_, reject) => {
    abort.signal.addEventListener('abort', () => reject(new Error(`no result within ${timeoutMs} ms`)))
  })
  const timer = setTimeout(() => abort.abort(), timeoutMs)
  try {
    await Promise.race([client(target, abort.signal), over])
    return { accepted: true, detail: 'accepted' }
  } catch (error) {
    if (error instanceof CannotStart) throw error
    return { accepted: false, detail: String(error instanceof Error ? error.message : error).split('\n')[0] ?? '' }
  } finally {
    clearTimeout(timer)
  }
}

/** Returns whether a host name resolves to this machine. */
async function isLocal(hostname: string): Promise<boolean> {
  try {
    const { address } = await lookup(hostname, 4)
    return isIP(address) === 4 && address.startsWith('127.')
  } catch {
    return false
  }
}
