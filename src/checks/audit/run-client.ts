import { lookup } from 'node:dns/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { hostNames } from './bad-servers.ts'
import { type OpenLab, ServerLab } from './server-lab.ts'
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
export class ClientRunner implements AsyncDisposable {
  readonly #servers: ServerLab
  readonly #folder: string

  private constructor(servers: ServerLab, folder: string) {
    this.#servers = servers
    this.#folder = folder
  }

  static async open(ports: readonly BadPort[], openLab: OpenLab): Promise<ClientRunner> {
    const servers = await ServerLab.open(ports, openLab)
    const runner = new ClientRunner(servers, await mkdtemp(join(tmpdir(), 'sealpost-audit-')))
    await writeFile(runner.#caFile, servers.ca)
    await writeFile(runner.#hostsFile, `127.0.0.1 localhost ${hostNames.join(' ')}\n::1 localhost\n`)
    return runner
  }

  /** Returns whether a client can use the host name of a port's certificate. */
  async canUse({ hostname, needsOwnName }: BadPort, byAddress: boolean): Promise<boolean> {
    return byAddress || !needsOwnName || (await isLocal(hostname))
  }

  /** Runs a client once. @throws CannotStart */
  async run(client: Client, port: BadPort, timeoutMs: number): Promise<ClientRun> {
    await this.#servers.prepare(port)
    const outcome = await resultOf(client, await this.#targetOf(port), timeoutMs)
    return { ...outcome, sessions: await this.#servers.sessionsOn(port) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#servers[Symbol.asyncDispose]()
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
    return {
      name,
      expectation,
      protocol,
      form,
      hostname,
      caFile: this.#caFile,
      hostsFile: this.#hostsFile,
      host: (await isLocal(hostname)) ? hostname : 'localhost',
      ...this.#servers.targetOf(port),
      ca: this.#servers.ca,
    }
  }
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
