import { setImmediate } from '../../core/time/real-timers.ts'
import type { ProtocolRow, Reply, Server } from './protocol-row.ts'
import { VerifyError } from './types.ts'
import { MAX_REPLY_OCTETS, type Wire } from './wire.ts'

const CRLF_OCTETS = 2

/** Sends commands of one protocol over a wire and reads the replies. */
export class Dialog {
  readonly wire: Wire
  readonly row: ProtocolRow
  readonly #server: Server
  #count = 0

  constructor(wire: Wire, row: ProtocolRow, server: Server) {
    this.wire = wire
    this.row = row
    this.#server = server
  }

  /** Reads the greeting. @throws VerifyError */
  greeting(): Promise<Reply> {
    return this.#reply('', 0)
  }

  /** Sends a command and reads its reply. @throws VerifyError */
  command(command: string): Promise<Reply> {
    return this.pipeline(command, '')
  }

  /** Sends a command with more octets behind it in the same segment, and reads its reply. @throws VerifyError */
  pipeline(command: string, rest: string): Promise<Reply> {
    const n = ++this.#count
    this.wire.write(`${this.row.frame(command, n, this.#server)}\r\n${rest}`)
    return this.#reply(command, n)
  }

  /** Sends a line that is not a command (a continuation, or a message with its final dot) and reads the reply. */
  more(text: string): Promise<Reply> {
    this.wire.write(`${text}\r\n`)
    return this.#reply('', this.#count)
  }

  /** Sends QUIT or LOGOUT, if the protocol has it, and closes without waiting for the reply. */
  close(): void {
    const { frame, quit } = this.row
    if (quit !== undefined) this.wire.write(`${frame(quit, ++this.#count, this.#server)}\r\n`)
    setImmediate(() => this.wire.close())
  }

  /** Sends QUIT or LOGOUT, if the protocol has it, and waits for the reply or the end of the connection. */
  async quit(): Promise<void> {
    if (this.row.quit !== undefined) await this.command(this.row.quit).catch(() => {})
  }

  async #reply(command: string, n: number): Promise<Reply> {
    const lines = await this.wire.answer(() => this.#lines(command, n))
    const status = this.row.status(lines)
    return { lines, status, code: this.row.code(status) }
  }

  async #lines(command: string, n: number): Promise<string[]> {
    const lines: string[] = []
    let octets = 0
    do {
      const line = await this.wire.line()
      octets += line.length + CRLF_OCTETS
      if (octets > MAX_REPLY_OCTETS) {
        throw new VerifyError(`the server sends a reply of more than ${MAX_REPLY_OCTETS / 1024 / 1024} MiB`)
      }
      lines.push(line)
    } while (!this.row.isLast(lines, command, n))
    return lines
  }
}
