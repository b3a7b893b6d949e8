import { lookup } from 'node:dns/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Protocol } from '../config/schema.ts'
import { startLab } from '../testing/start-lab.ts'
import type { TestLab } from '../testing/test-lab.ts'
import { ACCOUNT, badLab, badPorts } from './lab.ts'
import { type ClientResult, judge } from './report.ts'
import type { AuditResult, AuditTarget, BadPort, Form } from './types.ts'

export interface AuditOptions {
  /** Default: all. */
  readonly protocols?: readonly Protocol[]
  /** Default: both. */
  readonly forms?: readonly Form[]
  /** Names of bad servers. Default: all. */
  readonly names?: readonly string[]
  /** A client that takes longer counts as refusing. Default: 10,000. */
  readonly timeoutMs?: number
  /** Number of clients that run at the same time. Default: 4. */
  readonly jobs?: number
  /** The client connects to `address` and uses `hostname` for TLS, so no name needs to resolve. Default: true. */
  readonly byAddress?: boolean
}

/**
 * A client under test: connects to a server, logs on and does its work. Resolves if it accepts the server, and rejects if
 * it refuses. `signal` aborts at the timeout.
 */
export type Client = (target: AuditTarget, signal: AbortSignal) => Promise<unknown>

/**
 * Runs a client against the bad servers in a new lab, one run per port.
 * @throws if a name in `options` is unknown
 */
export async function auditClient(client: Client, options: AuditOptions = {}): Promise<AuditResult[]> {
  const { timeoutMs = 10_000, jobs = 4, byAddress = true } = options
  const ports = chosen(options)
  // Each run uses its own account, so that concurrent runs do not share a mailbox.
  await using lab = await startLab({ ...badLab(ports, () => 0), directory: { mode: 'open' } })
  const folder = await mkdtemp(join(tmpdir(), 'sealpost-audit-'))
  try {
    const caFile = join(folder, 'ca.pem')
    await writeFile(caFile, lab.ca)
    const results: AuditResult[] = new Array(ports.length)
    let next = 0
    const work = async (): Promise<void> => {
      for (let row = next++; row < ports.length; row = next++) {
        const port = ports[row] as BadPort
        results[row] = await tryClient(client, port, lab, caFile, { timeoutMs, byAddress })
      }
    }
    await Promise.all(Array.from({ length: Math.min(jobs, ports.length) }, work))
    return results
  } finally {
    await rm(folder, { recursive: true })
  }
}

function chosen({ protocols, forms, names }: AuditOptions): BadPort[] {
  const unknown = names?.find((name) => !badPorts.some((port) => port.name === name))
  if (unknown !== undefined) throw new Error(`no bad server "${unknown}"; \`sealpost audit --list\` shows their names`)
  return badPorts.filter(
    (port) =>
      (protocols?.includes(port.protocol) ?? true) &&
      (forms?.includes(port.form) ?? true) &&
      (names?.includes(port.name) ?? true),
  )
}

async function tryClient(
  client: Client,
  port: BadPort,
  lab: TestLab,
  caFile: string,
  { timeoutMs, byAddress }: { readonly timeoutMs: number; readonly byAddress: boolean },
): Promise<AuditResult> {
  const { protocol, form, name, expectation, hostname } = port
  const server = lab.server(port.virtualServer)
  const resolves = await isLocal(hostname)
  if (port.needsOwnName && !resolves && !byAddress) return judge(port, undefined, [])
  const user = `${ACCOUNT.user}-${port.port}`
  await lab.deliver({ subject: 'A message to read', text: 'Hello.' }, { to: user })
  const listening = form === 'implicit' ? server.tlsPort : server.port
  const outcome = await resultOf(
    client,
    {
      ...{ name, expectation, protocol, form, hostname, caFile },
      host: resolves ? hostname : 'localhost',
      address: server.address,
      port: listening,
      user,
      password: ACCOUNT.password,
      ca: lab.ca,
    },
    timeoutMs,
  )
  return judge(
    port,
    outcome,
    lab.sessions().filter(({ localPort }) => localPort === listening),
  )
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
