import { connect, type Socket } from 'node:net'

/** An answer as it came over the socket. */
export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** A client that sends octets, not requests. */
export class RawClient {
  readonly socket: Socket
  #received = ''
  #isClosed = false
  #wake = (): void => {}

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text) => {
      this.#received += text
      this.#wake()
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  send(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** Resolves with everything received until the server closed the connection. */
  async closed(): Promise<string> {
    while (!this.#isClosed) await this.#change()
    return this.#received
  }

  /** Resolves with the next answer; undefined if the server closed the connection before. */
  async answer(): Promise<RawAnswer | undefined> {
    for (;;) {
      const [head = '', ...rest] = this.#received.split('\r\n\r\n')
      if (rest.length > 0) {
        const [first = '', ...lines] = head.split('\r\n')
        const headers = new Map(
          lines.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.replace(/^[^:]*: */, '')]),
        )
        const length = Number(headers.get('content-length') ?? 0)
        const all = rest.join('\r\n\r\n')
        if (all.length >= length) {
          this.#received = all.slice(length)
          return { status: Number(first.split(' ')[1]), headers, body: all.slice(0, length) }
        }
      }
      if (this.#isClosed) return undefined
      await this.#change()
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** Sends one request, and returns its answer. */
export async function exchange(port: number, text: string): Promise<RawAnswer | undefined> {
  using client = new RawClient(port)
  client.send(text)
  return await client.answer()
}
