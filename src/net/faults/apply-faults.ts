import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionRecorder } from '../../sessions/types.ts'
import type { Transport } from '../transport.ts'
import type { ConnectionFaults, DueFault } from './fault-rules.ts'

/** The connection to which a fault writes. It records what is written. */
export interface FaultWriter {
  readonly record: SessionRecorder
  write(data: string | Buffer): void
}

/** The effect of the faults. `answered`: the session must not see the client's line. `gone`: the connection is closed. */
export type FaultOutcome = 'pass' | 'answered' | 'gone'

/** Injects the faults of one connection: before the greeting, at a client's line, within a message. */
export class FaultInjector {
  readonly #faults: ConnectionFaults
  readonly #transport: Transport
  readonly #writer: FaultWriter
  /** Octets of the current message so far, and the number at which a fault drops the connection. */
  #octets = 0
  #limit: number | undefined
  #strikes: () => void = () => {}

  constructor(faults: ConnectionFaults, transport: Transport, writer: FaultWriter) {
    this.#faults = faults
    this.#transport = transport
    this.#writer = writer
  }

  /** Injects the faults before the greeting. @throws ConnectionEnded */
  async beforeGreeting(): Promise<FaultOutcome> {
    const due = this.#faults.due('connect')
    return due.length === 0 ? 'pass' : this.#apply(due)
  }

  /** Injects the faults at a client's line. @throws ConnectionEnded */
  async atLine(text: string): Promise<FaultOutcome> {
    const due = this.#faults.due('command', text)
    return due.length === 0 ? 'pass' : this.#apply(due, text)
  }

  /** Starts to count the octets of a message. */
  messageBegins(): void {
    const [first] = this.#faults.due('data')
    this.#octets = 0
    this.#limit = first?.action.dropAfterOctets
    this.#strikes = first?.strikes ?? (() => {})
    if (first) this.#writer.record.note(`fault: ${first.name}`)
  }

  /** Counts received octets of a message. @throws ConnectionEnded when a fault's limit is reached */
  atOctets(octets: number): void {
    this.#octets += octets
    if (this.#limit === undefined || this.#octets < this.#limit) return
    this.#strikes()
    this.#transport.destroy('server closed')
    this.#transport.checkReadable()
  }

  /** Injects faults at a client's line, or before the greeting (no line). @throws ConnectionEnded */
  async #apply(due: readonly DueFault[], line?: string): Promise<FaultOutcome> {
    const transport = this.#transport
    let outcome: FaultOutcome = 'pass'
    for (const { name, action, strikes } of due) {
      this.#writer.record.note(`fault: ${name}`)
      strikes()
      if (action.delay !== undefined) {
        transport.flush()
        await Promise.race([sleep(action.delay, undefined, { ref: false }), transport.closed])
      }
      if (action.throttle !== undefined) transport.throttle(action.throttle)
      if (action.greeting !== undefined) transport.replaceGreeting(`${action.greeting}\r\n`)
      if (action.inject !== undefined) transport.injectBeforeTls(toLines(action.inject, this.#faults.protocol, line))
      if (action.silence) return ignoreClient(transport, this.#writer.record)
      if (action.drop === 'before') {
        transport.flush()
        transport.destroy('server closed')
        return 'gone'
      }
      if (action.drop === 'mid-reply') transport.cutNextReply()
      if (action.drop === 'after') transport.dropAfterReply()
      const reply = replyOf(this.#faults, action, line)
      if (reply !== undefined) {
        this.#writer.write(reply)
        outcome = 'answered'
      }
      if (action.halfClose) transport.halfClose()
    }
    if (outcome !== 'answered' || line !== undefined) return outcome
    // The fault replaced the greeting, so no session follows.
    transport.end('server closed')
    return 'gone'
  }
}

/** Longest part of a line that waits for its end. */
const MAX_UNANSWERED_LINE = 8_192

/** Reads and records everything, without replies. @throws ConnectionEnded when the client closes */
async function ignoreClient(transport: Transport, record: SessionRecorder): Promise<never> {
  let rest = ''
  for (;;) {
    transport.checkReadable()
    const received = rest + transport.input.take(transport.input.heldOctets).toString('latin1')
    // Whole lines only: the mask finds secrets by how a line begins.
    const lines = received.split(/\r?\n/)
    const last = lines.pop() ?? ''
    for (const line of lines) record.line('in', line)
    rest = last.length > MAX_UNANSWERED_LINE ? '' : last
    await transport.more()
  }
}

/** Injects faults on the raw stream before a TLS handshake. */
export async function applyHandshakeFaults(
  faults: ConnectionFaults,
  due: readonly DueFault[],
  raw: Duplex,
  record: SessionRecorder,
): Promise<FaultOutcome> {
  const closed = new Promise<void>((resolve) => raw.once('close', resolve))
  // A stream without a reader does not notice its end.
  const readToEnd = (): Promise<void> => {
    raw.resume()
    return closed
  }
  for (const { name, action, strikes } of due) {
    record.note(`fault: ${name}`)
    strikes()
    if (action.delay !== undefined) await Promise.race([sleep(action.delay, undefined, { ref: false }), closed])
    if (action.silence) {
      raw.once('end', () => raw.destroy())
      await readToEnd()
      return 'gone'
    }
    const octets =
      action.abortHandshake === undefined
        ? action.garbage && faults.octets(action.garbage)
        : fatalAlert(action.abortHandshake)
    if (octets) {
      raw.end(octets)
      await readToEnd()
    } else if (action.drop) raw.destroy()
    if (octets || action.drop) return 'gone'
  }
  return 'pass'
}

/** Returns a TLS record with a fatal alert. RFC 5246 section 7.2; RFC 8446 section 6. */
const fatalAlert = (description: number): Buffer => Buffer.from([21, 3, 3, 0, 2, 2, description])

function replyOf(
  faults: ConnectionFaults,
  { reply, rawReply, garbage, oversizedReply }: DueFault['action'],
  line: string | undefined,
): string | Buffer | undefined {
  if (reply !== undefined) return toLines(reply, faults.protocol, line)
  if (rawReply !== undefined)
    return [rawReply]
      .flat()
      .map((text) => `${text}\r\n`)
      .join('')
  if (garbage !== undefined) return faults.octets(garbage)
  if (oversizedReply === undefined) return undefined
  return Buffer.concat([Buffer.alloc(Math.max(0, oversizedReply - 2), 'x'), Buffer.from('\r\n')])
}

const toLines = (text: string | readonly string[], protocol: string, line: string | undefined): string =>
  [text]
    .flat()
    .map((each) => `${tagged(protocol, each, line)}\r\n`)
    .join('')

/** Adds the command's tag to a reply of IMAP4, unless the reply is untagged. RFC 9051 section 2.2. */
function tagged(protocol: string, text: string, line: string | undefined): string {
  const tag = line?.trimStart().split(/\s/)[0]
  if (protocol !== 'imap4' || tag === undefined || /^[*+] /.test(text)) return text
  if (!/\{tag(\+\d+)?\}/.test(text)) return `${tag} ${text}`
  return text.replaceAll(/\{tag(?:\+(\d+))?\}/g, (_, ahead) => laterTag(tag, Number(ahead ?? 0)))
}

/** Returns a later tag of a client that counts its commands: A9 becomes A10, A009 becomes A010. */
function laterTag(tag: string, ahead: number): string {
  const digits = /(?<!\d)\d+$/.exec(tag)?.[0] ?? ''
  if (digits === '' || ahead === 0) return tag
  return tag.slice(0, -digits.length) + String(Number(digits) + ahead).padStart(digits.length, '0')
}
