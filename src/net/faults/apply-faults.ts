import type { FaultAction } from '../../core/config/schema/fault.ts'
import type { SessionRecorder } from '../../core/sessions/types.ts'
import { delay as sleep } from '../../core/time/real-timers.ts'
import { ConnectionEnded, FaultAnswered } from '../errors.ts'
import type { Transport } from '../transport.ts'
import { parseCommand } from './fault-command.ts'
import type { ConnectionFaults, DueFault } from './fault-rules.ts'
import { refusalIn, replyOf, tagOf, toLines } from './reply-lines.ts'

/** The connection to which a fault writes. It records what is written. */
interface FaultWriter {
  readonly record: SessionRecorder
  write(data: string | Buffer): void
}

/** A fault that happens now. */
interface FiredFault {
  readonly name: string
  readonly action: FaultAction
}

/** The effect of the faults at a call of JMAP. */
export type CallFault = Pick<FaultAction, 'error' | 'drop'>

/** The effect of the faults. `answered`: the session must not see the client's line. `gone`: the connection is closed. */
export type FaultOutcome = 'pass' | 'answered' | 'gone'

/** Injects the faults of one connection: before the greeting, at a client's line, within and after a message. */
export class FaultInjector {
  readonly #faults: ConnectionFaults
  readonly #transport: Transport
  readonly #writer: FaultWriter
  /** The line of the command that the client sent last. */
  #command = ''
  /** Whether the next line continues the command: in IMAP4, after a literal. */
  #isContinued = false
  /** Octets of the current message so far, and the number at which a fault drops the connection. */
  #octets = 0
  #limit: number | undefined
  #reachesLimit: (() => void) | undefined
  /** The report that a fault asks for. */
  #report: string | undefined
  /** The action in place of the reply to the current command, which is withheld. */
  #instead: FiredFault | undefined

  constructor(faults: ConnectionFaults, transport: Transport, writer: FaultWriter) {
    this.#faults = faults
    this.#transport = transport
    this.#writer = writer
  }

  /** Injects the faults before the greeting; undefined if no fault applies. False if no session follows. @throws ConnectionEnded */
  beforeGreeting(): Promise<boolean> | undefined {
    const due = this.#faults.due('connect')
    return due.length === 0 ? undefined : this.#beforeGreeting(due)
  }

  async #beforeGreeting(due: readonly DueFault[]): Promise<boolean> {
    const outcome = await this.#applyAll(due)
    // The fault replaced the greeting.
    if (outcome === 'answered') this.#transport.end('server closed')
    return outcome === 'pass'
  }

  /** Injects the faults at a client's line; undefined if no fault applies. @throws ConnectionEnded */
  atLine(text: string): Promise<FaultOutcome> | undefined {
    if (!this.#isContinued) this.#command = text
    this.#isContinued = false
    const due = this.#faults.due('command', text)
    return due.length === 0 ? undefined : this.#applyAll(due, text)
  }

  /**
   * Injects the faults at a call of JMAP. Returns the error that takes the place of its response, and whether the connection
   * is closed; with `mid-reply`, the caller closes it. @throws AbortError when the signal is aborted
   */
  async atCall(line: () => string, signal: AbortSignal): Promise<CallFault> {
    const faults = this.#faults.ofCalls
    if (!faults) return {}
    const text = line()
    let found: CallFault = {}
    for (const each of faults.due('command', text)) {
      const action = await this.#fire(each, text)
      if (action?.delay !== undefined) await sleep(action.delay, undefined, { signal, ref: false })
      if (action?.drop === 'rst') this.#faults.reset()
      if (action?.drop !== undefined && action.drop !== 'mid-reply') this.#transport.destroy('server closed')
      found = { ...found, ...action }
    }
    return found
  }

  /** Starts to count the octets of a message. Undefined if nothing has to be awaited before the octets are counted. */
  messageBegins(): Promise<void> | undefined {
    this.#isContinued = this.#faults.protocol === 'imap4'
    const [first] = this.#faults.due('data')
    this.#octets = 0
    this.#limit = undefined
    if (!first) return undefined
    if (!first.confirm) return void this.#limitMessage(first)
    return first.confirm().then((isConfirmed) => {
      if (isConfirmed) this.#limitMessage(first)
    })
  }

  #limitMessage(first: DueFault): void {
    this.#limit = first.action.dropAfterOctets
    this.#writer.record.note(`fault: ${first.name}`)
    this.#reachesLimit = () => {
      first.reportFired()
      if (first.action.drop === 'rst') this.#faults.reset()
    }
  }

  /** Counts received octets of a message. @throws ConnectionEnded when a fault's limit is reached */
  atOctets(octets: number): void {
    this.#octets += octets
    if (this.#limit === undefined || this.#octets < this.#limit) return
    this.#reachesLimit?.()
    this.#transport.destroy('server closed')
    this.#transport.checkReadable()
  }

  /**
   * Returns a function that injects the faults after the content of a message, before it is stored. Undefined if no fault
   * applies. It rejects with FaultAnswered if the message must not be stored, and with ConnectionEnded.
   * @param content reads the message, for functions
   * @param recipient follows the command in the line that `matching` tests
   */
  atEndOfData(content: () => Promise<Buffer>, recipient = ''): (() => Promise<void>) | undefined {
    const due = this.#faults.due('end-of-data', recipient === '' ? this.#command : `${this.#command} ${recipient}`)
    return due.length === 0 ? undefined : () => this.#afterContent(due, content)
  }

  /** Whether output of the server is withheld: the reply to the message that it has just stored. */
  withholds(data: string | Buffer): boolean {
    if (!this.#instead) return false
    // Other responses of IMAP4 tell the client what is in its mailbox.
    if (this.#faults.protocol === 'imap4' && !data.toString('latin1').startsWith(`${tagOf(this.#command)} `))
      return false
    this.#writer.record.note(`fault: not sent: ${data.toString('latin1').trimEnd()}`)
    return true
  }

  /** Injects what takes the place of a reply that was withheld. Undefined if none was. @throws ConnectionEnded */
  afterCommand(): Promise<FaultOutcome> | undefined {
    const fired = this.#instead
    this.#instead = undefined
    return fired && this.#apply(fired, this.#command)
  }

  /** Returns the report that a fault has asked for since the last call. */
  takeReport(): string | undefined {
    const report = this.#report
    this.#report = undefined
    return report
  }

  async #afterContent(due: readonly DueFault[], content: () => Promise<Buffer>): Promise<void> {
    let outcome: FaultOutcome = 'pass'
    for (const each of due) {
      const action = await this.#fire(each, this.#command, content)
      if (!action) continue
      await this.#delay(action)
      const fired = { name: each.name, action }
      if (action.stored) this.#instead = fired
      else if ((await this.#apply(fired, this.#command)) !== 'pass') outcome = 'answered'
    }
    if (outcome !== 'pass') throw new FaultAnswered()
  }

  /** Injects faults at a client's line, or before the greeting (no line). @throws ConnectionEnded */
  async #applyAll(due: readonly DueFault[], line?: string): Promise<FaultOutcome> {
    let outcome: FaultOutcome = 'pass'
    for (const each of due) {
      const action = await this.#fire(each, line)
      if (!action) continue
      await this.#delay(action)
      const result = await this.#apply({ name: each.name, action }, line)
      if (result === 'gone') return result
      if (result === 'answered') outcome = result
    }
    return outcome
  }

  /** Counts a fault and returns its action; undefined if it does not happen now. @throws the error of its function */
  async #fire(
    { name, action, confirm, decide, reportFired, reportPassed }: DueFault,
    line = '',
    content?: () => Promise<Buffer>,
  ): Promise<FaultAction | undefined> {
    if (confirm && !(await confirm())) return undefined
    const decided = decide ? await this.#decision({ name, decide }, line, content) : action
    if (!decided) {
      reportPassed()
      return undefined
    }
    this.#writer.record.note(`fault: ${name}`)
    reportFired()
    return decided
  }

  async #decision(
    { name, decide }: Required<Pick<DueFault, 'name' | 'decide'>>,
    line: string,
    content?: () => Promise<Buffer>,
  ): Promise<FaultAction | undefined> {
    try {
      const command = parseCommand(this.#faults.protocol, line)
      return await decide(content ? { ...command, content: await content() } : command)
    } catch (error) {
      this.#writer.record.note(`fault: ${name} failed: ${(error as Error).message}`)
      throw error
    }
  }

  /** @throws ConnectionEnded when the lab stops */
  async #delay({ delay }: FaultAction): Promise<void> {
    try {
      if (delay !== undefined) await this.#transport.pause(delay)
    } catch (error) {
      // A slow server carries out the command even if the client has given up: the message is stored. RFC 1047
      if (!(error instanceof ConnectionEnded) || error.reason === 'stopping') throw error
    }
  }

  /** Injects everything but the delay. @throws ConnectionEnded */
  async #apply({ name, action }: FiredFault, line?: string): Promise<FaultOutcome> {
    const transport = this.#transport
    if (action.report !== undefined) this.#report = action.report
    if (action.throttle !== undefined) transport.throttle(action.throttle)
    if (action.greeting !== undefined) transport.replaceGreeting(`${action.greeting}\r\n`)
    if (action.inject !== undefined) transport.injectBeforeTls(toLines(action.inject, this.#faults.protocol, line))
    if (action.silence) return ignoreClient(transport, this.#writer.record)
    if (action.drop === 'before' || action.drop === 'rst') {
      transport.flush()
      if (action.drop === 'rst') this.#faults.reset()
      transport.destroy('server closed')
      return 'gone'
    }
    if (action.drop === 'mid-reply') transport.cutNextReply()
    if (action.drop === 'after') transport.dropAfterReply()
    const reply = replyOf(this.#faults, action, line)
    if (reply !== undefined) {
      this.#writer.write(reply)
      const refusal = refusalIn(reply, this.#faults.protocol)
      if (refusal !== undefined) this.#writer.record.refused(`${refusal} (fault: ${name})`)
    }
    if (action.halfClose) transport.halfClose()
    return reply === undefined ? 'pass' : 'answered'
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
