import type { ServerProtocol } from '../../core/config/schema.ts'
import { controlOf, judgedPorts, resultsAfter, runControls } from './control.ts'
import { chosenPorts } from './lab.ts'
import { type Client, ClientRunner } from './run-client.ts'
import type { OpenLab } from './server-lab.ts'
import { AuditError, type AuditResult, type BadPort, type ControlResult, type Form } from './types.ts'
import { judge, untestedResult } from './verdict.ts'

export interface AuditOptions {
  /** Default: those of mail and news that the client speaks in the control run. */
  readonly protocols?: readonly ServerProtocol[]
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
  /** Called after each result with how many there are, and will be. */
  readonly onResult?: (done: number, all: number) => void
}

/** The results of an audit, and of the control runs before it. */
export interface Audit {
  readonly controls: readonly ControlResult[]
  readonly results: readonly AuditResult[]
}

/** Says that no result of an audit is a test. */
export const nothingTested = ({ name, protocol, form, reason, detail }: AuditResult): string =>
  `nothing was tested: ${name} ${protocol} ${form}: ${reason} (${detail})`

/**
 * Runs a client against the bad servers in a new lab, one run per port. Before that, control runs against a good server
 * show that the client works: without one that succeeds, nothing is judged. Resolves also if the client connected to no
 * bad server.
 * @throws AuditError if no control run succeeded; Error if a name in `options` is unknown
 */
export async function runAudit(client: Client, options: AuditOptions, openLab: OpenLab): Promise<Audit> {
  const { timeoutMs = 10_000, jobs = 4, byAddress = true, onResult } = options
  const wanted = chosenPorts(options)
  if (wanted.length === 0)
    throw new AuditError('no bad server has this name, protocol and form; list them with sealpost audit --list')
  const controls = await runControls(client, wanted, { timeoutMs, jobs, openLab })
  const ports = judgedPorts(controls, wanted, options.protocols !== undefined)
  await using runner = await ClientRunner.open(
    ports.filter((port) => controlOf(controls, port)),
    openLab,
  )
  let done = 0
  const results = await resultsAfter(controls, ports, jobs, async (port, disclosed) => {
    const canUse = await runner.canUse(port, byAddress)
    const result = canUse
      ? judge(port, await runner.run(client, port, timeoutMs), disclosed)
      : untestedResult(port, unresolvedReason(port))
    onResult?.(++done, ports.length)
    return result
  })
  return { controls, results }
}

const unresolvedReason = ({ hostname }: BadPort): string =>
  `${hostname} does not resolve on this machine: let the client connect to {address} and verify {hostname}, or resolve names with {hostsFile}`
