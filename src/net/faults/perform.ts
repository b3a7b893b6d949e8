import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionRecorder } from '../../sessions/types.ts'
import type { ConnectionFaults, Strike } from './fault-book.ts'

/** What a fault can do to a connection. */
export interface Faulty {
  readonly record: SessionRecorder
  readonly closed: Promise<unknown>
  write(data: string | Buffer): void
  flush(): void
  end(): void
  destroy(): void
  throttle(octetsPerSecond: number): void
  cutNextReply(): void
  dropAfterReply(): void
  halfClose(): void
  /** Reads on and answers nothing. @throws ConnectionEnded when the client goes */
  ignoreClient(): Promise<never>
}

/** `answered`: the session is not to see what the client said. `gone`: there is nobody left to answer. */
export type Outcome = 'pass' | 'answered' | 'gone'

/** Lets faults strike at a client's line (`line`), or before the greeting (no line). */
export async function strike(
  faults: ConnectionFaults,
  strikes: readonly Strike[],
  faulty: Faulty,
  line?: string,
): Promise<Outcome> {
  let outcome: Outcome = 'pass'
  for (const { name, action } of strikes) {
    faulty.record.note(`fault: ${name}`)
    if (action.delay !== undefined) {
      faulty.flush()
      await Promise.race([sleep(action.delay, undefined, { ref: false }), faulty.closed])
    }
    if (action.throttle !== undefined) faulty.throttle(action.throttle)
    if (action.silence) return faulty.ignoreClient()
    if (action.drop === 'before') return drop(faulty)
    if (action.drop === 'mid-reply') faulty.cutNextReply()
    if (action.drop === 'after') faulty.dropAfterReply()
    const said = words(faults, action, line)
    if (said !== undefined) {
      faulty.write(said)
      outcome = 'answered'
    }
    if (action.halfClose) faulty.halfClose()
  }
  if (outcome !== 'answered' || line !== undefined) return outcome
  // Said instead of a greeting: there is no session to go on with.
  faulty.end()
  return 'gone'
}

/** The same before a handshake is made, on the raw stream. */
export async function strikeHandshake(
  faults: ConnectionFaults,
  strikes: readonly Strike[],
  raw: Duplex,
  record: SessionRecorder,
): Promise<Outcome> {
  const closed = new Promise<void>((resolve) => raw.once('close', resolve))
  // A stream that nobody reads does not see its end.
  const awaitEnd = (): Promise<void> => {
    raw.resume()
    return closed
  }
  for (const { name, action } of strikes) {
    record.note(`fault: ${name}`)
    if (action.delay !== undefined) await Promise.race([sleep(action.delay, undefined, { ref: false }), closed])
    if (action.silence) {
      raw.once('end', () => raw.destroy())
      await awaitEnd()
      return 'gone'
    }
    const said =
      action.abortHandshake === undefined
        ? action.garbage && faults.octets(action.garbage)
        : alert(action.abortHandshake)
    if (said) {
      raw.end(said)
      await awaitEnd()
    } else if (action.drop) raw.destroy()
    if (said || action.drop) return 'gone'
  }
  return 'pass'
}

/** A fatal alert in a record of its own. RFC 5246 section 7.2; RFC 8446 section 6. */
const alert = (description: number): Buffer => Buffer.from([21, 3, 3, 0, 2, 2, description])

function drop(faulty: Faulty): Outcome {
  faulty.flush()
  faulty.destroy()
  return 'gone'
}

function words(
  faults: ConnectionFaults,
  { reply, garbage, oversizedReply }: Strike['action'],
  line: string | undefined,
): string | Buffer | undefined {
  if (reply !== undefined) {
    const lines = typeof reply === 'string' ? [reply] : reply
    return lines.map((text) => `${tagged(faults.protocol, text, line)}\r\n`).join('')
  }
  if (garbage !== undefined) return faults.octets(garbage)
  if (oversizedReply === undefined) return undefined
  return Buffer.concat([Buffer.alloc(Math.max(0, oversizedReply - 2), 'x'), Buffer.from('\r\n')])
}

/** IMAP4 replies carry the tag of the command, unless they are untagged. RFC 9051 section 2.2. */
function tagged(protocol: string, text: string, line: string | undefined): string {
  const tag = line?.trimStart().split(/\s/)[0]
  if (protocol !== 'imap4' || tag === undefined || /^[*+] /.test(text)) return text
  return text.includes('{tag}') ? text.replaceAll('{tag}', tag) : `${tag} ${text}`
}
