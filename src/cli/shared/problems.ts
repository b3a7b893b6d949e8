import { ConfigError, type LabWithPlaces } from '../../core/config/mistakes.ts'
import type { ServerProtocol } from '../../core/config/schema.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import type { PortTrial } from '../../lab/preflight/ports.ts'
import { mistake, type Problem, runPreflight, warning } from '../../lab/preflight/preflight.ts'
import { readStore } from './certificate-store.ts'
import {
  type Configuration,
  type ConfigurationOptions,
  configOption,
  configurationIdentity,
  loadConfiguration,
} from './configuration.ts'
import { CannotStart, exitStatus, UsageError } from './failure.ts'
import { controlSockets, labStatus } from './running-labs.ts'

interface CheckOptions extends ConfigurationOptions {
  /** Whether ports and files of a running lab of the same configuration are problems, as they are for a second start. */
  readonly isSecondStart?: boolean
  /** Default: `connect`. */
  readonly portTrial?: PortTrial
  /** Ignores the ports and files of virtual servers of other protocols. */
  readonly only?: readonly ServerProtocol[]
}

/** A configuration, if it is valid, and every problem with it. */
interface Checked {
  readonly configuration: Configuration | undefined
  readonly problems: readonly Problem[]
}

/**
 * Checks a configuration and everything that it names: certificates, files, folders and ports. Changes nothing.
 * Also checks the valid part of an invalid file.
 */
export async function findProblems(options: CheckOptions): Promise<Checked> {
  try {
    const configuration = await loadConfiguration(options)
    const found = configuration.warnings.map((line) => warning(line))
    return {
      configuration,
      problems: [...found, ...(await preflightProblems(configuration, configuration.identity, options))],
    }
  } catch (reason) {
    if (!(reason instanceof ConfigError)) throw reason
    const { found, rest } = reason
    const { identity } = configurationIdentity(options)
    const others = rest ? await preflightProblems(rest, identity, options) : []
    return { configuration: undefined, problems: [...found.map(mistake), ...others] }
  }
}

async function preflightProblems(
  target: LabWithPlaces,
  identity: string,
  { only, isSecondStart = false, portTrial }: CheckOptions,
): Promise<Problem[]> {
  const statuses = isSecondStart ? [] : await Promise.all((await controlSockets(identity)).map(labStatus))
  const ports = new Set(
    statuses.flatMap(({ endpoints, authorityService, dns = [] }) => [
      ...endpoints.flatMap(({ address, port, tlsPort }) => [`${address}:${port}`, `${address}:${tlsPort}`]),
      ...authorityService,
      ...dns,
    ]),
  )
  return runPreflight(target, {
    readStore: (read) => readStore(target.lab, read),
    running: { isRunning: statuses.length > 0, ports },
    ...omitUndefined({ only, portTrial }),
  })
}

/** Returns the error of a failed start with all other reasons that prevent it, so that the user can fix them together. */
export async function withAllReasons(cause: Error, options: CheckOptions): Promise<Error> {
  // A wrong command says nothing about a configuration.
  if (cause instanceof UsageError) return cause
  const { problems } = await findProblems({ ...options, isSecondStart: true, portTrial: 'listen' })
  const found = problems.filter(({ preventsStart }) => preventsStart)
  if (found.length === 0) return cause
  const running = await sameLab(options)
  if (running) return running
  // A configuration error is found again. Other errors name the virtual server before the same words.
  const isKnown =
    cause instanceof ConfigError || found.some(({ message }) => cause.message.includes(withoutPlace(message)))
  const lines = found.map(({ message }) => message)
  const status = found.some(({ severity }) => severity === 'mistake') ? exitStatus.wrongUsage : exitStatus.failed
  return new CannotStart(isKnown ? lines : [...lines, `sealpost: ${cause.message}`], status, { cause })
}

/** Returns the error of a start that only a running lab of the same configuration prevents. */
async function sameLab(options: CheckOptions): Promise<CannotStart | undefined> {
  const [socket] = await controlSockets(configurationIdentity(options).identity)
  if (socket === undefined) return undefined
  const { problems } = await findProblems({ ...options, portTrial: 'listen' })
  if (problems.some(({ preventsStart }) => preventsStart)) return undefined
  const { pid } = await labStatus(socket)
  const line = `sealpost: this lab is running already (process ${pid}); stop it with: sealpost stop${configOption(options)}`
  return new CannotStart([line], exitStatus.failed, {})
}

/** Returns a line without `FILE:LINE:COLUMN: path: `. */
const withoutPlace = (line: string): string => line.replace(/^.*?:\d+:\d+: [\w[\].]+: /, '')
