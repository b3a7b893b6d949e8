import type { ProtocolRow, Reply } from './protocols.ts'
import type { Wire } from './wire.ts'

/** Commands and replies of one protocol over a wire. */
export class Dialog {
  readonly wire: Wire
  readonly row: ProtocolRow
  #count = 0

  constructor(wire: Wire, row: ProtocolRow) {
    this.wire = wire
    this.row = row
  }

  /** The greeting. @throws VerifyError */
  greeting(): Promise<Reply> {
    return this.#reply('', 0)
  }

  /** Sends a command and reads its reply. @throws VerifyError */
  command(command: string): Promise<Reply> {
    return this.pipeline(command, '')
  }

  /** The same with something behind the command in the same segment. */
  pipeline(command: string, behind: string): Promise<Reply> {
    const n = ++this.#count
    this.wire.write(`${this.row.frame(command, n)}\r\n${behind}`)
    return this.#reply(command, n)
  }

  /** Sends a line that is no command: the answer to a continuation request, or message text with its ending dot. */
  more(text: string): Promise<Reply> {
    this.wire.write(`${text}\r\n`)
    return this.#reply('', this.#count)
  }

  /** Leaves politely, without waiting long for the good-bye. */
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
