import type { Logger } from 'pino'
import type { Clock } from '../common/clock.ts'
import { writeObstacle } from '../common/file-obstacles.ts'
import type { ResolvedCapture } from '../config/resolve.ts'
import { Capture, type CaptureOptions } from '../sessions/capture.ts'
import type { SessionRecord } from '../sessions/types.ts'

/** The capture files of a lab. Virtual servers that name the same file share one `Capture`. */
export class Captures {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #byFile = new Map<string, Capture>()

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = log
  }

  /** Returns the captures that the settings name, and opens those that are new. @throws if a file cannot be created */
  open(...settings: readonly (ResolvedCapture | undefined)[]): readonly Capture[] {
    const captures = settings.flatMap((setting) => (setting ? [this.#captureOf(setting)] : []))
    return [...new Set(captures)]
  }

  close(): void {
    for (const capture of this.#byFile.values()) capture.close()
    this.#byFile.clear()
  }

  #captureOf({ file, secrets, maxSize, maxFiles }: ResolvedCapture): Capture {
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
      throw new Error(captureObstacle(options.file) ?? (cause as Error).message, { cause })
    }
  }
}

/** Returns why a capture file cannot be created; undefined if it can. */
export function captureObstacle(file: string): string | undefined {
  const why = writeObstacle(file)
  return why === undefined ? undefined : `cannot write the capture ${file}: ${why}`
}

/** Logs one structured line for a session that has ended. */
export function logSession(log: Logger, record: SessionRecord): void {
  const { id, virtualServer, remoteAddress, remotePort, user, tls, refusals, startedAt, endedAt, endCause } = record
  const facts = {
    session: id,
    server: virtualServer,
    client: `${remoteAddress}:${remotePort}`,
    user,
    tls: tls && { version: tls.version, cipher: tls.cipher, bits: tls.bits },
    refusals: refusals.length > 0 ? refusals : undefined,
    durationMs: (endedAt ?? startedAt) - startedAt,
  }
  log.info(facts, `session ended: ${endCause}`)
}
