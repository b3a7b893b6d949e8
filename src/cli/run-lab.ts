import { constants } from 'node:os'
import type { Logger } from 'pino'
import { systemClock } from '../common/clock.ts'
import type { ResolvedLab } from '../config/resolve.ts'
import { ControlServer } from '../lab/control/server.ts'
import { newSocketPath } from '../lab/control/socket-path.ts'
import { controlVerbs, type ReloadReport } from '../lab/control/verbs.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { assertPins } from './certificate-store.ts'
import { type Configuration, loadConfiguration } from './configuration.ts'
import { giveBackWhenIdle } from './idle-memory.ts'
import { createLog } from './log.ts'
import { note, print } from './output.ts'
import { runtimePlaces } from './running-labs.ts'
import type { StartOptions } from './start.ts'
import { endpointTable } from './start-banner.ts'

/** Runs a lab until a signal has ended it. @throws ConfigError; ListenError and whatever else keeps it from starting */
export async function runLab(options: StartOptions): Promise<void> {
  const configuration = await loadConfiguration(options)
  for (const warning of configuration.warnings) note(`warning: ${warning}`)
  await assertPins(configuration)
  const log = createLog(configuration.lab.logLevel, options.json ?? false)
  const running = new RunningLab(options, configuration, log)
  const lab = await createLab(running.config, { log, clock: systemClock })
  await running.takeOver(lab)
  const endpoints = lab.endpoints()
  if (options.json) print(JSON.stringify({ event: 'ready', pid: process.pid, endpoints }))
  else print(`${endpointTable(endpoints)}\nready`)
  giveBackWhenIdle(log)
  await running.untilStopped()
}

/** `npm start` hands on the Ctrl-C that the terminal has sent already: that is one signal, not two. */
const ECHO_MS = 250

/** The lab of a process: what signals and the control socket do to it. */
export class RunningLab {
  readonly #options: StartOptions
  readonly #log: Logger
  readonly #configuration: Configuration
  readonly #stopped: Promise<void>
  #stop: () => void = () => {}
  #stoppingSince: number | undefined
  #lab: Lab | undefined
  #control: ControlServer | undefined

  constructor(options: StartOptions, configuration: Configuration, log: Logger) {
    this.#options = options
    this.#configuration = configuration
    this.#log = log
    this.#stopped = new Promise((resolve) => {
      this.#stop = resolve
    })
    // Whatever a client sends, the lab stays; what gets here is a defect, and is on record.
    process.on('uncaughtException', (err) => log.fatal({ err }, 'uncaught error; the lab goes on'))
    process.on('unhandledRejection', (err) => log.fatal({ err }, 'unhandled rejection; the lab goes on'))
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => this.#onStopSignal(signal))
  }

  /** The configuration that the options leave of the file. */
  get config(): ResolvedLab {
    return this.#narrowed(this.#configuration.lab)
  }

  /** Signals and the control socket reach the lab from here on. */
  async takeOver(lab: Lab): Promise<void> {
    this.#lab = lab
    process.on('SIGHUP', () => {
      this.#reload(lab).catch((err: Error) => this.#log.error(`not reloaded, nothing has changed: ${err.message}`))
    })
    const verbs = controlVerbs(lab, { reload: () => this.#reload(lab) })
    try {
      const path = await newSocketPath(this.#configuration.identity, process.pid, runtimePlaces())
      this.#control = await ControlServer.open(path, verbs)
    } catch (error) {
      // A read-only system: the lab runs, SIGHUP still reloads it.
      this.#log.warn(`no control socket: ${(error as Error).message}`)
    }
  }

  /** Resolves when a signal has ended the lab and every session has been told good-bye. */
  async untilStopped(): Promise<void> {
    await this.#stopped
    await this.#control?.[Symbol.asyncDispose]()
    await this.#lab?.stop()
    this.#log.info('stopped')
  }

  /** The first signal ends politely, the second at once. */
  #onStopSignal(signal: NodeJS.Signals): void {
    if (this.#stoppingSince !== undefined) {
      if (performance.now() - this.#stoppingSince < ECHO_MS) return
      process.exit(128 + constants.signals[signal])
    }
    this.#stoppingSince = performance.now()
    this.#log.info(`${signal}: stopping`)
    if (this.#lab) this.#stop()
    else process.exit(0)
  }

  async #reload(lab: Lab): Promise<ReloadReport> {
    const configuration = await loadConfiguration(this.#options)
    const { lab: next, warnings } = configuration
    // A store in memory is the lab's own to look into.
    if (next.certificates.store !== 'memory') await assertPins(configuration)
    const narrowed = this.#narrowed(next)
    const kept = (['store', 'certificates'] as const).filter((key) => !same(lab.config[key], narrowed[key]))
    await lab.reload({ ...narrowed, store: lab.config.store, certificates: lab.config.certificates })
    this.#log.level = next.logLevel
    const report = {
      pid: process.pid,
      warnings: [...warnings, ...kept.map((key) => `${key}: a change of it takes effect at the next start`)],
    }
    for (const warning of report.warnings) this.#log.warn(warning)
    this.#log.info('reloaded')
    return report
  }

  #narrowed(config: ResolvedLab): ResolvedLab {
    const { only } = this.#options
    if (!only) return config
    return { ...config, virtualServers: config.virtualServers.filter(({ protocol }) => only.includes(protocol)) }
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
