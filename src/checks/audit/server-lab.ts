import { once } from 'node:events'
import { connect } from 'node:net'
import { loadObject } from '../../core/config/load.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import { reachableAddress } from '../../core/network/ip-address.ts'
import type { SessionLog } from '../../core/sessions/log.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { delay } from '../../core/time/real-timers.ts'
import { BAD_DOMAIN } from './bad-servers.ts'
import { ACCOUNT, badLab, FIRST_PORT } from './lab.ts'
import type { BadPort } from './types.ts'

/** A lab, as an audit uses it. */
export interface AuditedLab {
  readonly certificateStore: { readonly rootPem: string }
  readonly sessionLog: Pick<SessionLog, 'list' | 'follow'>
  endpoints(): readonly {
    readonly virtualServer: string
    readonly address: string
    readonly port: number | undefined
    readonly tlsPort: number | undefined
  }[]
  deliver(mail: { readonly from: string; readonly to: readonly string[]; readonly raw: Buffer }): Promise<unknown>
  stop(): Promise<void>
}

/** Starts a lab that does not keep the process running. */
export type OpenLab = (config: ResolvedLab) => Promise<AuditedLab>

/** Where the ports are opened. */
export interface Place {
  /** Default: 127.0.0.1. */
  readonly address?: string
  /** The first of the ports, which then have the order of `config/badmail.yaml`. Default: free ports. */
  readonly firstPort?: number | undefined
}

/** Longest wait for sessions to end. A client in this process may leave connections open. */
const SETTLE_MS = 1_000

/** Returns a message for an account to read. */
const messageFor = (user: string): Buffer =>
  Buffer.from(
    [
      'From: sender@example.com',
      `To: ${user}@lab.test`,
      'Subject: A message to read',
      `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${user}@${BAD_DOMAIN}>`,
      '',
      'Hello.\r\n',
    ].join('\r\n'),
  )

/** A running lab with the servers of some ports. */
export class ServerLab implements AsyncDisposable {
  readonly #lab: AuditedLab

  private constructor(lab: AuditedLab) {
    this.#lab = lab
  }

  static async open(ports: readonly BadPort[], openLab: OpenLab, place: Place = {}): Promise<ServerLab> {
    const { address = '127.0.0.1', firstPort } = place
    const portOf = ({ port }: BadPort): number => (firstPort === undefined ? 0 : firstPort + port - FIRST_PORT)
    const { virtualServers = [], ...input } = badLab(ports, portOf)
    const config = {
      ...input,
      // Each port has its own account, so that concurrent runs do not share a mailbox.
      directory: { mode: 'open' as const },
      virtualServers: virtualServers.map((server) => ({
        ...server,
        address,
        limits: { connectionsPerAddress: 'off' as const, failedLogonDelay: 'off' as const },
      })),
    }
    return new ServerLab(await openLab(loadObject(config, process.cwd()).lab))
  }

  /** The roots to trust, in PEM. */
  get ca(): string {
    return this.#lab.certificateStore.rootPem
  }

  /** Returns where a server listens, and its account. @throws Error if it was not opened */
  targetOf({ virtualServer, form, port }: BadPort) {
    const server = this.#lab.endpoints().find((one) => one.virtualServer === virtualServer)
    const number = form === 'implicit' ? server?.tlsPort : server?.port
    if (!server || number === undefined) throw new Error(`${virtualServer} ${form} is not open`)
    return { address: server.address, port: number, user: `${ACCOUNT.user}-${port}`, password: ACCOUNT.password }
  }

  /** Gives the account of a port a message to read. */
  async prepare(port: BadPort): Promise<void> {
    const { user } = this.targetOf(port)
    await this.#lab.deliver({ from: '', to: [user], raw: messageFor(user) })
  }

  /** Calls `listener` with the port number of each new connection. Returns the function that removes the listener. */
  watch(listener: (port: number) => void): () => void {
    return this.#lab.sessionLog.follow({ opened: ({ localPort }) => listener(localPort) })
  }

  /** Returns the sessions on a port once the lab has seen everything that the client sent. */
  async sessionsOn(badPort: BadPort): Promise<readonly SessionRecord[]> {
    const { address, port } = this.targetOf(badPort)
    const recorded = (): SessionRecord[] => this.#lab.sessionLog.list().filter(({ localPort }) => localPort === port)
    // Connections are accepted in order: when the lab has accepted this one, it has accepted those of the client.
    const last = connect({ host: reachableAddress(address), port })
    last.on('error', () => {})
    await once(last, 'connect')
    const own = last.localPort
    await until(() => recorded().some(({ remotePort }) => remotePort === own))
    last.destroy()
    const ofClient = (): SessionRecord[] => recorded().filter(({ remotePort }) => remotePort !== own)
    await until(() => ofClient().every(({ endedAt }) => endedAt !== undefined))
    return ofClient()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#lab.stop()
  }
}

async function until(isDone: () => boolean): Promise<void> {
  const end = Date.now() + SETTLE_MS
  while (!isDone() && Date.now() < end) await delay(5)
}
