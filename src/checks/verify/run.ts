import { PkiError } from '../../tls/pki/errors.ts'
import { systemRoots } from '../../tls/pki/system-roots.ts'
import { inParallel } from '../in-parallel.ts'
import { alpn } from './checks/alpn.ts'
import { cbcPadding } from './checks/cbc-padding.ts'
import { chain, dates, key, names, purposes } from './checks/certificate.ts'
import { logOn, mechanisms, secureChannel, stripping } from './checks/channel.ts'
import { type Check, type Found, fail, resultOfError } from './checks/check.ts'
import { greeting, negotiated, reachable, tls } from './checks/connection.ts'
import { dane } from './checks/dane.ts'
import { dhGroups } from './checks/dh.ts'
import { downgrade } from './checks/downgrade.ts'
import { freak } from './checks/freak.ts'
import { handshakes } from './checks/handshakes.ts'
import { mtaSts } from './checks/mta-sts.ts'
import { ccsInjection, compression, heartbleed } from './checks/old-flaws.ts'
import { olderSuites } from './checks/older-suites.ts'
import { otherCertificates } from './checks/other-certificates.ts'
import { groupsAccepted, recommendations } from './checks/recommendations.ts'
import { renegotiation } from './checks/renegotiation.ts'
import { resumption } from './checks/resumption.ts'
import { revocation } from './checks/revocation.ts'
import { robot } from './checks/robot.ts'
import { injection, second, state } from './checks/starttls.ts'
import { transparency } from './checks/transparency.ts'
import { suitesAccepted, versionsAccepted } from './checks/versions.ts'
import { checkAcrossPorts, crossPortResumption } from './cross-port-resumption.ts'
import { delivery, exchangeMessages } from './exchange.ts'
import { carriesMail } from './mail-clients.ts'
import { Probe } from './probe.ts'
import { protocolRows } from './protocols.ts'
import type { Endpoint, EndpointReport, Finding, VerifyOptions } from './types.ts'

/** Number of endpoints verified at the same time. */
const PARALLEL = 4

type Progress = (endpoint: Endpoint, finding: Finding) => void

/** Verifies every endpoint. Failures of a server are reported, not thrown. Rejects if `options.signal` is aborted. */
export async function verifyEndpoints(
  endpoints: readonly Endpoint[],
  options: VerifyOptions,
  progress: Progress = () => {},
): Promise<readonly EndpointReport[]> {
  const ca = options.ca ?? systemRoots()
  const findingsOf = new Map<Probe, Finding[]>(endpoints.map((endpoint) => [new Probe(endpoint, options, ca), []]))
  const note: Note = (probe, { name, title }, found) => {
    const finding = { check: name, title, ...found }
    findingsOf.get(probe)?.push(finding)
    progress(probe.endpoint, finding)
  }
  await inParallel([...findingsOf.keys()], PARALLEL, (probe) => verifyEndpoint(probe, note))
  options.signal?.throwIfAborted()
  const present = [...findingsOf].filter(([, findings]) => !isAbsent(findings)).map(([probe]) => probe)
  if (isWanted(crossPortResumption.name, options))
    await checkAcrossPorts(present, (probe, found) => note(probe, crossPortResumption, found))
  options.signal?.throwIfAborted()
  const { credentials } = options
  if (credentials && isWanted(delivery.name, options)) {
    await exchangeMessages(present, credentials, (probe, found) => note(probe, delivery, found))
  }
  for (const probe of findingsOf.keys()) probe.closeAll()
  return [...findingsOf].map(([{ endpoint }, findings]) => ({ endpoint, findings }))
}

type Note = (probe: Probe, check: Pick<Check, 'name' | 'title'>, found: Found) => void

const isWanted = (name: string, { only }: Pick<VerifyOptions, 'only'>): boolean => !only || only.includes(name)

/** Returns whether the port is closed, so that no other check applies. */
const isAbsent = (findings: readonly Finding[]): boolean =>
  findings.some(({ check, outcome }) => check === reachable.name && outcome !== 'pass')

async function verifyEndpoint(probe: Probe, note: Note): Promise<void> {
  const { endpoint, options } = probe
  for (const check of checks.filter(({ name }) => isWanted(name, options))) {
    options.signal?.throwIfAborted()
    const found = await attempt(check, probe)
    const absent = check === reachable && found.outcome === 'fail'
    note(probe, check, absent && endpoint.optional ? { ...found, outcome: 'not-applicable' } : found)
    if (absent) break
  }
}

async function attempt(check: Check, probe: Probe): Promise<Found> {
  try {
    return await check.run(probe)
  } catch (error) {
    if (error instanceof PkiError) return fail(`malformed certificate data: ${error.message}`)
    const found = resultOfError(error)
    if (found.outcome !== 'fail' || connectionChecks.has(check)) return found
    // A connection or handshake that fails is reported once, by the check for it.
    return { outcome: 'not-applicable', words: `not tested: ${found.words}` }
  } finally {
    probe.closeAll()
  }
}

/** The checks that report a failed connection or handshake. */
const connectionChecks = new Set<Check>([reachable, greeting, tls, negotiated])

/** Every check of one endpoint, in the order of the report. */
export const checks: readonly Check[] = [
  reachable,
  greeting,
  tls,
  negotiated,
  chain,
  names,
  dates,
  key,
  purposes,
  otherCertificates,
  revocation,
  transparency,
  dane,
  mtaSts,
  versionsAccepted,
  handshakes,
  alpn,
  suitesAccepted,
  olderSuites,
  recommendations,
  groupsAccepted,
  dhGroups,
  freak,
  downgrade,
  renegotiation,
  compression,
  cbcPadding,
  robot,
  heartbleed,
  ccsInjection,
  resumption,
  secureChannel,
  logOn,
  mechanisms,
  injection,
  stripping,
  state,
  second,
]

/** Name and title of everything that a report can contain, in its order. */
export const reportedChecks: readonly Pick<Check, 'name' | 'title'>[] = [...checks, crossPortResumption, delivery]

/** Returns how many findings a run has if every port is open and the checks of several ports apply. */
export function expectedFindings(
  endpoints: readonly Endpoint[],
  options: Pick<VerifyOptions, 'only' | 'credentials'>,
): number {
  const names = reportedChecks.map(({ name }) => name).filter((name) => isWanted(name, options))
  const applies = (name: string, { protocol, implicitTls }: Endpoint): boolean => {
    const hasTls = implicitTls || protocolRows[protocol].startTls !== undefined
    if (name === crossPortResumption.name) return hasTls && endpoints.length > 1
    return name !== delivery.name || (options.credentials !== undefined && carriesMail(protocol))
  }
  return endpoints.flatMap((endpoint) => names.filter((name) => applies(name, endpoint))).length
}
