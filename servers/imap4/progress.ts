import { clearInterval, setInterval } from '../../src/core/time/real-timers.ts'
import type { ImapSession } from './state.ts'
import { quotedForm } from './wire/text.ts'

/** How far a command has come, in messages. */
export interface Progress {
  done?: number
  goal?: number
}

/**
 * Runs work that may take long, and reports its progress while it runs. The work must not send responses of its own in
 * pieces. RFC 9585.
 */
export async function withProgress<T>(session: ImapSession, work: (progress: Progress) => Promise<T>): Promise<T> {
  const { connection, context, tag } = session
  const progress: Progress = {}
  const report = (): void => {
    // A slow client gets no reports that it could only read later.
    if (connection.socket.destroyed || connection.socket.writableLength > 0) return
    session.send(progressResponse(tag, progress))
    connection.flush()
  }
  const timer = setInterval(report, context.config.limits.progressInterval)
  timer.unref()
  try {
    return await work(progress)
  } finally {
    clearInterval(timer)
  }
}

/** Returns `* OK [INPROGRESS ("tag" 45 1000)] Still working`. RFC 9585 section 4. */
function progressResponse(tag: string, { done, goal }: Progress): string {
  return `* OK [INPROGRESS (${quotedForm(tag)} ${done ?? 'NIL'} ${goal ?? 'NIL'})] Still working\r\n`
}
