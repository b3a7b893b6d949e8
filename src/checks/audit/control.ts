import type { SessionRecord } from '../../core/sessions/types.ts'
import { disclosuresOf } from './disclosures.ts'
import { inParallel } from './in-parallel.ts'
import { controlsFor } from './lab.ts'
import { type Client, Workshop } from './run-client.ts'
import type { OpenLab } from './server-lab.ts'
import type { BadPort, ControlResult } from './types.ts'
import { type ClientRun, listed } from './verdict.ts'

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
  await using workshop = await Workshop.open(wanted, openLab)
  return await inParallel(wanted, jobs, async (port) =>
    controlResult(port, await workshop.run(client, port, timeoutMs)),
  )
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
    detail: disclosed.length > 0 ? `sent ${listed(disclosed)}` : 'completed a handshake',
  }
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
export function nothingJudged(controls: readonly ControlResult[]): string {
  const grouped = new Map<string, string[]>()
  for (const { protocol, form, detail, hint } of controls) {
    const text = hint === undefined ? detail : `${detail}. To fix it: ${hint}`
    grouped.set(text, [...(grouped.get(text) ?? []), `${protocol} ${form}`])
  }
  const failures = [...grouped].map(([text, which]) => `${which.join(', ')}: ${text}`)
  return `nothing was judged, because the control run against a good server failed: ${failures.join('\n')}`
}
