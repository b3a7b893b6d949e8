import { ConfigError, type LabWithPlaces } from '../config/mistakes.ts'
import type { ServerProtocol } from '../config/schema.ts'
import { findObstacles, type Obstacle } from '../lab/obstacles.ts'
import { openFolders } from '../lab/open-folders.ts'
import { certificateWarnings, missingCertificates } from '../pki/lifecycle/warnings.ts'
import { labFacts, readStore, unknownPins } from './certificate-store.ts'
import {
  type Configuration,
  type ConfigurationOptions,
  configurationIdentity,
  loadConfiguration,
} from './configuration.ts'
import { CannotStart, exitStatus } from './failure.ts'
import { controlSockets, labStatus } from './running-labs.ts'

/** Something wrong with a configuration. A mistake is in the file, an error elsewhere; a warning does no harm. */
export interface Problem {
  readonly severity: 'mistake' | 'error' | 'warning'
  readonly message: string
  /** Whether it prevents the start of the lab. */
  readonly preventsStart: boolean
}

const mistake = (message: string): Problem => ({ severity: 'mistake', message, preventsStart: true })
const warning = (message: string): Problem => ({ severity: 'warning', message, preventsStart: false })

interface ExamineOptions extends ConfigurationOptions {
  /** Whether what a running lab of the same configuration has open is an obstacle, as it is to a second start. */
  readonly anew?: boolean
  /** Ignores the ports and files of virtual servers of other protocols. */
  readonly only?: readonly ServerProtocol[]
}

/** A configuration, if it is valid, and every problem with it. */
export interface Examined {
  readonly configuration: Configuration | undefined
  readonly problems: readonly Problem[]
}

/**
 * Examines a configuration and everything that it names: certificates, files, folders and ports. Changes nothing and
 * listens nowhere. What is valid in an invalid file is examined too.
 */
export async function examine(options: ExamineOptions): Promise<Examined> {
  try {
    const configuration = await loadConfiguration(options)
    const found = configuration.warnings.map(warning)
    return {
      configuration,
      problems: [...found, ...(await surroundings(configuration, configuration.identity, options))],
    }
  } catch (reason) {
    if (!(reason instanceof ConfigError)) throw reason
    const { mistakes, rest } = reason
    const { identity } = configurationIdentity(options)
    const found = rest ? await surroundings(rest, identity, options) : []
    return { configuration: undefined, problems: [...mistakes.map(mistake), ...found] }
  }
}

async function surroundings(
  target: LabWithPlaces,
  identity: string,
  { only, anew = false }: ExamineOptions,
): Promise<Problem[]> {
  const statuses = anew ? [] : await Promise.all((await controlSockets(identity)).map(labStatus))
  const ports = new Set(
    statuses.flatMap(({ endpoints, authorityService }) => [
      ...endpoints.flatMap(({ address, port, tlsPort }) => [`${address}:${port}`, `${address}:${tlsPort}`]),
      ...authorityService,
    ]),
  )
  const certificates = await certificateProblems(target)
  const { virtualServers } = target.lab
  const obstacles = (await findObstacles(target.lab, { isRunning: statuses.length > 0, ports })).filter(({ path }) => {
    const server = path[0] === 'virtualServers' ? virtualServers[Number(path[1])] : undefined
    return !only || !server || only.includes(server.protocol)
  })
  return [...certificates, ...placed(obstacles, target), ...openFolders(target.lab).map(warning)]
}

/** Adds the places to obstacles. */
function placed(obstacles: readonly Obstacle[], target: LabWithPlaces): Problem[] {
  const lines = (wanted: Obstacle['severity']): string[] =>
    target.placed(obstacles.filter(({ severity }) => severity === wanted))
  return [
    ...lines('error').map((message): Problem => ({ severity: 'error', message, preventsStart: true })),
    ...lines('warning').map(warning),
  ]
}

/** Examines the certificates of the virtual servers: dates, names, keys, chains and revocation. */
async function certificateProblems(target: LabWithPlaces): Promise<Problem[]> {
  try {
    const unknown = (await unknownPins(target)).map(mistake)
    const lab = labFacts(target)
    const found = await readStore(target.lab.certificates, (store) => certificateWarnings({ store, lab: () => lab }))
    const warnings = found ?? missingCertificates(lab, {})
    return [
      ...unknown,
      ...warnings.map(({ severity, message, code }) => ({ severity, message, preventsStart: code === 'broken' })),
    ]
  } catch (reason) {
    return [{ severity: 'error', message: (reason as Error).message, preventsStart: true }]
  }
}

/** Returns the error of a failed start with all other reasons that prevent it, so that the user can mend all at once. */
export async function withAllReasons(cause: Error, options: ExamineOptions): Promise<Error> {
  const { problems } = await examine({ ...options, anew: true })
  const found = problems.filter(({ preventsStart }) => preventsStart)
  if (found.length === 0) return cause
  // A configuration error is found again. Other errors name the virtual server before the same words.
  const isKnown =
    cause instanceof ConfigError || found.some(({ message }) => cause.message.includes(withoutPlace(message)))
  const lines = found.map(({ message }) => message)
  const status = found.some(({ severity }) => severity === 'mistake') ? exitStatus.wrongUsage : exitStatus.failed
  return new CannotStart(isKnown ? lines : [...lines, `sealpost: ${cause.message}`], status, { cause })
}

/** Returns a line without `FILE:LINE:COLUMN: path: `. */
const withoutPlace = (line: string): string => line.replace(/^.*?:\d+:\d+: [\w[\].]+: /, '')
