import { lookup } from 'node:dns/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Protocol } from '../config/schema.ts'
import { startLab } from '../testing/start-lab.ts'
import type { TestLab } from '../testing/test-lab.ts'
import { ACCOUNT, badLab, badPorts } from './lab.ts'
import { judged, type Outcome } from './report.ts'
import type { AuditResult, AuditTarget, BadPort, Form } from './types.ts'

export interface AuditOptions {
  /** Absent: all. */
  readonly protocols?: readonly Protocol[]
  readonly forms?: readonly Form[]
  /** Names of the index. */
  readonly names?: readonly string[]
  /** A client that takes longer has refused. Default 10,000. */
  readonly timeoutMs?: number
  /** Runs at one time; default 4. */
  readonly jobs?: number
  /** The client connects to the address and asks for `hostname`: nothing needs to resolve. Default true. */
  readonly byAddress?: boolean
}

/**
 * Tries one client on every bad server: connects, logs on, does its work. It resolves where it took the server, and
 * rejects where it refused. `signal` aborts when its time is over.
 */
export type Client = (target: AuditTarget, signal: AbortSignal) => Promise<unknown>

/**
 * Runs a client through the bad servers, each port by itself, in a lab of its own.
 * @throws where names of `options` are not in the index
 */
export async function auditClient(client: Client, options: AuditOptions = {}): Promise<AuditResult[]> {
  const { timeoutMs = 10_000, jobs = 4, byAddress = true } = options
  const ports = chosen(options)
  // An account each, so that runs at the same time do not meet in a mailbox.
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
        results[row] = await tried(client, port, lab, caFile, { timeoutMs, byAddress })
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
  if (unknown !== undefined)
    throw new Error(`no bad server "${unknown}"; \`sealpost audit --list\` shows those there are`)
  return badPorts.filter(
    (port) =>
      (protocols?.includes(port.protocol) ?? true) &&
      (forms?.includes(port.form) ?? true) &&
      (names?.includes(port.name) ?? true),
  )
}

async function tried(
  client: Client,
  port: BadPort,
  lab: TestLab,
  caFile: string,
  { timeoutMs, byAddress }: { readonly timeoutMs: number; readonly byAddress: boolean },
): Promise<AuditResult> {
  const { protocol, form, name, expectation, hostname } = port
  const server = lab.server(port.virtualServer)
  const resolves = await leadsHere(hostname)
  if (port.needsOwnName && !resolves && !byAddress) return judged(port, undefined, [])
  const user = `${ACCOUNT.user}-${port.port}`
  await lab.deliver({ subject: 'A message to read', text: 'Hello.' }, { to: user })
  const listening = form === 'implicit' ? server.tlsPort : server.port
  const outcome = await outcomeOf(
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
  return judged(
    port,
    outcome,
    lab.sessions().filter(({ localPort }) => localPort === listening),
  )
}

async function outcomeOf(client: Client, target: AuditTarget, timeoutMs: number): Promise<Outcome> {
  const abort = new AbortController()
  const over = new Promise<never>((_, reject) => {
    abort.signal.addEventListener('abort', () => reject(new Error(`nothing came of it in ${timeoutMs} ms`)))
  })
  const timer = setTimeout(() => abort.abort(), timeoutMs)
  try {
    await Promise.race([client(target, abort.signal), over])
    return { accepted: true, detail: 'took it' }
  } catch (error) {
    return { accepted: false, detail: String(error instanceof Error ? error.message : error).split('\n')[0] ?? '' }
  } finally {
    clearTimeout(timer)
  }
}

/** Whether a name leads to this machine. */
async function leadsHere(hostname: string): Promise<boolean> {
  try {
    const { address } = await lookup(hostname, 4)
    return isIP(address) === 4 && address.startsWith('127.')
  } catch {
    return false
  }
}
