import type { Logger } from 'pino'
import type { Clock } from '../common/clock.ts'
import type { ResolvedCapture } from '../config/resolve.ts'
import { Capture } from '../sessions/capture.ts'
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
    const capture = new Capture({ file, secrets, maxOctets: maxSize, maxFiles, clock: this.#clock, onError })
    this.#byFile.set(file, capture)
    if (secrets)
      this.#log.warn({ file }, 'the capture holds TLS secrets: anyone who can read the file can read the sessions')
    return capture
  }
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
