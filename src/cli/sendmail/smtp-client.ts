import type { Duplex } from 'node:stream'
import { exitStatus, SendmailError, statusOfReply } from './exit-status.ts'
import type { Submission } from './message.ts'

/** A reply of the server. RFC 5321 section 4.2. */
interface Reply {
  readonly code: number
  /** The lines without their codes. */
  readonly lines: readonly string[]
}

/** The parameters that options ask for. */
interface Parameters {
  readonly notify?: string | undefined
  readonly ret?: string | undefined
  readonly envelopeId?: string | undefined
  readonly body?: string | undefined
}

/** Sends one message over an open connection. */
export class SmtpClient {
  readonly #stream: Duplex
  readonly #replies: AsyncGenerator<Reply>
  readonly #trace: (line: string) => void
  #extensions = new Set<string>()

  /** @param trace called for each line of the dialogue */
  constructor(stream: Duplex, trace: (line: string) => void) {
    this.#stream = stream
    this.#replies = repliesIn(stream)
    this.#trace = trace
  }

  /** Reads the greeting, and returns the host name in it. @throws SendmailError */
  async greeting(): Promise<string> {
    const { lines } = await this.#reply(220)
    return lines[0]?.split(' ')[0] || 'localhost'
  }

  /** @throws SendmailError */
  async hello(hostname: string): Promise<void> {
    const { lines } = await this.#command(`EHLO ${hostname}`)
    this.#extensions = new Set(lines.slice(1).map((line) => (line.split(' ')[0] ?? '').toUpperCase()))
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
      const { code, lines } = await this.#ask(`RCPT TO:<${recipient}>${notify}`)
      const line = `${recipient}: ${code} ${lines.join(' ')}`
      if (code >= 200 && code < 300) accepted.push(line)
      else refused.push({ line, status: statusOfReply(code, lines[0] ?? '') })
    }
    if (refused[0] === undefined) return accepted
    const others = accepted.length > 0 ? '; nothing was sent to the other recipients either' : ''
    throw new SendmailError(refused[0].status, `${refused.map(({ line }) => line).join('; ')}${others}`)
  }

  /** Sends the message. Returns the final reply. @throws SendmailError */
  async content({ content }: Submission): Promise<string> {
    await this.#command('DATA', 354)
    // RFC 5321 section 4.5.2
    this.#stream.write(content.toString('latin1').replaceAll(/(^|\r\n)\./g, '$1..'), 'latin1')
    this.#stream.write('.\r\n')
    return (await this.#reply(250)).lines.join(' ')
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
    this.#stream.write(`${line}\r\n`)
  }

  async #reply(wanted: number): Promise<Reply> {
    const reply = await this.#read()
    if (Math.trunc(reply.code / 100) === Math.trunc(wanted / 100)) return reply
    const text = reply.lines.join(' ')
    throw new SendmailError(statusOfReply(reply.code, reply.lines[0] ?? ''), `the lab answers ${reply.code} ${text}`)
  }

  async #read(): Promise<Reply> {
    const { value, done } = await this.#replies.next()
    if (done) throw new SendmailError(exitStatus.tempFail, 'the lab closed the connection before it had the message')
    for (const line of value.lines) this.#trace(`< ${value.code} ${line}`)
    return value
  }
}

const NOT_ASCII = /[^\x00-\x7f]/
const REPLY_LINE = /^(\d{3})(?:([ -])(.*))?$/

/** Yields the replies of the server. @throws SendmailError */
async function* repliesIn(stream: Duplex): AsyncGenerator<Reply> {
  let lines: string[] = []
  for await (const line of linesIn(stream)) {
    const [, code, separator, text = ''] = REPLY_LINE.exec(line) ?? []
    if (code === undefined) throw new SendmailError(exitStatus.protocol, `this is not SMTP: ${line.slice(0, 200)}`)
    lines.push(text)
    if (separator === '-') continue
    yield { code: Number(code), lines }
    lines = []
  }
}

async function* linesIn(stream: Duplex): AsyncGenerator<string> {
  let held = ''
  try {
    for await (const chunk of stream) {
      const parts = (held + (chunk as Buffer).toString('utf8')).split(/\r?\n/)
      held = parts.pop() ?? ''
      yield* parts
    }
  } catch (error) {
    throw new SendmailError(exitStatus.tempFail, `the connection to the lab failed: ${(error as Error).message}`)
  }
}

/** RFC 3461 section 4. */
const xtext = (text: string): string =>
  text.replace(/[^!-*,-<>-~]/g, (character) =>
    [...Buffer.from(character)].map((octet) => `+${octet.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
