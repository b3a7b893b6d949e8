import { Wakeup } from '../../core/async/wakeup.ts'
import type { MemoryUsage } from '../../core/octets/memory-budget.ts'
import { hasFailed, withoutDer } from '../../core/sessions/describe.ts'
import type { ConnectionAddresses } from '../../core/sessions/log.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { otherSessions } from '../cluster/requests.ts'
import type { Lab } from '../lab.ts'
import { dump } from './dump.ts'
import type { ControlVerbs } from './messages.ts'

/** How long a node may take to reload, in milliseconds. */
const RELOAD_TIMEOUT_MS = 30_000

/** The answer to `status`. */
export interface LabStatus {
  readonly pid: number
  readonly hostname: string
  readonly endpoints: ReturnType<Lab['endpoints']>
  /** Why a balancer should not send clients here; empty if it may. */
  readonly notReady: ReturnType<Lab['notReady']>
  /** Certificates that are installed and cannot be served. */
  readonly notServed: ReturnType<Lab['servedCertificates']['notServed']>
  /** `ADDRESS:PORT` of the authorities' HTTP service. */
  readonly authorityService: readonly string[]
  /** `ADDRESS:PORT` of the DNS server. */
  readonly dns: readonly string[]
  /** The lab's root certificates in PEM, as one text. */
  readonly ca: string
  /** The memory that clients make the lab use, in octets. */
  readonly memory: MemoryUsage
}

/** The answer to `reload`. */
export interface ReloadReport {
  readonly pid: number
  readonly warnings: readonly string[]
  /** The results of the other nodes, if they were to reload too. */
  readonly others?: readonly NodeReload[]
}

/** The answer of another node to `reload`. */
export interface NodeReload {
  readonly node: string
  readonly error?: string
  readonly warnings?: readonly string[]
}

/** The requests that need the process around the lab, which knows where the configuration came from. */
interface ControlHost {
  reload(): Promise<ReloadReport>
  /** Begins to stop: sessions finish what they do, or `now` ends them. */
  stop(now: boolean): void
}

/** Returns the handlers of all requests on the control socket, by verb. */
export function controlVerbs(lab: Lab, host: ControlHost): ControlVerbs {
  return {
    status: async (): Promise<LabStatus> => ({
      pid: process.pid,
      hostname: lab.config.hostname,
      endpoints: lab.endpoints(),
      notReady: lab.notReady(),
      notServed: lab.servedCertificates.notServed(),
      authorityService: lab.pki.servicePorts,
      dns: lab.dns.ports,
      ca: lab.certificateStore.rootPem,
      memory: lab.intake.memory.usage,
    }),
    sessions: ({ follow, failed, id }, signal) =>
      sessions(lab, { follow: follow === true, failed: failed === true, id }, signal),
    events: ({ types }, signal) => events(lab, typeof types === 'string' ? types : undefined, signal),
    reload: async ({ allNodes }) => {
      const own = await host.reload()
      return allNodes === true ? { ...own, others: await reloadOthers(lab) } : own
    },
    stop: async ({ now }) => {
      host.stop(now === true)
      return { pid: process.pid }
    },
    call: (args, signal) => call(lab, args, signal),
    dump: ({ path }) => dump(lab, String(path)),
    // Connections of `sealpost verify` and `healthcheck` are not sessions of clients.
    forget: async ({ sessions: unwanted }) => {
      if (Array.isArray(unwanted)) for (const session of unwanted) lab.sessionLog.forget(session as ConnectionAddresses)
    },
  }
}

/** Lets the other nodes read their configuration again. */
async function reloadOthers({ cluster }: Lab): Promise<NodeReload[]> {
  const answers = await cluster.ask('reload', undefined, { timeoutMs: RELOAD_TIMEOUT_MS })
  return answers.map((one) => {
    if (one.kind !== 'answer') return { node: one.node, error: one.kind === 'error' ? one.error : 'it does not answer' }
    const { warnings, afterRestart } = one.answer as { warnings: string[]; afterRestart: string[] }
    return {
      node: one.node,
      warnings: [...warnings, ...afterRestart.map((key) => `${key}: the change takes effect at the next start`)],
    }
  })
}

/** The owner of the process, who alone can open the socket. */
const OWNER = { role: 'administrator', name: 'owner' } as const

/** Runs an operation of the API. Content that is not JSON comes as `{ type, base64 }`. @throws ControlError */
async function call(
  lab: Lab,
  { name, input }: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<unknown> {
  const [{ invoke }, { Content }, { problemOf }] = await Promise.all([
    import('../../api/invoke.ts'),
    import('../../api/operation.ts'),
    import('../../api/problem-of.ts'),
  ])
  try {
    const result = await invoke(await lab.api(), OWNER, { name: String(name), input }, signal)
    if (!(result instanceof Content)) return { result: result ?? null }
    return { content: { type: result.type, base64: Buffer.from(result.octets as string).toString('base64') } }
  } catch (error) {
    return { problem: problemOf(error).document }
  }
}

/** Yields further events as `{ event, data }`, after `{ event: 'connected' }`, until the lab stops. @throws ApiProblem */
async function* events(lab: Lab, types: string | undefined, signal: AbortSignal): AsyncGenerator<object> {
  const [{ eventData }, { parseTypes }] = await Promise.all([
    import('../../api/events/event-data.ts'),
    import('../../api/events/event-log.ts'),
  ])
  const api = await (await lab.api()).begin()
  const wants = parseTypes(types)
  let last = api.events.lastId
  const wakeup = new Wakeup()
  const unwatch = api.events.watch(wakeup.wake)
  signal.addEventListener('abort', wakeup.wake)
  try {
    yield { event: 'connected' }
    while (!signal.aborted) {
      const event = api.events.next(last)
      if (event) {
        last = event.id
        const data = wants(event.name) ? await eventData(api, OWNER, event) : undefined
        if (data) yield { event: event.name, data }
        if (event.name === 'lab.stopping') return
      } else await wakeup.sleep()
    }
  } finally {
    unwatch()
  }
}

interface SessionQuery {
  readonly follow: boolean
  readonly failed: boolean
  readonly id: unknown
}

/** Yields the recorded sessions as JSON values and, with `follow`, each further session as it ends. */
async function* sessions(lab: Lab, { follow, failed, id }: SessionQuery, signal: AbortSignal): AsyncGenerator<object> {
  const matches = (record: SessionRecord): boolean =>
    (id === undefined || record.id === id) && (!failed || hasFailed(record))
  const queue: SessionRecord[] = []
  const wakeup = new Wakeup()
  const unwatch = lab.sessionLog.watch((record) => {
    queue.push(record)
    wakeup.wake()
  })
  signal.addEventListener('abort', wakeup.wake)
  try {
    for (const record of lab.sessionLog.list()) if (matches(record)) yield withoutDer(record)
    const { records, missing } = await otherSessions(lab.cluster, { failed, ...(typeof id === 'string' && { id }) })
    yield* records
    for (const node of missing) yield { missing: node }
    while (follow && !signal.aborted) {
      for (let record = queue.shift(); record; record = queue.shift()) if (matches(record)) yield withoutDer(record)
      if (queue.length === 0 && !signal.aborted) await wakeup.sleep()
    }
  } finally {
    unwatch()
  }
}
