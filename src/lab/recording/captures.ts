import type { Logger } from 'pino'
import type { ResolvedCapture, ResolvedLab } from '../../core/config/resolve.ts'
import { writeObstacle } from '../../core/files/file-obstacles.ts'
import type { MemoryBudget } from '../../core/octets/memory-budget.ts'
import { Capture, type CaptureOptions, type TrafficRecorder } from '../../core/sessions/capture.ts'
import type { SessionLog } from '../../core/sessions/log.ts'
import { SessionCaptures } from '../../core/sessions/session-captures.ts'
import type { Clock } from '../../core/time/clock.ts'

/** The parts of a lab that captures need. */
interface CaptureServices {
  readonly clock: Clock
  readonly log: Logger
  readonly intake: { readonly memory: MemoryBudget }
  readonly sessionLog: Pick<SessionLog, 'follow'>
}

/** The captures of a lab: files, and the latest sessions in memory. Virtual servers that name the same file share it. */
export class Captures {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #byFile = new Map<string, Capture>()
  /** The traffic of the latest sessions. */
  readonly sessions: SessionCaptures

  constructor({ clock, log, intake, sessionLog }: CaptureServices) {
    this.#clock = clock
    this.#log = log
    this.sessions = new SessionCaptures(clock, intake.memory)
    sessionLog.follow({ forgotten: ({ id }) => this.sessions.delete(id) })
  }

  /** Applies the memory limit of a configuration. */
  limit({ testing, virtualServers }: Pick<ResolvedLab, 'testing' | 'virtualServers'>): void {
    const settings = [testing.packets, ...virtualServers.map((server) => server.packets)]
    this.sessions.maxOctets = Math.max(0, ...settings.map((setting) => setting?.memory ?? 0))
  }

  /** Returns what the settings record, and opens files that are new. @throws if a file cannot be created */
  open(...settings: readonly (ResolvedCapture | undefined)[]): readonly TrafficRecorder[] {
    const wanted = settings.filter((setting) => setting !== undefined)
    const files = wanted.flatMap((setting) => (setting.file === undefined ? [] : [this.#captureOf(setting)]))
    const inMemory = wanted.filter(({ memory }) => memory > 0)
    return [
      ...new Set(files),
      ...(inMemory.length > 0 ? [this.sessions.recorder(inMemory.some(({ secrets }) => secrets))] : []),
    ]
  }

  close(): void {
    for (const capture of this.#byFile.values()) capture.close()
    this.#byFile.clear()
    this.sessions.clear()
  }

  #captureOf({ file = '', secrets, maxSize, maxFiles }: ResolvedCapture): Capture {
    const known = this.#byFile.get(file)
    if (known) return known
    const onError = (err: Error): void => this.#log.error({ err, file }, 'capture stopped: cannot write the file')
    const capture = this.#create({ file, secrets, maxOctets: maxSize, maxFiles, clock: this.#clock, onError })
    this.#byFile.set(file, capture)
    if (secrets)
      this.#log.warn({ file }, 'the capture holds TLS secrets: anyone who can read the file can read the sessions')
    return capture
  }

  #create(options: CaptureOptions): Capture {
    try {
      return new Capture(options)
    } catch (cause) {
      throw new Error(captureProblem(options.file) ?? (cause as Error).message, { cause })
    }
  }
}

/** Returns why a capture file cannot be created; undefined if it can. */
export function captureProblem(file: string): string | undefined {
  const why = writeObstacle(file)
  return why === undefined ? undefined : `cannot write the capture ${file}: ${why}`
}
