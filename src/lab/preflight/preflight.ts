import { unknownCertificates, unknownConnectorCertificates } from '../../core/config/certificates.ts'
import type { Finding, LabWithPlaces, PlacedMistake } from '../../core/config/mistakes.ts'
import type { ServerProtocol } from '../../core/config/schema.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { certificateWarnings, missingCertificates } from '../../tls/pki/lifecycle/warnings.ts'
import { placedLabFacts } from '../certificates/lab-facts.ts'
import { type Running, runChecks } from './checks.ts'
import { openFolders } from './folder-modes.ts'
import type { PortTrial } from './ports.ts'

/** Something wrong with a configuration. A mistake is in the file, an error elsewhere; a warning does no harm. */
export interface Problem {
  readonly severity: 'mistake' | 'error' | 'warning'
  readonly message: string
  /** Whether it prevents the start of the lab. */
  readonly preventsStart: boolean
  /** Its path and place, if it is about one value. */
  readonly found?: PlacedMistake
}

/** Reads the certificate store of a lab without changing it. Undefined if the store does not exist yet. */
export type ReadStore = <T>(read: (store: CertificateStore) => T | Promise<T>) => Promise<T | undefined>

/** The circumstances of a preflight. */
interface PreflightOptions {
  readonly readStore: ReadStore
  /** Ports and folders that are open because a lab of the same configuration runs. */
  readonly running: Running
  /** Default: `connect`. */
  readonly portTrial?: PortTrial
  /** Ignores the ports and files of virtual servers of other protocols. */
  readonly only?: readonly ServerProtocol[]
}

export const mistake = (found: PlacedMistake): Problem => ({
  severity: 'mistake',
  message: found.line,
  preventsStart: true,
  found,
})

export const warning = (message: string, found?: PlacedMistake): Problem => ({
  severity: 'warning',
  message,
  preventsStart: false,
  ...(found ? { found } : {}),
})

/** Checks everything that a valid configuration names: certificates, files, folders and ports. Changes nothing. */
export async function runPreflight(target: LabWithPlaces, surroundings: PreflightOptions): Promise<Problem[]> {
  const { readStore, running, portTrial = 'connect', only } = surroundings
  const certificates = await certificateProblems(target, readStore)
  const { virtualServers } = target.lab
  const findings = (await runChecks(target.lab, running, portTrial)).filter(({ path }) => {
    const server = path[0] === 'virtualServers' ? virtualServers[Number(path[1])] : undefined
    return !only || !server || only.includes(server.protocol)
  })
  return [...certificates, ...withPlaces(findings, target), ...openFolders(target.lab).map((line) => warning(line))]
}

/** Returns a mistake for each certificate that the configuration names and the store does not have. @throws PkiError */
export async function unknownPins({ lab, locate }: LabWithPlaces, readStore: ReadStore): Promise<PlacedMistake[]> {
  const known = await readStore((store) => store.index.certificates)
  return locate([
    ...unknownCertificates(lab.virtualServers, known ?? []),
    ...unknownConnectorCertificates(lab.outgoing.connectors, lab.virtualServers, known ?? []),
  ])
}

/** Adds the places to findings. */
function withPlaces(findings: readonly Finding[], target: LabWithPlaces): Problem[] {
  const found = (wanted: Finding['severity']): PlacedMistake[] =>
    target.locate(findings.filter(({ severity }) => severity === wanted))
  return [
    ...found('error').map((one): Problem => ({ ...mistake(one), severity: 'error' })),
    ...found('warning').map((one) => warning(one.line, one)),
  ]
}

/** Checks the certificates of the virtual servers: dates, names, keys, chains and revocation. */
async function certificateProblems(target: LabWithPlaces, readStore: ReadStore): Promise<Problem[]> {
  try {
    const unknown = (await unknownPins(target, readStore)).map(mistake)
    const lab = placedLabFacts(target)
    const found = await readStore((store) => certificateWarnings({ store, lab: () => lab }))
    const warnings = found ?? missingCertificates(lab, {})
    return [
      ...unknown,
      ...warnings.map(({ severity, message, code }) => ({ severity, message, preventsStart: code === 'broken' })),
    ]
  } catch (reason) {
    return [{ severity: 'error', message: (reason as Error).message, preventsStart: true }]
  }
}
