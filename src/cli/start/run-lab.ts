import { constants } from 'node:os'
import type { Logger } from 'pino'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import type { ServerProtocol } from '../../core/config/schema.ts'
import { systemClock } from '../../core/time/clock.ts'
import { startedOf } from '../../lab/configuration/lab-configuration.ts'
import { ControlServer } from '../../lab/control/server.ts'
import { newSocketPath } from '../../lab/control/socket-path.ts'
import { controlStreams } from '../../lab/control/streams.ts'
import { controlVerbs, type ReloadReport } from '../../lab/control/verbs.ts'
import { createLab } from '../../lab/create-lab.ts'
import type { Lab } from '../../lab/lab.ts'
import { checkPorts } from '../../lab/preflight/ports.ts'
import { assertPins } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, configurationIdentity, configurationSource } from '../shared/configuration.ts'
import { createLog } from '../shared/log.ts'
import { noteWarning, print } from '../shared/output.ts'
import { runtimePlaces } from '../shared/running-labs.ts'
import { httpAddresses, printBanner } from './banner.ts'
import { releaseMemoryWhenIdle } from './idle-memory.ts'

export interface StartOptions extends ConfigurationOptions {
  readonly protocol?: readonly ServerProtocol[]
  readonly quiet?: boolean
}

/** Whether a line is printed for each message and refusal. They replace the lines of the log about ended sessions. */
const isLive = ({ json, quiet }: StartOptions): boolean => process.stdout.isTTY && !json && !quiet

/**
 * Runs a lab until a signal stops it.
 * @throws ConfigError, ListenError and every other error that prevents the start
 */
export async function runLab(options: StartOptions): Promise<void> {
  const { configuration, running, log, lab, token } = await openLab(options)
  const endpoints = lab.endpoints()
  const administratorToken = token ?? lab.administratorToken
  if (options.json) {
    const urls = httpAddresses(endpoints, configuration)
    const url = urls.find((one) => one.startsWith('http:')) ?? urls[0]
    const { endpoint: dns } = lab.dns
    print(JSON.stringify({ event: 'ready', pid: process.pid, url, administratorToken, endpoints, dns }))
  } else {
    printBanner(endpoints, configuration, options, administratorToken, lab.dns.endpoint)
    if (isLive(options)) (await import('./live-lines.ts')).showLive(lab)
    print('ready')
  }
  releaseMemoryWhenIdle(log)
  // Also when the program that has started the lab was killed.
  if (options.forTests) process.stdin.once('close', () => running.stop()).resume()
  await running.untilStopped()
  // An open pipe would keep the process running.
  if (options.forTests) process.stdin.destroy()
}

/** Starts a lab that signals and its control socket control. @throws as `runLab` */
export async function openLab(options: StartOptions) {
  const opened = await open(options).catch(async (error: Error) => {
    const { withAllReasons } = await import('../shared/problems.ts')
    throw await withAllReasons(error, options)
  })
  await opened.running.attach(opened.lab)
  return opened
}

async function open(options: StartOptions) {
  const { notes, token, ...source } = options.forTests
    ? await (await import('./for-tests.ts')).sourceForTests(options)
    : { token: undefined, ...(await configurationSource(options)) }
  const opened = await source.open()
  const { loaded } = opened
  const { protocol: only } = options
  const lab = startedOf(loaded.lab, only)
  // First, so that a second start of a lab leaves no trace in files and logs.
  const [taken] = await checkPorts(lab, new Set(), 'listen')
  if (taken) throw new Error(taken.message)
  for (const warning of [...notes, ...loaded.warnings]) noteWarning(warning)
  await assertPins(loaded)
  const log = createLog(loaded.lab.logLevel, options.json ?? false, isLive(options) || options.quiet)
  const running = new RunningLab(options, log)
  const onUse = ({ logLevel }: ResolvedLab): void => {
    log.level = logLevel
  }
  const configuration = { source: { ...source, onUse, ...(only ? { only } : {}) }, opened }
  const started = await createLab(lab, { log, keepsLog: true, clock: systemClock, configuration })
  return { configuration: loaded, running, log, lab: started, token }
}

/** When the user presses Ctrl-C, npm sends SIGINT again. Signals within this time count as one. */
const REPEATED_SIGNAL_MS = 250

/** The lab of this process, controlled by signals and the control socket. */
export class RunningLab {
  readonly #options: StartOptions
  readonly #startLog: Logger
  readonly #stopped: Promise<void>
  #stop: () => void = () => {}
  /** Ends the wait for sessions. */
  readonly #hurry = new AbortController()
  #stoppingSince: number | undefined
  #lab: Lab | undefined
  #control: ControlServer | undefined

  constructor(options: StartOptions, log: Logger) {
    this.#options = options
    this.#startLog = log
    this.#stopped = new Promise((resolve) => {
      this.#stop = resolve
    })
    // No client can end the lab: an error that nothing else catches is a defect and is logged.
    process.on('uncaughtException', (err) => this.#log.fatal({ err }, 'uncaught error; the lab continues'))
    process.on('unhandledRejection', (err) => this.#log.fatal({ err }, 'unhandled rejection; the lab continues'))
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => this.#onStopSignal(signal))
  }

  get #log(): Logger {
    return this.#lab?.log ?? this.#startLog
  }

  /** Connects signals and the control socket to the lab. */
  async attach(lab: Lab): Promise<void> {
    this.#lab = lab
    process.on('SIGHUP', () => {
      this.#reload(lab).catch((err: Error) => this.#log.error(`not reloaded, nothing has changed: ${err.message}`))
    })
    const verbs = controlVerbs(lab, {
      reload: () => this.#reload(lab),
      // After the answer, because stopping closes the control socket.
      stop: (now) => setImmediate(() => this.#beginToStop('sealpost stop', now)),
    })
    try {
      const path = await newSocketPath(configurationIdentity(this.#options).identity, process.pid, runtimePlaces())
      this.#control = await ControlServer.open(path, verbs, controlStreams(lab))
    } catch (error) {
      // On a read-only system the lab runs without a control socket. SIGHUP still reloads it.
      this.#log.warn(`no control socket: ${(error as Error).message}`)
    }
  }

  /** Ends the lab as SIGINT does. */
  stop(): void {
    this.#hurry.abort()
    this.#stop()
  }

  /** Resolves when a signal has stopped the lab and all sessions have ended. */
  async untilStopped(): Promise<void> {
    await this.#stopped
    if (!this.#hurry.signal.aborted) await this.#lab?.drain(this.#hurry.signal)
    await this.#control?.[Symbol.asyncDispose]()
    await this.#lab?.stop()
    this.#log.info('stopped')
  }

  /**
   * Handles a stop signal. SIGTERM, which orchestrators send, lets sessions finish what they do. SIGINT, or a second signal,
   * ends them with their protocol's farewell. A signal after that ends the process.
   */
  #onStopSignal(signal: NodeJS.Signals): void {
    const now = performance.now()
    if (this.#stoppingSince !== undefined && now - this.#stoppingSince < REPEATED_SIGNAL_MS) return
    if (this.#hurry.signal.aborted) process.exit(128 + constants.signals[signal])
    this.#beginToStop(signal, this.#stoppingSince !== undefined || signal !== 'SIGTERM')
  }

  /** Lets sessions finish what they do; with `hurries`, ends them. */
  #beginToStop(reason: string, hurries: boolean): void {
    const isFirst = this.#stoppingSince === undefined
    this.#stoppingSince = performance.now()
    this.#log.info(isFirst || !hurries ? `${reason}: stopping` : `${reason}: stopping immediately`)
    if (!this.#lab) process.exit(0)
    if (hurries) this.#hurry.abort()
    this.#stop()
  }

  async #reload(lab: Lab): Promise<ReloadReport> {
    const { warnings: found = [], afterRestart = [] } = (await lab.configuration?.reload()) ?? {}
    const warnings = [...found, ...afterRestart.map((key) => `${key}: the change takes effect at the next start`)]
    for (const warning of warnings) this.#log.warn(warning)
    this.#log.info('reloaded')
    return { pid: process.pid, warnings }
  }
}
