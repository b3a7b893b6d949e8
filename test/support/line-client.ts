import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'

/** A client without knowledge of any protocol: sends and reads lines. */
export class LineClient implements Disposable {
  #socket: Socket | TLSSocket
  #buffered = ''
  #ended = false
  #wake: () => void = () => {}

  constructor(socket: Socket | TLSSocket) {
    this.#socket = socket
    this.#listen()
  }

  static async open(port: number): Promise<LineClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    return new LineClient(socket)
  }

  /** Connects and reads the greeting. */
  static async greeted(port: number): Promise<LineClient> {
    const client = await LineClient.open(port)
    await client.line()
    return client
  }

  static async openTls(port: number, ca: string): Promise<LineClient> {
    const socket = tlsConnect({ host: '127.0.0.1', port, ca, servername: 'localhost' })
    socket.setNoDelay(true)
    await once(socket, 'secureConnect')
    return new LineClient(socket)
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#buffered += chunk.toString('latin1')
      this.#wake()
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#ended = true
      this.#wake()
    })
  }

  send(text: string | Buffer): void {
    this.#socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  }

  /** Reads a line, without its CRLF; undefined at the end of the connection. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#buffered.indexOf('\r\n')
      if (end !== -1) {
        const line = this.#buffered.slice(0, end)
        this.#buffered = this.#buffered.slice(end + 2)
        return line
      }
      if (this.#ended) return this.#buffered === '' ? undefined : this.#take()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Reads lines up to and including the first that satisfies `isLast`. */
  async lines(isLast: (line: string) => boolean): Promise<string[]> {
    const found: string[] = []
    for (;;) {
      const line = await this.line()
      if (line === undefined) return found
      found.push(line)
      if (isLast(line)) return found
    }
  }

  /** Reads all lines up to the end of the connection. */
  async rest(): Promise<string[]> {
    return this.lines(() => false)
  }

  /** Plays a transcript: sends its `C: ` lines and expects its `S: ` lines, in which `*` matches any text. */
  async play(script: string): Promise<void> {
    for (const line of script.trim().split('\n')) {
      const text = line.trim()
      if (text.startsWith('C: ')) this.send(`${unescape(text.slice(3))}\r\n`)
      else if (text === 'C:') this.send('\r\n')
      else if (text === 'S: (end)') expectLine(await this.line(), undefined)
      else if (text.startsWith('S: ')) expectLine(await this.line(), unescape(text.slice(3)))
      else if (text === 'S:') expectLine(await this.line(), '')
      else throw new Error(`not a line of a transcript: ${text}`)
    }
  }

  async startTls(ca: string): Promise<void> {
    this.#socket.removeAllListeners('data')
    this.#socket.removeAllListeners('close')
    const socket = tlsConnect({ socket: this.#socket, ca, servername: 'localhost' })
    await once(socket, 'secureConnect')
    this.#socket = socket
    this.#listen()
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause()
  }

  /** Reads again. */
  resume(): void {
    this.#socket.resume()
  }

  /** Number of octets that were sent but not yet passed to the system. */
  get pendingOctets(): number {
    return this.#socket.writableLength
  }

  /** Closes the client's side of the connection. */
  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  [Symbol.dispose](): void {
    this.destroy()
  }

  /** Closes with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  #take(): string {
    const rest = this.#buffered
    this.#buffered = ''
    return rest
  }
}

const unescape = (text: string): string =>
  text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

function expectLine(found: string | undefined, expected: string | undefined): void {
  if (expected === undefined ? found === undefined : found !== undefined && matches(found, expected)) return
  throw new Error(`expected ${expected ?? 'the end'}\n     got ${found ?? 'the end'}`)
}

const matches = (text: string, pattern: string): boolean =>
  new RegExp(`^${pattern.split('*').map(escapeRegExp).join('.*')}$`, 's').test(text)

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
