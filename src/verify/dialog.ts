import type { ProtocolRow, Reply } from './protocols.ts'
import type { Wire } from './wire.ts'

/** Sends commands of one protocol over a wire and reads the replies. */
export class Dialog {
  readonly wire: Wire
  readonly row: ProtocolRow
  #count = 0

  constructor(wire: Wire, row: ProtocolRow) {
    this.wire = wire
    this.row = row
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
    this.wire.write(`${this.row.frame(command, n)}\r\n${rest}`)
    return this.#reply(command, n)
  }

  /** Sends a line that is not a command (a continuation, or a message with its final dot) and reads the reply. */
  more(text: string): Promise<Reply> {
    this.wire.write(`${text}\r\n`)
    return this.#reply('', this.#count)
  }

  /** Sends QUIT or LOGOUT and closes without waiting for the reply. */
  close(): void {
    this.wire.write(`${this.row.frame(this.row.quit, ++this.#count)}\r\n`)
    setImmediate(() => this.wire.close())
  }

  async #reply(command: string, n: number): Promise<Reply> {
    const lines: string[] = []
    do lines.push(await this.wire.line())
    while (!this.row.isLast(lines, command, n))
    const status = this.row.status(lines)
    return { lines, status, code: this.row.code(status) }
  }
}
