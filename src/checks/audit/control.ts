import type { SessionRecord } from '../../core/sessions/types.ts'
import { inParallel } from '../in-parallel.ts'
import { disclosuresOf } from './disclosures.ts'
import { controlsFor } from './lab.ts'
import { type Client, ClientRunner } from './run-client.ts'
import type { OpenLab } from './server-lab.ts'
import { AuditError, type AuditResult, type BadPort, type ControlResult } from './types.ts'
import { type ClientRun, disclosuresText, untestedResult } from './verdict.ts'

/**
 * Runs a client against a good server, once per protocol and form of the given ports.
 * @throws CannotStart
 */
export async function runControls(
  client: Client,
  ports: readonly BadPort[],
  { timeoutMs, jobs, openLab }: { readonly timeoutMs: number; readonly jobs: number; readonly openLab: OpenLab },
): Promise<ControlResult[]> {
  const wanted = controlsFor(ports)
  await using runner = await ClientRunner.open(wanted, openLab)
  return await inParallel(wanted, jobs, async (port) => controlResult(port, await runner.run(client, port, timeoutMs)))
}

/** Returns whether a client works with a good server, and what it discloses there. */
export function controlResult({ protocol, form }: BadPort, run: ClientRun): ControlResult {
  const disclosed = disclosuresOf(run.sessions, protocol)
  const row = { protocol, form, disclosed }
  const failure = failureOf(run, disclosed.length > 0)
  if (failure) return { ...row, succeeded: false, ...failure }
  return {
    ...row,
    succeeded: true,
    detail: disclosed.length > 0 ? `sent ${disclosuresText(disclosed)}` : 'completed a handshake',
  }
}

/** Returns the control run of a port; undefined if it failed. */
export const controlOf = (controls: readonly ControlResult[], { protocol, form }: BadPort): ControlResult | undefined =>
  controls.find((one) => one.protocol === protocol && one.form === form && one.succeeded)

/**
 * Returns the ports that are judged after the control runs.
 * @param isChosen whether the protocols are chosen. Default: those that the client speaks
 * @throws AuditError if no control run succeeded
 */
export function judgedPorts(
  controls: readonly ControlResult[],
  ports: readonly BadPort[],
  isChosen: boolean,
): readonly BadPort[] {
  const spoken = controls.filter(({ succeeded }) => succeeded).map(({ protocol }) => protocol)
  if (spoken.length === 0) throw new AuditError(nothingJudged(controls))
  return ports.filter(({ protocol }) => isChosen || spoken.includes(protocol))
}

/** Returns the result of each port; `judgePort` gets those whose control run succeeded, with what that disclosed. */
export function resultsAfter(
  controls: readonly ControlResult[],
  ports: readonly BadPort[],
  jobs: number,
  judgePort: (port: BadPort, disclosed: ControlResult['disclosed']) => Promise<AuditResult>,
): Promise<AuditResult[]> {
  return inParallel(ports, jobs, async (port) => {
    const control = controlOf(controls, port)
    if (control) return judgePort(port, control.disclosed)
    const failed = controls.find(({ protocol, form }) => protocol === port.protocol && form === port.form)
    return untestedResult(port, `the control run failed: ${failed?.detail}`)
  })
}

const CONNECT = 'the client must connect to the port that it is given: {port}, at {host} or {address}'
const TRUST =
  'the client must trust the lab’s root, which is in the file {caFile} ($AUDIT_CA_FILE; `ca` in the library and over HTTP), and expect the name {host} or {hostname}'

/** Returns what failed and how to fix it; undefined if the client completed a session. */
function failureOf(
  { accepted, detail, sessions }: ClientRun,
  hasDisclosed: boolean,
): Pick<ControlResult, 'detail' | 'hint'> | undefined {
  if (sessions.length === 0) return { detail: `${detail}, but it did not connect`, hint: CONNECT }
  const isSecured = sessions.some(({ tls }) => tls)
  if (accepted && (isSecured || hasDisclosed)) return undefined
  const seen = sessions.flatMap(refusalsOf)
  const full = [detail, ...new Set(seen)].join('; ')
  if (accepted) return { detail: `${full}, but it did not complete a session` }
  return sessions.some(isDistrust) && !hasDisclosed ? { detail: full, hint: TRUST } : { detail: full }
}

/** Returns whether a client left during the handshake, or right after it. */
const isDistrust = ({ endCause, tls }: SessionRecord): boolean => endCause === 'handshake failed' || tls !== undefined

const refusalsOf = ({ refusals }: SessionRecord): string[] => refusals.map((refusal) => `the lab saw: ${refusal}`)

/** Says why nothing was judged: what failed in each control run, and how to fix it. */
function nothingJudged(controls: readonly ControlResult[]): string {
  const grouped = new Map<string, string[]>()
  for (const { protocol, form, detail, hint } of controls) {
    const text = hint === undefined ? detail : `${detail}. To fix it: ${hint}`
    grouped.set(text, [...(grouped.get(text) ?? []), `${protocol} ${form}`])
  }
  const failures = [...grouped].map(([text, which]) => `${which.join(', ')}: ${text}`)
  return `nothing was judged, because the control run against a good server failed: ${failures.join('\n')}`
}
