import type { Duplex } from 'node:stream'
import { ClientStream, type StreamEnd } from '../../net/client/client-stream.ts'
import {
  type Extensions,
  extensionsOf,
  isContinued,
  isPositive,
  type Reply,
  replyOf,
  xtext,
} from '../../net/client/smtp.ts'
import { exitStatus, SendmailError, statusOfReply } from './exit-status.ts'
import type { Submission } from './message.ts'

/** The parameters that options ask for. */
interface Parameters {
  readonly notify?: string | undefined
  readonly ret?: string | undefined
  readonly envelopeId?: string | undefined
  readonly body?: string | undefined
}

/** Submits one message over an open connection. */
export class SubmissionClient {
  readonly #stream: ClientStream
  readonly #trace: (line: string) => void
  #extensions: Extensions = new Map()

  /** @param trace called for each line of the dialogue */
  constructor(stream: Duplex, trace: (line: string) => void) {
    this.#stream = new ClientStream(stream, { maxLineOctets: MAX_LINE_OCTETS, errorOf })
    this.#trace = trace
  }

  /** Reads the greeting, and returns the host name in it. @throws SendmailError */
  async greeting(): Promise<string> {
    const reply = await this.#reply(220)
    return joinedLines(reply).split(' ')[0] || 'localhost'
  }

  /** @throws SendmailError */
  async hello(hostname: string): Promise<void> {
    this.#extensions = extensionsOf(await this.#command(`EHLO ${hostname}`))
  }

  /**
   * Names the sender and the recipients. Returns the replies to the recipients.
   * @throws SendmailError if the sender or a recipient is refused; nothing is sent then
   */
  async envelope({ mailFrom, recipients, content }: Submission, parameters: Parameters): Promise<readonly string[]> {
    await this.#command(`MAIL FROM:<${mailFrom}>${this.#mailParameters(mailFrom, recipients, content, parameters)}`)
    const notify = parameters.notify && this.#extensions.has('DSN') ? ` NOTIFY=${parameters.notify.toUpperCase()}` : ''
    const accepted: string[] = []
    const refused: { readonly line: string; readonly status: number }[] = []
    for (const recipient of recipients) {
      const reply = await this.#ask(`RCPT TO:<${recipient}>${notify}`)
      const line = `${recipient}: ${reply.code} ${joinedLines(reply)}`
      if (isPositive(reply)) accepted.push(line)
      else refused.push({ line, status: statusOfReply(reply.code, joinedLines(reply)) })
    }
    if (refused[0] === undefined) return accepted
    const others = accepted.length > 0 ? '; the other recipients do not get the message either' : ''
    throw new SendmailError(refused[0].status, `${refused.map(({ line }) => line).join('; ')}${others}`)
  }

  /** Sends the message. Returns the final reply. @throws SendmailError */
  async content({ content }: Submission): Promise<string> {
    await this.#command('DATA', 354)
    void this.#stream.writeBlock(content)
    return joinedLines(await this.#reply(250))
  }

  /** Ends the session. The reply does not matter any more. */
  async quit(): Promise<void> {
    await this.#ask('QUIT').catch(() => {})
    this.#stream.destroy()
  }

  #mailParameters(
    mailFrom: string,
    recipients: readonly string[],
    content: Buffer,
    { ret, envelopeId, body }: Parameters,
  ): string {
    const has = (extension: string): boolean => this.#extensions.has(extension)
    const isUtf8 = [mailFrom, ...recipients].some((address) => NOT_ASCII.test(address))
    const is8bit = content.some((octet) => octet > 0x7f)
    return [
      has('SIZE') ? ` SIZE=${content.length}` : '',
      has('8BITMIME') && (is8bit || body !== undefined) ? ` BODY=${is8bit ? '8BITMIME' : body?.toUpperCase()}` : '',
      has('SMTPUTF8') && isUtf8 ? ' SMTPUTF8' : '',
      has('DSN') && ret !== undefined ? ` RET=${ret.toUpperCase()}` : '',
      has('DSN') && envelopeId !== undefined ? ` ENVID=${xtext(envelopeId)}` : '',
    ].join('')
  }

  async #command(line: string, wanted = 250): Promise<Reply> {
    this.#send(line)
    return this.#reply(wanted)
  }

  #ask(line: string): Promise<Reply> {
    this.#send(line)
    return this.#read()
  }

  #send(line: string): void {
    this.#trace(`> ${line}`)
    void this.#stream.write(`${line}\r\n`)
  }

  async #reply(wanted: number): Promise<Reply> {
    const reply = await this.#read()
    // RFC 5321 section 4.1.1.4: content follows 354 only.
    if (wanted === 354 ? reply.code === 354 : isPositive(reply)) return reply
    const text = joinedLines(reply)
    throw new SendmailError(statusOfReply(reply.code, text), `the lab answers ${reply.code} ${text}`)
  }

  async #read(): Promise<Reply> {
    const lines: string[] = []
    do {
      const line = await this.#stream.line()
      if (!REPLY_LINE.test(line)) {
        throw new SendmailError(
          exitStatus.protocol,
          `this is not an SMTP server; name an SMTP port. It answers: ${line.slice(0, 200)}`,
        )
      }
      this.#trace(`< ${line.slice(0, 3)} ${line.slice(4)}`)
      lines.push(line)
    } while (isContinued(lines.at(-1) ?? ''))
    return replyOf(lines)
  }
}

const MAX_LINE_OCTETS = 64 * 1024
const NOT_ASCII = /[^\x00-\x7f]/
const REPLY_LINE = /^\d{3}(?:[ -]|$)/

/** Returns the text of a reply, without its codes. */
const joinedLines = ({ lines }: Reply): string => lines.map((line) => line.slice(4)).join(' ')

function errorOf(end: StreamEnd): SendmailError {
  if (end.kind === 'lost') {
    return new SendmailError(exitStatus.tempFail, `the connection to the lab failed: ${end.error.message}`)
  }
  if (end.kind === 'line too long')
    return new SendmailError(
      exitStatus.protocol,
      'this is not an SMTP server: it sends a line without an end; name an SMTP port',
    )
  return new SendmailError(exitStatus.tempFail, 'the lab closed the connection before it had the message')
}
