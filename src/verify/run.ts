import { type Check, type Found, fail } from './checks/check.ts'
import { checks } from './checks/index.ts'
import { NotTested, VerifyError } from './errors.ts'
import { Probe } from './probe.ts'
import { systemRoots } from './tls/trust.ts'
import type { Endpoint, EndpointReport, Finding, VerifyOptions } from './types.ts'

/** Endpoints looked at side by side. */
const PARALLEL = 4

export type Progress = (endpoint: Endpoint, finding: Finding) => void

/** Looks at every endpoint. What a server does is in the report, never thrown. */
export async function verifyEndpoints(
  endpoints: readonly Endpoint[],
  options: VerifyOptions,
  progress: Progress = () => {},
): Promise<readonly EndpointReport[]> {
  const ca = options.ca ?? systemRoots()
  const reports = new Map<Endpoint, EndpointReport>()
  const waiting = [...endpoints]
  const worker = async (): Promise<void> => {
    for (let endpoint = waiting.shift(); endpoint; endpoint = waiting.shift()) {
      reports.set(endpoint, await verifyEndpoint(new Probe(endpoint, options, ca), progress))
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
  return endpoints.flatMap((endpoint) => reports.get(endpoint) ?? [])
}

async function verifyEndpoint(probe: Probe, progress: Progress): Promise<EndpointReport> {
  const { endpoint } = probe
  const findings: Finding[] = []
  const note = (check: Check, found: Found): void => {
    const finding = { check: check.name, title: check.title, ...found }
    findings.push(finding)
    progress(endpoint, finding)
  }
  const wanted = checks.filter(({ name }) => !probe.options.only || probe.options.only.includes(name))
  for (const check of wanted) {
    const found = await attempt(check, probe)
    const isAbsent = check.name === 'reachable' && found.outcome === 'fail'
    note(check, isAbsent && endpoint.optional ? { ...found, outcome: 'not-applicable' } : found)
    // Where nothing answers there is nothing more to say.
    if (isAbsent) break
  }
  return { endpoint, findings }
}

async function attempt(check: Check, probe: Probe): Promise<Found> {
  try {
    return await check.run(probe)
  } catch (error) {
    if (error instanceof NotTested) return { outcome: 'not-applicable', words: error.message }
    if (!(error instanceof VerifyError)) throw error
    // What has failed already is told once, where it belongs.
    if (isToldElsewhere(check)) return { outcome: 'not-applicable', words: `not tested: ${error.message}` }
    return fail(error.message)
  }
}

/** Checks that are there to tell that a connection or a handshake does not come about. */
const tellers = new Set(['reachable', 'greeting', 'tls', 'negotiated'])
const isToldElsewhere = ({ name }: Check): boolean => !tellers.has(name)
