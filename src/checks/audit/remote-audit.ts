import type { SessionRecord } from '../../core/sessions/types.ts'
import { inParallel } from '../in-parallel.ts'
import { type Audit, nothingTested } from './audit.ts'
import { controlResult, judgedPorts, resultsAfter } from './control.ts'
import { disclosuresOf } from './disclosures.ts'
import { type Choice, chosenPorts, controlsFor } from './lab.ts'
import { type OpenLab, type Place, ServerLab } from './server-lab.ts'
import { AuditError, type BadPort } from './types.ts'
import { type ClientRun, judge, untestedResult } from './verdict.ts'

/** Ports that are examined at the same time. */
const PARALLEL = 8

/** A server that a client elsewhere must try. */
interface RemoteTarget extends Pick<BadPort, 'name' | 'meaning' | 'protocol' | 'form' | 'hostname'> {
  /** The address that it listens on. */
  readonly address: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** Whether a client has connected to it. */
  readonly visited: boolean
}

/** A client's report about one server. */
interface ClientReport extends Pick<BadPort, 'name' | 'protocol' | 'form'> {
  readonly accepted: boolean
  readonly detail?: string | undefined
}

/**
 * An audit of a client that runs elsewhere. The servers are open until its end; what crossed the wire decides, and what the
 * client reports if the wire does not tell.
 */
export class RemoteAudit implements AsyncDisposable {
  readonly #servers: ServerLab
  readonly #controls: readonly BadPort[]
  readonly #ports: readonly BadPort[]
  readonly #isChosen: boolean
  readonly #visited = new Set<number>()
  readonly #unwatch: () => void

  private constructor(servers: ServerLab, choice: Choice, ports: readonly BadPort[], onVisit: () => void) {
    this.#servers = servers
    this.#controls = controlsFor(ports)
    this.#ports = ports
    this.#isChosen = choice.protocols !== undefined
    this.#unwatch = servers.watch((port) => {
      if (this.#visited.has(port)) return
      this.#visited.add(port)
      onVisit()
    })
  }

  /**
   * Opens the chosen servers, and a good server for the control runs.
   * @param onVisit called when a client connects to a server for the first time
   * @throws AuditError if nothing is chosen, or a port cannot be opened; Error for an unknown name
   */
  static async open(choice: Choice & Place, openLab: OpenLab, onVisit: () => void): Promise<RemoteAudit> {
    const ports = chosenPorts(choice)
    if (ports.length === 0)
      throw new AuditError('no bad server has this name, protocol and form; list them with sealpost audit --list')
    const all = [...controlsFor(ports), ...ports]
    const servers = await ServerLab.open(all, openLab, choice).catch((cause: Error) => {
      throw new AuditError(`the servers cannot be opened: ${cause.message}`, { cause })
    })
    try {
      await inParallel(all, PARALLEL, (port) => servers.prepare(port))
    } catch (error) {
      await servers[Symbol.asyncDispose]()
      throw error
    }
    return new RemoteAudit(servers, choice, ports, onVisit)
  }

  /** The roots to trust, in PEM. */
  get ca(): string {
    return this.#servers.ca
  }

  /** The servers to try, the good ones of the control run first. */
  get targets(): RemoteTarget[] {
    return [...this.#controls, ...this.#ports].map((port) => {
      const { name, meaning, protocol, form, hostname } = port
      const place = this.#servers.targetOf(port)
      return { name, meaning, protocol, form, hostname, ...place, visited: this.#visited.has(place.port) }
    })
  }

  /** How many servers a client has connected to. */
  get visited(): number {
    return this.#visited.size
  }

  /** Judges the client. @throws AuditError if no control run succeeded, or nothing was tested */
  async judge(reports: readonly ClientReport[]): Promise<Audit> {
    this.#unwatch()
    const runOf = async (port: BadPort): Promise<ClientRun> => {
      const report = reports.find((one) => isFor(one, port))
      return runFrom(report, await this.#servers.sessionsOn(port), port)
    }
    const controls = await inParallel(this.#controls, PARALLEL, async (port) => controlResult(port, await runOf(port)))
    const ports = judgedPorts(controls, this.#ports, this.#isChosen)
    const results = await resultsAfter(controls, ports, PARALLEL, async (port, disclosed) => {
      const isReported = reports.some((one) => isFor(one, port))
      if (!isReported && disclosed.length === 0) return untestedResult(port, UNREPORTED)
      return judge(port, await runOf(port), disclosed)
    })
    const [first] = results
    if (first && results.every(({ verdict }) => verdict === 'untested')) throw new AuditError(nothingTested(first))
    return { controls, results }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unwatch()
    await this.#servers[Symbol.asyncDispose]()
  }
}

const UNREPORTED =
  'the client sends nothing after the handshake, so only it can tell whether it accepts the server: report its result'

const isFor = (report: ClientReport, { name, protocol, form }: BadPort): boolean =>
  report.name === name && report.protocol === protocol && report.form === form

/** Returns a client's run. Without a report, a client that has sent something private under TLS has accepted the server. */
function runFrom(
  report: ClientReport | undefined,
  sessions: readonly SessionRecord[],
  { protocol }: BadPort,
): ClientRun {
  if (report) {
    const { accepted, detail = accepted ? 'accepted' : 'refused' } = report
    return { accepted, detail, sessions }
  }
  const accepted = disclosuresOf(sessions, protocol).some(({ encrypted }) => encrypted)
  return {
    accepted,
    detail: accepted ? 'it continued under TLS' : 'it sent nothing under TLS',
    sessions,
  }
}
