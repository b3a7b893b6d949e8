import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionRecorder } from '../../sessions/types.ts'
import type { Transport } from '../transport.ts'
import type { ConnectionFaults, Strike } from './fault-book.ts'
import type { Speaker } from './fault-meter.ts'

/** `answered`: the session is not to see what the client said. `gone`: there is nobody left to answer. */
export type Outcome = 'pass' | 'answered' | 'gone'

/** Lets faults strike at a client's line (`line`), or before the greeting (no line). @throws ConnectionEnded */
export async function strike(
  faults: ConnectionFaults,
  strikes: readonly Strike[],
  transport: Transport,
  speaker: Speaker,
  line?: string,
): Promise<Outcome> {
  let outcome: Outcome = 'pass'
  for (const { name, action } of strikes) {
    speaker.record.note(`fault: ${name}`)
    if (action.delay !== undefined) {
      transport.flush()
      await Promise.race([sleep(action.delay, undefined, { ref: false }), transport.closed])
    }
    if (action.throttle !== undefined) transport.throttle(action.throttle)
    if (action.greeting !== undefined) transport.greetWith(`${action.greeting}\r\n`)
    if (action.inject !== undefined) transport.injectBehindReply(linesOf(action.inject, faults.protocol, line))
    if (action.silence) return ignoreClient(transport)
    if (action.drop === 'before') return drop(transport)
    if (action.drop === 'mid-reply') transport.cutNextReply()
    if (action.drop === 'after') transport.dropAfterReply()
    const said = words(faults, action, line)
    if (said !== undefined) {
      speaker.write(said)
      outcome = 'answered'
    }
    if (action.halfClose) transport.halfClose()
  }
  if (outcome !== 'answered' || line !== undefined) return outcome
  // Said instead of a greeting: there is no session to go on with.
  transport.end('server closed')
  return 'gone'
}

/** Reads on and answers nothing. @throws ConnectionEnded when the client goes */
async function ignoreClient(transport: Transport): Promise<never> {
  for (;;) {
    transport.checkReadable()
    transport.input.take(transport.input.heldOctets)
    await transport.more()
  }
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

function drop(transport: Transport): Outcome {
  transport.flush()
  transport.destroy('server closed')
  return 'gone'
}

function words(
  faults: ConnectionFaults,
  { reply, garbage, oversizedReply }: Strike['action'],
  line: string | undefined,
): string | Buffer | undefined {
  if (reply !== undefined) return linesOf(reply, faults.protocol, line)
  if (garbage !== undefined) return faults.octets(garbage)
  if (oversizedReply === undefined) return undefined
  return Buffer.concat([Buffer.alloc(Math.max(0, oversizedReply - 2), 'x'), Buffer.from('\r\n')])
}

const linesOf = (text: string | readonly string[], protocol: string, line: string | undefined): string =>
  [text]
    .flat()
    .map((each) => `${tagged(protocol, each, line)}\r\n`)
    .join('')

/** IMAP4 replies carry the tag of the command, unless they are untagged. RFC 9051 section 2.2. */
function tagged(protocol: string, text: string, line: string | undefined): string {
  const tag = line?.trimStart().split(/\s/)[0]
  if (protocol !== 'imap4' || tag === undefined || /^[*+] /.test(text)) return text
  if (!/\{tag(\+\d+)?\}/.test(text)) return `${tag} ${text}`
  return text.replaceAll(/\{tag(?:\+(\d+))?\}/g, (_, ahead) => laterTag(tag, Number(ahead ?? 0)))
}

/** The tag of a client that counts: A9 becomes A10, A009 becomes A010. */
function laterTag(tag: string, ahead: number): string {
  const digits = /\d+$/.exec(tag)?.[0] ?? ''
  if (digits === '' || ahead === 0) return tag
  return tag.slice(0, -digits.length) + String(Number(digits) + ahead).padStart(digits.length, '0')
}
